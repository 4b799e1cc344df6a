//! Answers of the service, and the calls that they answer.

use crate::policy::backoff::{CallKind, FailureScope};
use std::time::Duration;

/// The answer to one call, or the way the call broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Answer {
    /// A generation ID: the service accepted the submission and bills it.
    Accepted,
    /// The whole result.
    Completed,
    /// The generation is completed, but no result is attached.
    WithoutResult,
    /// The generation has no result yet.
    InProgress,
    /// The generation ended without a result.
    TranscriptionFailed,
    /// 404: the service does not know the generation.
    NotFound,
    /// The file was removed or changed during the upload. Nothing was accepted.
    FileChanged,
    /// The service or this machine refuses this recording or its options permanently.
    Refused,
    /// The service refuses the key.
    KeyRefused,
    /// The account has no credit.
    NoCredit,
    /// 429. Nothing was accepted.
    RateLimited,
    /// The service was not reached. Nothing was accepted.
    Unreachable,
    /// The service failed before it accepted anything.
    ServerError,
    /// The service does not offer the model of the submission. Nothing was accepted.
    ModelGone {
        /// Whether the cause is certainly the model, not a wrong address: the service's list of deprecations names it, or
        /// the service has answered other calls in this run.
        is_certain: bool,
    },
    /// The service cannot run the model of the submission at present. Nothing was accepted.
    ModelFailing,
    /// The answer was lost, or the submission's answer could not be read: it may have been accepted and billed.
    Lost,
    /// The answer arrived and could not be read.
    Unreadable,
    /// Poll: the service answered about a generation that it has billed, but the answer is in an unknown form or belongs
    /// to another recording.
    Unusable,
    /// Look-up: the request log lists the request with its generation ID.
    Listed,
    /// Look-up: the request log does not list the request.
    Unlisted,
    /// Look-up: the service has no request log.
    NoRequestLog,
}

impl Answer {
    /// The scope of a failure for the shared back-off. `None` unless the answer is a failure that may concern more than this job.
    #[must_use]
    pub const fn failure_scope(self, call: Call) -> Option<FailureScope> {
        match (self, call) {
            (Self::RateLimited, _) => Some(FailureScope::AllRequests),
            (Self::ModelFailing | Self::ModelGone { is_certain: false }, Call::Submission) => {
                Some(FailureScope::Model)
            }
            (Self::Unreachable | Self::ServerError | Self::Lost, _)
            | (Self::Unreadable, Call::Submission) => Some(FailureScope::Unclear),
            _ => None,
        }
    }

    /// Whether the service answered this call as it should.
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(
            self,
            Self::Accepted
                | Self::Completed
                | Self::WithoutResult
                | Self::InProgress
                | Self::TranscriptionFailed
        )
    }
}

/// The call that was made. Each belongs to one state of the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// `submitting`: the recording was sent.
    Submission,
    /// `pending`: the generation was polled.
    Poll(Poll),
    /// `queued` and uncertain: the request log was searched for the submission.
    LookUp {
        /// Time since the submission was claimed.
        age: Duration,
        /// Counted look-ups before this one.
        lookups: u32,
    },
}

impl Call {
    /// The kind of the call for the shared back-off. Look-ups have one of their own.
    #[must_use]
    pub const fn kind(self) -> Option<CallKind> {
        match self {
            Self::Submission => Some(CallKind::Submission),
            Self::Poll(_) => Some(CallKind::Poll),
            Self::LookUp { .. } => None,
        }
    }
}

/// A generation when it was polled. Its times do not change when the system clock is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Poll {
    /// Time since the service accepted it.
    pub age: Duration,
    /// Time since this run began to poll it.
    pub watched: Duration,
    /// Time since the first of the 404s that came without another answer between. Zero if there was none.
    pub missing: Duration,
    /// Earlier answers to polls of this run.
    pub earlier: EarlierAnswers,
}

/// Earlier answers to polls of one generation, as far as they affect what a later one means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EarlierAnswers {
    /// Whether the service knew the generation.
    pub found: bool,
    /// Number of answers that were completed without a result.
    pub without_result: u32,
    /// Whether an answer could not be used. The generation is paid for, and its result exists.
    pub unusable: bool,
}

impl EarlierAnswers {
    /// No answer yet.
    pub const NONE: Self = Self {
        found: false,
        without_result: 0,
        unusable: false,
    };

    /// Adds `answer`, after the decision about it.
    pub fn record(&mut self, answer: Answer) {
        match answer {
            Answer::InProgress => self.found = true,
            Answer::WithoutResult => self.without_result += 1,
            Answer::Unusable => self.unusable = true,
            _ => {}
        }
    }
}
