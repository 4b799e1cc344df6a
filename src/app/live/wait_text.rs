//! Text for the reasons that queued items wait.

use super::wait_counts::{CommonReason, WaitCount};
use crate::app::duration_text::format_duration;
use crate::domain::Timestamp;
use crate::domain::local_time::format_time;
use jiff::tz::TimeZone;

/// Returns the text for a reason, to follow the number of items.
#[must_use]
pub fn wait_text(wait: &WaitCount, now: Timestamp, zone: &TimeZone) -> String {
    let text = match &wait.reason {
        CommonReason::Held { hold } => format!("held: {}", hold.reason()),
        CommonReason::ActiveHours { from } => {
            let from = format_time(*from, now, zone);
            format!("for the active hours, from {from}")
        }
        CommonReason::NextRun => "for the next run".to_owned(),
        CommonReason::Turn => "for their turn".to_owned(),
        CommonReason::LaterAttempt { next_at } => {
            let next = next_at.map_or_else(String::new, |next| {
                format!(", the next in {}", format_duration(next.since(now)))
            });
            format!("for a later attempt{next}")
        }
        CommonReason::Budget => "for the budget".to_owned(),
        CommonReason::Duplicate => "for a duplicate in flight".to_owned(),
        CommonReason::ResponseLost => "for lookup of a lost response".to_owned(),
        CommonReason::FolderMissing { source } => {
            format!("for the folder of `{source}`, which is missing")
        }
        CommonReason::SourceNotConfigured { source } => {
            format!("for [[source]] `{source}`, which is not configured")
        }
    };
    if wait.is_mixed {
        format!("{text}, or a reason below")
    } else {
        text
    }
}
