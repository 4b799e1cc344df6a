//! Messages as data and as JSON. Fields may be added, but are never changed or removed.

use crate::domain::{AwaitedResults, Failure, Hold, JobId, Problem, Timestamp};
use serde::Serialize;

/// Maximum number of failures listed in a message. The rest are only counted.
pub const MAX_FAILURES: usize = 20;
/// Version of the JSON format.
const VERSION: u32 = 1;

/// Reason for a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum NotificationKind {
    /// A run or a day has ended.
    Summary,
    /// A hold has begun, or a problem was found, that a person must resolve.
    Attention,
    /// The operator tests the channels.
    Test,
}

/// A notification.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Notification {
    /// Version of the message: 1.
    version: u32,
    /// Reason for the message.
    pub kind: NotificationKind,
    /// ID of the message, the same in every channel and attempt.
    pub id: String,
    /// Time of creation.
    pub at: Timestamp,
    /// Name of the machine.
    pub host: String,
    /// The run, and the period covered.
    pub run: RunPeriod,
    /// Recordings that became transcripts.
    pub done: u64,
    /// Recordings that failed.
    pub failed: u64,
    /// Transcripts that should be checked. 0 for `attention`.
    pub warned: u64,
    /// The first failed recordings. The others are only counted.
    pub failures: Vec<FailedRecording>,
    /// Active holds.
    pub holds: Vec<ActiveHold>,
    /// Problems that need a person.
    pub problems: Vec<ReportedProblem>,
    /// Paid results that are still at the service at the end of a run. The next run has to collect them before they
    /// expire.
    pub awaited: AwaitedResults,
    /// Duration of the transcribed audio, in seconds. `None` for `attention`.
    pub audio_s: Option<f64>,
    /// Cost of the transcripts. `None` if a price is not known.
    pub cost: Option<Cost>,
}

/// Identity of a new notification.
#[derive(Debug, Clone)]
pub struct Origin {
    /// ID of the message.
    pub id: String,
    /// Time of creation.
    pub at: Timestamp,
    /// Name of the machine.
    pub host: String,
}

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Cost {
    /// Amount in units of the currency.
    pub amount: f64,
    /// Currency code, such as `USD`.
    pub currency: String,
}

/// A run, and the period that a message covers.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RunPeriod {
    /// ID of the run that created the message.
    pub id: i64,
    /// Start of the period, which is the end of the previous summary's.
    pub since: Timestamp,
    /// End of the period.
    pub until: Timestamp,
}

/// A recording that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FailedRecording {
    /// ID of the job.
    pub id: JobId,
    /// Absolute path or URL.
    pub path: String,
    /// Error class.
    #[cfg_attr(test, schemars(with = "crate::domain::ErrorClass"))]
    pub class: &'static str,
    /// Error message.
    pub message: String,
    /// Advice on how to fix it.
    pub advice: &'static str,
}

impl FailedRecording {
    /// Creates the entry of the failed recording at `path`.
    #[must_use]
    pub fn new(id: JobId, path: String, failure: Failure) -> Self {
        Self {
            id,
            path,
            class: failure.class.as_str(),
            message: failure.message,
            advice: failure.class.advice(),
        }
    }
}

/// An active hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ActiveHold {
    /// Cause of the hold.
    #[cfg_attr(test, schemars(with = "crate::domain::HoldKind"))]
    pub kind: &'static str,
    /// Source that is held; `None` if all are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Start of the hold.
    pub since: Timestamp,
    /// Error message.
    pub message: String,
    /// How the hold ends.
    pub advice: &'static str,
}

impl From<&Hold> for ActiveHold {
    fn from(hold: &Hold) -> Self {
        Self {
            kind: hold.kind.as_str(),
            source: hold.source.clone(),
            since: hold.since,
            message: hold.message.clone(),
            advice: hold.kind.advice(),
        }
    }
}

/// A problem that needs a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReportedProblem {
    /// Kind of the problem.
    pub kind: &'static str,
    /// Description of the problem.
    pub message: String,
    /// Next step of the program, and advice to the reader.
    pub advice: &'static str,
}

impl From<&Problem> for ReportedProblem {
    fn from(problem: &Problem) -> Self {
        Self {
            kind: problem.kind(),
            message: problem.message(),
            advice: problem.advice(),
        }
    }
}

/// Reason for an [`NotificationKind::Attention`] message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttentionReason {
    /// A hold has begun.
    Hold(ActiveHold),
    /// A problem was found.
    Problem(ReportedProblem),
}

impl From<&Hold> for AttentionReason {
    fn from(hold: &Hold) -> Self {
        Self::Hold(hold.into())
    }
}

impl From<&Problem> for AttentionReason {
    fn from(problem: &Problem) -> Self {
        Self::Problem(problem.into())
    }
}

/// State at the time of a summary.
#[derive(Debug, Clone, Copy, Default)]
pub struct CurrentState<'a> {
    /// Active holds.
    pub holds: &'a [Hold],
    /// Problems that need a person.
    pub problems: &'a [Problem],
    /// Paid results that the run leaves at the service. Empty while it goes on.
    pub awaited: AwaitedResults,
}

impl CurrentState<'_> {
    const fn is_ordinary(&self) -> bool {
        self.holds.is_empty() && self.problems.is_empty() && self.awaited.is_empty()
    }
}

/// Totals of the jobs that ended in a period.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    /// Recordings that became transcripts.
    pub done: u64,
    /// Recordings that failed.
    pub failed: u64,
    /// Transcripts with warnings.
    pub warned: u64,
    /// The first failed recordings.
    pub failures: Vec<FailedRecording>,
    /// Duration of the transcribed audio, in seconds.
    pub audio_s: f64,
    /// Cost of the transcripts. `None` if a price is not known.
    pub cost: Option<Cost>,
}

impl Notification {
    /// Creates a summary. `None` if no job ended and nothing needs a person.
    #[must_use]
    pub fn summary(
        origin: Origin,
        run: RunPeriod,
        ended: Totals,
        state: CurrentState<'_>,
    ) -> Option<Self> {
        if ended.done == 0 && ended.failed == 0 && state.is_ordinary() {
            return None;
        }
        Some(Self {
            done: ended.done,
            failed: ended.failed,
            warned: ended.warned,
            failures: ended.failures,
            holds: state.holds.iter().map(ActiveHold::from).collect(),
            problems: state.problems.iter().map(ReportedProblem::from).collect(),
            awaited: state.awaited,
            audio_s: Some(ended.audio_s),
            cost: ended.cost,
            ..Self::empty(NotificationKind::Summary, origin, run)
        })
    }

    /// Creates a message about a new hold or problem that a person must resolve. `done` and `failed` are the counts of the run so
    /// far.
    #[must_use]
    pub fn attention(
        origin: Origin,
        run: RunPeriod,
        [done, failed]: [u64; 2],
        reason: AttentionReason,
    ) -> Self {
        let (holds, problems) = match reason {
            AttentionReason::Hold(hold) => (vec![hold], Vec::new()),
            AttentionReason::Problem(problem) => (Vec::new(), vec![problem]),
        };
        Self {
            done,
            failed,
            holds,
            problems,
            ..Self::empty(NotificationKind::Attention, origin, run)
        }
    }

    /// Creates a message that tests the channels.
    #[must_use]
    pub fn test(origin: Origin) -> Self {
        let run = RunPeriod {
            id: 0,
            since: origin.at,
            until: origin.at,
        };
        Self::empty(NotificationKind::Test, origin, run)
    }

    fn empty(kind: NotificationKind, origin: Origin, run: RunPeriod) -> Self {
        Self {
            version: VERSION,
            kind,
            id: origin.id,
            at: origin.at,
            host: origin.host,
            run,
            done: 0,
            failed: 0,
            warned: 0,
            failures: Vec::new(),
            holds: Vec::new(),
            problems: Vec::new(),
            awaited: AwaitedResults::default(),
            audio_s: None,
            cost: None,
        }
    }

    /// Returns the message as JSON. The same message always gives the same bytes.
    #[must_use]
    pub fn json(&self) -> String {
        // Strings and numbers always serialize.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
pub(super) mod samples {
    use super::*;
    use crate::domain::{ErrorClass, HoldKind};

    pub(in crate::notify) fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis((1_795_230_245 + seconds) * 1000)
    }

    pub(in crate::notify) fn origin() -> Origin {
        Origin {
            id: "0a1b".to_owned(),
            at: at(0),
            host: "studio".to_owned(),
        }
    }

    pub(in crate::notify) fn span() -> RunPeriod {
        RunPeriod {
            id: 5,
            since: at(-28_800),
            until: at(0),
        }
    }

    pub(in crate::notify) fn hold() -> Hold {
        let message = "the account has no credit left".to_owned();
        Hold::new(HoldKind::Credit, at(-60), message)
    }

    pub(in crate::notify) fn ended(done: u64, failed: u64) -> Totals {
        let failure = |number: u64| {
            let class = [ErrorClass::Unreadable, ErrorClass::Rejected][number as usize % 2];
            let failure = Failure::new(class, format!("reason {number}"));
            let path = format!("/rec/{number} \u{1b}[2J.mp3");
            FailedRecording::new(JobId(number as i64 + 1), path, failure)
        };
        Totals {
            done,
            failed,
            warned: 0,
            failures: (0..failed).map(failure).take(MAX_FAILURES).collect(),
            audio_s: done as f64 * 1800.0,
            cost: Some(Cost {
                amount: done as f64 * 0.25,
                currency: "USD".to_owned(),
            }),
        }
    }

    pub(in crate::notify) fn summary(done: u64, failed: u64, holds: &[Hold]) -> Notification {
        let state = CurrentState {
            holds,
            ..CurrentState::default()
        };
        Notification::summary(origin(), span(), ended(done, failed), state).unwrap()
    }

    pub(in crate::notify) fn unreachable() -> Problem {
        let reason = "connection refused".to_owned();
        Problem::Unreachable { reason }
    }

    /// A summary of a run that was stopped while the service was unreachable.
    pub(in crate::notify) fn stopped() -> Notification {
        let state = CurrentState {
            holds: &[],
            problems: &[unreachable()],
            awaited: AwaitedResults {
                pending: 2,
                uncertain: 1,
                first_expiry: Some(at(1800)),
                last_expiry: Some(at(3600)),
            },
        };
        Notification::summary(origin(), span(), Totals::default(), state).unwrap()
    }

    pub(in crate::notify) fn attention() -> Notification {
        Notification::attention(origin(), span(), [3, 1], (&hold()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::samples::*;
    use super::*;

    #[test]
    fn a_summary_as_json() {
        let json: serde_json::Value =
            serde_json::from_str(&summary(41, 2, &[hold()]).json()).unwrap();
        insta::assert_snapshot!(serde_json::to_string_pretty(&json).unwrap());
    }

    #[test]
    fn an_attention_message_as_json() {
        let json: serde_json::Value = serde_json::from_str(&attention().json()).unwrap();
        insta::assert_snapshot!(serde_json::to_string_pretty(&json).unwrap());
    }

    #[test]
    fn a_summary_of_a_stopped_run_as_json() {
        let json: serde_json::Value = serde_json::from_str(&stopped().json()).unwrap();
        insta::assert_snapshot!(serde_json::to_string_pretty(&json).unwrap());
    }

    #[test]
    fn an_empty_summary_is_not_created() {
        let is_created = |ended, holds: &[Hold]| {
            let state = CurrentState {
                holds,
                ..CurrentState::default()
            };
            Notification::summary(origin(), span(), ended, state).is_some()
        };
        assert!(!is_created(Totals::default(), &[]));
        assert!(is_created(ended(1, 0), &[]));
        assert!(is_created(ended(0, 1), &[]));
        assert!(is_created(Totals::default(), &[hold()]));
    }
}
