//! Reason that an item is not done.

use super::error::AppError;
use super::session::Session;
use crate::config::SourceConfig;
use crate::domain::Location;
use crate::domain::{ErrorClass, Failure, Hold, HoldKind, JobId, JobState, Timestamp};
use crate::pipeline::lock::Lock;
use crate::policy::hours::Opening;
use crate::store::Store;
use crate::store::sqlite::items::Item;
use std::collections::BTreeMap;
use std::time::Duration;

/// Timeout for checking the folders of all sources. An unresponsive network share never answers.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// Reason that an item is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaitReason {
    /// The response to the last submission was lost, and its outcome is being looked up.
    ResponseLost,
    /// The source of the item is not configured.
    SourceNotConfigured {
        /// Name of the source.
        source: String,
    },
    /// The folder of the source is missing.
    FolderMissing,
    /// The budget does not allow the item.
    OverBudget {
        /// The cap and how the item exceeds it.
        reason: String,
    },
    /// Submissions are held.
    Held {
        /// Cause of the hold.
        hold: HoldKind,
    },
    /// The active hours do not allow submissions.
    OutsideActiveHours {
        /// Start of the active hours.
        until: Timestamp,
    },
    /// An item with the same audio is in flight. Its result will be shared.
    DuplicateInFlight {
        /// Item with the same audio.
        item: JobId,
    },
    /// The file changed while an item for its previous version is in flight.
    PreviousVersionInFlight {
        /// Item of the previous version.
        item: JobId,
    },
    /// The next attempt is due later.
    NextAttempt {
        /// Earliest time of the attempt.
        at: Timestamp,
        /// Failure of the last attempt.
        last_failure: Option<Failure>,
    },
    /// The item is due, and the runner works on other items.
    Turn {
        /// Failure of the last attempt.
        last_failure: Option<Failure>,
    },
    /// The item is due, and no runner is active.
    NextRun {
        /// Failure of the last attempt.
        last_failure: Option<Failure>,
    },
    /// The item is being sent.
    Sending,
    /// A run ended while it sent the item. The next run looks up the outcome.
    SendingInterrupted,
    /// The service transcribes the item.
    Pending {
        /// Time of the acceptance.
        since: Timestamp,
        /// Expiry at the service, if known.
        expires_at: Option<Timestamp>,
        /// Whether the expiry has passed. The service may still have the result.
        is_expired: bool,
    },
    /// The result is stored, and its files are not written yet.
    NotWritten,
    /// The result is stored, and its files could not be written.
    WriteFailed {
        /// Failure of the last attempt.
        failure: Failure,
        /// Time of the next attempt, if it is not due yet.
        next_attempt_at: Option<Timestamp>,
    },
}

/// State that applies to all items.
#[derive(Debug)]
pub(super) struct WaitContext {
    now: Timestamp,
    holds: Vec<Hold>,
    /// Whether the active hours allow submissions.
    opening: Opening,
    /// Whether a runner is active.
    is_running: bool,
    /// Whether the configuration has a budget.
    has_budget: bool,
    /// Whether the folder exists, for each configured source.
    sources: BTreeMap<String, bool>,
}

impl WaitContext {
    /// Loads the current state.
    pub(super) async fn load(session: &Session, store: &Store) -> Result<Self, AppError> {
        // Testing the lock takes it briefly, and a run starting at that moment would fail. So test it only if needed.
        let is_running =
            store.active_run().await?.is_some() && Lock::is_held(&session.config.state.dir);
        Ok(Self {
            now: session.now(),
            holds: session.holds(store).await?,
            opening: session.window(None).opening(session.now()),
            is_running,
            has_budget: !session.config.budget.is_empty(),
            sources: check_folders(&session.config.sources).await,
        })
    }

    /// Returns the reason that an item is not done. `None` in a final state.
    pub(super) fn reason(&self, item: &Item) -> Option<WaitReason> {
        match item.state {
            JobState::Queued => Some(self.queued(item)),
            JobState::Submitting if self.is_running => Some(WaitReason::Sending),
            JobState::Submitting => Some(WaitReason::SendingInterrupted),
            JobState::Pending => Some(self.pending(item)),
            JobState::Received => Some(self.received(item)),
            JobState::Done | JobState::Failed | JobState::Cancelled | JobState::Excluded => None,
        }
    }

    /// Returns the obstacle that must be cleared first.
    fn queued(&self, item: &Item) -> WaitReason {
        if item.obstacles.is_uncertain {
            return WaitReason::ResponseLost;
        }
        if let Some(reason) = self.unavailable(item) {
            return reason;
        }
        let over_budget = |failure: &&Failure| failure.class == ErrorClass::Budget;
        let over_budget = item.error.as_ref().filter(over_budget);
        if let Some(failure) = over_budget.filter(|_| self.has_budget) {
            let reason = failure.message.clone();
            return WaitReason::OverBudget { reason };
        }
        if let Some(hold) = self.holds.iter().find(|hold| hold.source.is_none()) {
            return WaitReason::Held { hold: hold.kind };
        }
        if item.obstacles.looks_paid {
            let hold = HoldKind::LooksPaid;
            return WaitReason::Held { hold };
        }
        if let Opening::At(until) = self.opening {
            return WaitReason::OutsideActiveHours { until };
        }
        if let Some(item) = item.obstacles.duplicate_of {
            return WaitReason::DuplicateInFlight { item };
        }
        if let Some(item) = item.obstacles.earlier_job {
            return WaitReason::PreviousVersionInFlight { item };
        }
        // A budget that was removed does not keep it any more.
        let last_failure = item.error.clone().filter(|_| over_budget.is_none());
        if item.due_at > self.now {
            let at = item.due_at;
            WaitReason::NextAttempt { at, last_failure }
        } else if self.is_running {
            WaitReason::Turn { last_failure }
        } else {
            WaitReason::NextRun { last_failure }
        }
    }

    /// Returns the reason that the source of an item cannot be read, if so. A URL needs no folder.
    fn unavailable(&self, item: &Item) -> Option<WaitReason> {
        match self.sources.get(&item.source) {
            None => Some(WaitReason::SourceNotConfigured {
                source: item.source.clone(),
            }),
            Some(false) if matches!(item.location, Location::File(_)) => {
                Some(WaitReason::FolderMissing)
            }
            Some(_) => None,
        }
    }

    fn pending(&self, item: &Item) -> WaitReason {
        WaitReason::Pending {
            since: item.accepted_at.unwrap_or(item.updated_at),
            expires_at: item.expires_at,
            is_expired: item.expires_at.is_some_and(|expiry| expiry <= self.now),
        }
    }

    fn received(&self, item: &Item) -> WaitReason {
        let Some(failure) = item.error.clone() else {
            return WaitReason::NotWritten;
        };
        WaitReason::WriteFailed {
            failure,
            next_attempt_at: Some(item.due_at).filter(|due| *due > self.now),
        }
    }
}

/// Checks which source folders exist. A folder that does not answer in time counts as missing.
async fn check_folders(sources: &[SourceConfig]) -> BTreeMap<String, bool> {
    let checks: Vec<_> = sources
        .iter()
        .map(|source| {
            let path = source.path.clone();
            tokio::task::spawn_blocking(move || path.is_dir())
        })
        .collect();
    let deadline = tokio::time::Instant::now() + ANSWER_WITHIN;
    let mut present = BTreeMap::new();
    for (source, check) in sources.iter().zip(checks) {
        let result = tokio::time::timeout_at(deadline, check).await;
        present.insert(source.name.clone(), matches!(result, Ok(Ok(true))));
    }
    present
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Job, Request};
    use crate::store::sqlite::items::Obstacles;
    use std::path::PathBuf;

    /// 2026-11-21T03:04:05Z.
    const NOW: Timestamp = Timestamp::from_millis(1_795_230_245_000);
    const HOUR: Duration = Duration::from_secs(3600);

    fn context() -> WaitContext {
        WaitContext {
            now: NOW,
            holds: Vec::new(),
            opening: Opening::Now,
            is_running: true,
            has_budget: true,
            sources: BTreeMap::from([("talks".to_owned(), true), ("gone".to_owned(), false)]),
        }
    }

    fn item(state: JobState) -> Item {
        Item {
            job: Job {
                id: JobId(17),
                request: Request::new("m", []),
                attempts: 0,
            },
            source: "talks".to_owned(),
            location: Location::File(PathBuf::from("/talks/a.mp3")),
            relative: PathBuf::from("a.mp3"),
            state,
            generation_id: None,
            size_bytes: 1,
            duration_s: None,
            is_estimate: false,
            as_is: false,
            sha256: None,
            due_at: NOW,
            obstacles: Obstacles::default(),
            accepted_at: None,
            expires_at: None,
            error: None,
            silent: None,
            quality: None,
            paid_by: None,
            retry_of: None,
            is_set_aside: false,
            warnings: Vec::new(),
            outputs: Vec::new(),
            created_at: NOW,
            updated_at: NOW,
        }
    }

    /// Returns the reason for an item, after `change` is applied to the defaults.
    fn why(state: JobState, change: impl FnOnce(&mut Item, &mut WaitContext)) -> WaitReason {
        let (mut item, mut context) = (item(state), context());
        change(&mut item, &mut context);
        context.reason(&item).unwrap()
    }

    const NO_FAILURE: Option<Failure> = None;

    #[test]
    fn a_queued_item_waits_for_its_turn_or_a_run() {
        let last_failure = NO_FAILURE;
        let turn = why(JobState::Queued, |_, _| ());
        assert_eq!(turn, WaitReason::Turn { last_failure });
        let last_failure = NO_FAILURE;
        let run = why(JobState::Queued, |_, context| context.is_running = false);
        assert_eq!(run, WaitReason::NextRun { last_failure });
    }

    #[test]
    fn a_retry_has_its_time_and_the_last_failure() {
        let network = Failure::new(ErrorClass::Network, "connection refused");
        let last_failure = Some(network);
        let at = NOW.after(HOUR);
        let later = why(JobState::Queued, |item, _| {
            (item.due_at, item.error) = (at, last_failure.clone());
        });
        let expected = WaitReason::NextAttempt {
            at,
            last_failure: last_failure.clone(),
        };
        assert_eq!(later, expected);
        let due = why(JobState::Queued, |item, _| {
            item.error.clone_from(&last_failure);
        });
        assert_eq!(due, WaitReason::Turn { last_failure });
    }

    #[test]
    fn an_item_waits_for_the_budget_while_there_is_one() {
        let message = "this recording alone exceeds budget.hours_per_day = 1";
        let failure = Failure::new(ErrorClass::Budget, message);
        let reason = why(JobState::Queued, |item, _| {
            item.error = Some(failure.clone());
        });
        let expected = message.to_owned();
        assert_eq!(reason, WaitReason::OverBudget { reason: expected });
        let lifted = why(JobState::Queued, |item, context| {
            (item.error, context.has_budget) = (Some(failure.clone()), false);
        });
        let last_failure = NO_FAILURE;
        assert_eq!(lifted, WaitReason::Turn { last_failure });
    }

    #[test]
    fn a_missing_folder_does_not_hold_urls() {
        let gone = |item: &mut Item, _: &mut WaitContext| item.source = "gone".to_owned();
        assert_eq!(why(JobState::Queued, gone), WaitReason::FolderMissing);
        let url = why(JobState::Queued, |item, _| {
            item.source = "gone".to_owned();
            item.location = Location::Url("https://example.org/a.mp3".to_owned());
        });
        let last_failure = NO_FAILURE;
        assert_eq!(url, WaitReason::Turn { last_failure });
        let removed = why(JobState::Queued, |item, _| item.source = "old".to_owned());
        let source = "old".to_owned();
        assert_eq!(removed, WaitReason::SourceNotConfigured { source });
    }

    #[test]
    fn the_most_blocking_reason_is_returned() {
        let mut reasons = Vec::new();
        let (mut item, mut context) = (item(JobState::Queued), context());
        let at = NOW.after(HOUR);
        item.due_at = at;
        reasons.push(context.reason(&item).unwrap());
        item.obstacles.earlier_job = Some(JobId(3));
        reasons.push(context.reason(&item).unwrap());
        item.obstacles.duplicate_of = Some(JobId(12));
        reasons.push(context.reason(&item).unwrap());
        context.opening = Opening::At(at);
        reasons.push(context.reason(&item).unwrap());
        context.holds = vec![Hold::of_source("other", NOW, "long story".to_owned())];
        assert_eq!(context.reason(&item), reasons.last().cloned());
        item.obstacles.looks_paid = true;
        reasons.push(context.reason(&item).unwrap());
        let hold = HoldKind::Operator;
        context
            .holds
            .push(Hold::new(hold, NOW, "long story".to_owned()));
        reasons.push(context.reason(&item).unwrap());
        item.source = "gone".to_owned();
        reasons.push(context.reason(&item).unwrap());
        item.obstacles.is_uncertain = true;
        reasons.push(context.reason(&item).unwrap());
        let last_failure = NO_FAILURE;
        assert_eq!(
            reasons,
            [
                WaitReason::NextAttempt { at, last_failure },
                WaitReason::PreviousVersionInFlight { item: JobId(3) },
                WaitReason::DuplicateInFlight { item: JobId(12) },
                WaitReason::OutsideActiveHours { until: at },
                WaitReason::Held {
                    hold: HoldKind::LooksPaid
                },
                WaitReason::Held { hold },
                WaitReason::FolderMissing,
                WaitReason::ResponseLost,
            ]
        );
    }

    #[test]
    fn sending_is_interrupted_when_no_runner_is_active() {
        let sending = why(JobState::Submitting, |_, _| ());
        assert_eq!(sending, WaitReason::Sending);
        let interrupted = why(JobState::Submitting, |_, context| {
            context.is_running = false;
        });
        assert_eq!(interrupted, WaitReason::SendingInterrupted);
    }

    #[test]
    fn a_pending_item_has_its_start_and_expiry() {
        let since = NOW.before(HOUR / 2);
        for (expiry, is_expired) in [(NOW.after(HOUR), false), (NOW, true)] {
            let pending = why(JobState::Pending, |item, _| {
                (item.accepted_at, item.expires_at) = (Some(since), Some(expiry));
            });
            let expires_at = Some(expiry);
            let expected = WaitReason::Pending {
                since,
                expires_at,
                is_expired,
            };
            assert_eq!(pending, expected);
        }
    }

    #[test]
    fn a_received_item_has_its_write_failure() {
        let received = why(JobState::Received, |_, _| ());
        assert_eq!(received, WaitReason::NotWritten);
        let failure = Failure::new(ErrorClass::Output, "no room");
        for (due, next_attempt_at) in [(NOW, None), (NOW.after(HOUR), Some(NOW.after(HOUR)))] {
            let full = why(JobState::Received, |item, _| {
                (item.error, item.due_at) = (Some(failure.clone()), due);
            });
            let failure = failure.clone();
            let expected = WaitReason::WriteFailed {
                failure,
                next_attempt_at,
            };
            assert_eq!(full, expected);
        }
    }

    #[test]
    fn a_final_state_has_no_reason() {
        for state in [
            JobState::Done,
            JobState::Failed,
            JobState::Cancelled,
            JobState::Excluded,
        ] {
            assert_eq!(context().reason(&item(state)), None);
        }
    }
}
