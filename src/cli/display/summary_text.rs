//! One-line summary of a run.

use crate::domain::HoldKind;
use crate::domain::control_chars::escape_control_chars;
use crate::pipeline::Summary;
use crate::policy::hours::Opening;

/// Returns the counts of the run, its problems and its holds on one line.
pub(super) fn summary_line(summary: &Summary) -> String {
    let mut parts = vec![
        format!("{} done", summary.done),
        format!("{} failed", summary.failed),
    ];
    if summary.warned > 0 {
        parts.push(format!(
            "{} with warnings; `nightscribe list` shows them",
            summary.warned
        ));
    }
    if summary.excluded > 0 {
        parts.push(format!(
            "{} excluded by the limits of their source",
            summary.excluded
        ));
    }
    if summary.over_budget > 0 {
        parts.push(format!(
            "{} stay queued and wait for the budget; `nightscribe list` shows why",
            summary.over_budget
        ));
    }
    let problems = summary.problems.iter();
    parts.extend(problems.map(|problem| format!("{}. {}", problem.message(), problem.advice())));
    if summary.queued && summary.opening != Opening::Now {
        parts.push(format!(
            "the remaining items stay queued: {}",
            summary.opening
        ));
    }
    parts.extend(summary.holds.iter().map(|hold| match hold.kind {
        HoldKind::Budget => format!("held (budget): {}", hold.message),
        HoldKind::LooksPaid => format!(
            "held (looks-paid): {}. {}",
            escape_control_chars(&hold.message),
            hold.kind.advice()
        ),
        kind => format!("held ({kind}): {}", kind.advice()),
    }));
    parts.join(", ")
}
