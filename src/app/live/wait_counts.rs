//! Reasons that queued items wait, with the number of items.

use super::queue_state::QueueState;
use crate::domain::{HoldKind, JobState, Timestamp};
use crate::policy::hours::Opening;
use crate::store::sqlite::activity::{HEAD_LIMIT, WaitingJobs};

/// Reason to wait, with the number of items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitCount {
    /// Number of items.
    pub count: u64,
    /// Whether the number is a lower bound, because only the head of the queue was examined.
    pub is_lower_bound: bool,
    /// Reason.
    pub reason: CommonReason,
    /// Whether some of the items may wait for another of the returned reasons.
    pub is_mixed: bool,
}

/// Reason that many queued items have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommonReason {
    /// Submissions are held.
    Held {
        /// Cause of the hold.
        hold: HoldKind,
    },
    /// The active hours do not allow submissions.
    ActiveHours {
        /// Start of the active hours.
        from: Timestamp,
    },
    /// No runner is active.
    NextRun,
    /// The runner works on other items.
    Turn,
    /// The next attempt is due later.
    LaterAttempt {
        /// Earliest of these attempts.
        next_at: Option<Timestamp>,
    },
    /// The budget does not allow them.
    Budget,
    /// An item with the same audio is in flight.
    Duplicate,
    /// The response to the last submission was lost, and its outcome is being looked up.
    ResponseLost,
    /// The folder of the source is missing.
    FolderMissing {
        /// Name of the source.
        source: String,
    },
    /// The source is not configured.
    SourceNotConfigured {
        /// Name of the source.
        source: String,
    },
}

/// Returns all reasons that queued items wait, starting with their turn.
pub(super) fn wait_counts(queue: &QueueState) -> Vec<WaitCount> {
    let mut others = vec![
        later(queue),
        exact(queue.overview.over_budget, CommonReason::Budget),
        looks_paid(queue),
        duplicates(queue),
        exact(queue.activity.uncertain, CommonReason::ResponseLost),
    ];
    others.extend(unavailable(queue));
    let elsewhere: u64 = others.iter().map(|wait| wait.count).sum();
    let turn = queue.count(JobState::Queued).saturating_sub(elsewhere);
    let mut all = vec![WaitCount {
        // Items beyond the examined head may wait for any of the other reasons.
        is_mixed: others
            .iter()
            .any(|wait| wait.is_lower_bound && wait.count > 0),
        ..exact(turn, turn_reason(queue))
    }];
    all.extend(others);
    all.retain(|wait| wait.count > 0);
    all
}

fn turn_reason(queue: &QueueState) -> CommonReason {
    let is_running = queue.overview.active_run.is_some();
    let hold = queue.holds.iter().find(|hold| hold.source.is_none());
    match (hold, queue.opening) {
        (Some(hold), _) => CommonReason::Held { hold: hold.kind },
        (None, Opening::At(from)) => CommonReason::ActiveHours { from },
        (None, _) if is_running => CommonReason::Turn,
        (None, _) => CommonReason::NextRun,
    }
}

fn later(queue: &QueueState) -> WaitCount {
    let count = queue.activity.not_due;
    let next_at = queue.activity.next_due;
    WaitCount {
        is_lower_bound: count >= HEAD_LIMIT,
        ..exact(count, CommonReason::LaterAttempt { next_at })
    }
}

/// Returns the items that are held because they look paid for.
fn looks_paid(queue: &QueueState) -> WaitCount {
    let count = total(queue, |waiting| {
        waiting.look_paid && !is_unavailable(queue, waiting)
    });
    let hold = HoldKind::LooksPaid;
    WaitCount {
        is_lower_bound: is_head_cut(queue),
        ..exact(count, CommonReason::Held { hold })
    }
}

fn duplicates(queue: &QueueState) -> WaitCount {
    let count = total(queue, |waiting| {
        waiting.have_duplicate && !waiting.look_paid && !is_unavailable(queue, waiting)
    });
    WaitCount {
        is_lower_bound: is_head_cut(queue),
        ..exact(count, CommonReason::Duplicate)
    }
}

/// Returns the items of each source that cannot be read.
fn unavailable(queue: &QueueState) -> Vec<WaitCount> {
    let waiting = queue.activity.waiting.iter();
    let mut sources: Vec<_> = waiting
        .filter(|waiting| is_unavailable(queue, waiting))
        .map(|waiting| &waiting.source)
        .collect();
    sources.dedup();
    let of_source = |name: &String| {
        let count = total(queue, |waiting| {
            is_unavailable(queue, waiting) && waiting.source == *name
        });
        let source = name.clone();
        let reason = if queue.sources.contains_key(name) {
            CommonReason::FolderMissing { source }
        } else {
            CommonReason::SourceNotConfigured { source }
        };
        WaitCount {
            is_lower_bound: is_head_cut(queue),
            ..exact(count, reason)
        }
    };
    sources.into_iter().map(of_source).collect()
}

fn is_unavailable(queue: &QueueState, waiting: &WaitingJobs) -> bool {
    match queue.sources.get(&waiting.source) {
        Some(exists) => waiting.are_files && !exists,
        None => true,
    }
}

/// Returns whether the queue may be longer than its examined head.
fn is_head_cut(queue: &QueueState) -> bool {
    total(queue, |_| true) >= HEAD_LIMIT
}

fn exact(count: u64, reason: CommonReason) -> WaitCount {
    WaitCount {
        count,
        is_lower_bound: false,
        reason,
        is_mixed: false,
    }
}

fn total(queue: &QueueState, filter: impl Fn(&WaitingJobs) -> bool) -> u64 {
    let waiting = queue.activity.waiting.iter();
    waiting
        .filter(|waiting| filter(waiting))
        .map(|waiting| waiting.jobs)
        .sum()
}
