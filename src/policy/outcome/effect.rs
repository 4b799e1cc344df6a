//! The effect of an answer: a hold, and a change of the job.

use crate::domain::{ErrorClass, Failure, HoldKind, Timestamp};

/// The effect of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effect {
    /// A hold to begin. It begins before the change: otherwise a requeued job would leave again immediately.
    pub hold: Option<HoldKind>,
    /// The change of the job.
    pub change: JobChange,
}

impl From<JobChange> for Effect {
    fn from(change: JobChange) -> Self {
        Self { hold: None, change }
    }
}

/// The change of the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobChange {
    /// To `pending`, with the generation that the answer names.
    Accept,
    /// To `received`, with the result that the answer carries.
    Complete,
    /// Stays `pending` and is polled again.
    PollAgain {
        /// Whether the poll found it unfinished, from which the service's latency is learnt.
        unfinished: bool,
        /// When; `None` leaves it to the schedule.
        due: Option<Timestamp>,
    },
    /// To `queued`, uncertain: no claim takes it before the request log was searched.
    LookUp,
    /// Stays uncertain; the request log is searched again.
    LookUpAgain {
        /// When.
        due: Timestamp,
        /// Whether this look-up counts towards the last one.
        counted: bool,
    },
    /// To `queued`.
    Requeue {
        /// How the attempt ended.
        outcome: AttemptOutcome,
        /// When it may be claimed again.
        due: Timestamp,
        /// Whether the attempt counts.
        spent: bool,
        /// Why.
        reason: Reason,
    },
    /// To `failed`.
    Fail {
        /// How the attempt ended.
        outcome: AttemptOutcome,
        /// Why.
        reason: Reason,
    },
    /// None: a call of this kind does not get this answer.
    Nothing,
}

impl JobChange {
    /// Why a paid generation is lost, if this change gives it up.
    #[must_use]
    pub const fn lost(self) -> Option<Reason> {
        match self {
            Self::Requeue {
                outcome: AttemptOutcome::Lost,
                reason,
                ..
            }
            | Self::Fail {
                outcome: AttemptOutcome::Lost,
                reason,
            } => Some(reason),
            _ => None,
        }
    }
}

/// How an attempt ended without a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AttemptOutcome {
    /// The service refused it. Nothing was billed.
    Refused,
    /// It was not accepted, for a passing reason. Nothing was billed.
    Deferred,
    /// It may have been accepted and billed.
    Uncertain,
    /// It was accepted, and its transcription is gone or failed.
    Lost,
}

impl AttemptOutcome {
    /// The name in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Deferred => "deferred",
            Self::Uncertain => "uncertain",
            Self::Lost => "lost",
        }
    }

    /// Whether the submission certainly cost nothing.
    #[must_use]
    pub const fn is_free(self) -> bool {
        matches!(self, Self::Refused | Self::Deferred)
    }
}

/// Why a job is requeued or fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The reason that the answer gives.
    Answer,
    /// 404 after the grace period.
    Expired,
    /// No result long after the retention.
    Overdue,
    /// The generation ended, and none of its answers could be used.
    Unusable,
    /// A lost answer, and the service has no request log.
    NoRequestLog,
    /// A lost answer, and the request log does not list the request.
    Unlisted,
}

impl Reason {
    /// The failure to record. `answer` is the one that the answer carries, if it has one.
    #[must_use]
    pub fn failure(self, answer: Option<Failure>) -> Failure {
        let (class, message) = match self {
            Self::Answer => match answer {
                Some(failure) => return failure,
                None => (ErrorClass::Protocol, "the service gave no reason"),
            },
            Self::Expired => (
                ErrorClass::Expired,
                "the service no longer has the transcription",
            ),
            Self::Overdue => (
                ErrorClass::Expired,
                "the service is still working on it long after its retention",
            ),
            Self::Unusable => (
                ErrorClass::Protocol,
                "no answer of the service could be used before it deleted the transcription; the last one is stored",
            ),
            Self::NoRequestLog => (
                ErrorClass::Network,
                "the response was lost and the service keeps no request log; it may have been accepted and billed",
            ),
            Self::Unlisted => (
                ErrorClass::Network,
                "the response was lost and the request log does not show it; it may have been accepted and billed",
            ),
        };
        Failure::new(class, message)
    }
}
