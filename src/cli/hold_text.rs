//! Words for a hold, which `status` and `plan` share.

use super::terminal::{WARN, escape_control_chars, format_time};
use crate::domain::{Hold, Timestamp};
use jiff::tz::TimeZone;

/// Returns the lines about a hold: its kind, start and reason, and advice.
pub(super) fn hold_text(hold: &Hold, now: Timestamp, zone: &TimeZone) -> String {
    let since = format_time(hold.since, now, zone);
    let message = escape_control_chars(&hold.message);
    format!(
        "{WARN}held{WARN:#} ({}) since {since}: {message}\n     {}\n",
        hold.kind,
        hold.kind.advice()
    )
}
