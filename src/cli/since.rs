//! Value of `--since`.

use super::args::Since;
use super::exit::{CommandError, Exit};
use crate::domain::Timestamp;
use crate::policy::day::start_of_day;
use jiff::tz::TimeZone;

/// Returns the time that `--since` names.
pub(super) fn since_time(
    since: Since,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<Timestamp, CommandError> {
    Ok(match since {
        Since::Ago(span) => now.before(span),
        Since::Time(time) => Timestamp::from_millis(time.as_millisecond()),
        Since::Day(day) => {
            let out_of_range =
                || CommandError::new(Exit::Usage, "--since: the day is out of range");
            start_of_day(day, zone).ok_or_else(out_of_range)?
        }
    })
}
