//! Value of `--since`.

use std::time::Duration;

/// Value of `--since`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// Duration before now.
    Ago(Duration),
    /// Start of this day, in local time.
    Day(jiff::civil::Date),
    /// Point in time.
    Time(jiff::Timestamp),
}

pub(super) fn since(text: &str) -> Result<Since, String> {
    let day = || text.parse().map(Since::Day);
    let at = || text.parse().map(Since::Time);
    let ago = || humantime::parse_duration(text).map(Since::Ago);
    at().or_else(|_| day()).or_else(|_| ago()).map_err(|_| {
        "expected a day like 2026-11-01, a time like 2026-11-01T22:00:00Z, or a duration like 7d"
            .to_owned()
    })
}
