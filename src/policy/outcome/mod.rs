//! What an answer of the service means for a job. This is the only place that decides it.
//!
//! Submit, poll and recover each do *call → decide → apply*: they classify what came back as an [`Answer`], describe the
//! job as [`Facts`], and apply the [`Effect`]. The simulated night in the tests calls the same function.

use super::backoff::{Backoff, CallKind, FailureScope};
use super::lookup_schedule::{first_lookup_delay, next_lookup_delay};
use super::polling::PollPolicy;
use crate::domain::on_uncertain::OnUncertain;
use crate::domain::{ErrorClass, Failure, HoldKind, Timestamp};
use std::time::Duration;

/// Number of look-ups after which a service that has never listed a request counts as one without a request log.
const NO_LOG_LOOKUPS: u32 = 3;
/// Wait between two look-ups while the service refuses the key. Such a look-up is not counted.
const REFUSED_LOOKUP_INTERVAL: Duration = Duration::from_secs(300);

/// Waits after successive answers that are completed without a result, together one minute. The service may attach the
/// result shortly after it reports completion. Each wait is at most the margin of the polling policy.
const WAITS_FOR_RESULT: [Duration; 6] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(15),
    Duration::from_secs(30),
];

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
    /// What the answer tells the shared back-off, if it is a failure that may concern more than this job.
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

/// The settings that decide.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// `retry.max_attempts`.
    pub max_attempts: u32,
    /// The back-off of a single job.
    pub backoff: Backoff,
    /// Intervals and deadlines of polls.
    pub polling: PollPolicy,
    /// `retry.uncertain`.
    pub on_uncertain: OnUncertain,
}

/// The job when the answer came.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// The settings.
    pub rules: Rules,
    /// The call that was answered.
    pub call: Call,
    /// Attempts spent, including this one.
    pub attempts: u32,
    /// Whether requests for several jobs fail and none succeeds: all requests, or the submissions of this job's model.
    pub outage: bool,
    /// When the back-off of all requests or of the model lets this job go on.
    pub wait_until: Timestamp,
    /// Whether an earlier attempt was accepted and then refused in the same words.
    pub refused_alike: bool,
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
    /// What the answer itself says.
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

/// What follows from an answer.
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

/// Decides what `answer` means for the job that `facts` describe. `jitter` is from 0 to 1.
#[must_use]
pub fn decide(answer: Answer, facts: &Facts, now: Timestamp, jitter: f64) -> Effect {
    let case = Case { facts, now, jitter };
    match facts.call {
        Call::Submission => case.submission(answer),
        Call::Poll(poll) => case.poll(answer, poll),
        Call::LookUp { age, lookups } => case.look_up(answer, age, lookups),
    }
}

struct Case<'a> {
    facts: &'a Facts,
    now: Timestamp,
    jitter: f64,
}

impl Case<'_> {
    fn submission(&self, answer: Answer) -> Effect {
        let deferred = |due| self.free(AttemptOutcome::Deferred, due);
        match answer {
            Answer::Accepted => JobChange::Accept.into(),
            Answer::Completed => JobChange::Complete.into(),
            Answer::FileChanged => deferred(self.now).into(),
            Answer::Refused
            | Answer::NotFound
            | Answer::TranscriptionFailed
            | Answer::ModelGone { is_certain: true } => JobChange::Fail {
                outcome: AttemptOutcome::Refused,
                reason: Reason::Answer,
            }
            .into(),
            Answer::KeyRefused => self.held(HoldKind::Auth, deferred(self.now)),
            Answer::NoCredit => self.held(HoldKind::Credit, deferred(self.now)),
            Answer::RateLimited | Answer::Unreachable => deferred(self.facts.wait_until).into(),
            Answer::ServerError
            | Answer::ModelFailing
            | Answer::ModelGone { is_certain: false } => {
                if self.facts.outage {
                    deferred(self.facts.wait_until).into()
                } else {
                    self.retry(AttemptOutcome::Deferred, Reason::Answer).into()
                }
            }
            Answer::Lost | Answer::Unreadable => JobChange::LookUp.into(),
            Answer::InProgress
            | Answer::WithoutResult
            | Answer::Unusable
            | Answer::Listed
            | Answer::Unlisted
            | Answer::NoRequestLog => JobChange::Nothing.into(),
        }
    }

    fn poll(&self, answer: Answer, poll: Poll) -> Effect {
        let earlier = poll.earlier;
        let polling = &self.facts.rules.polling;
        let is_overdue = polling.is_overdue(poll.age, poll.watched);
        let again = |unfinished| JobChange::PollAgain {
            unfinished,
            due: None,
        };
        match answer {
            Answer::Completed => JobChange::Complete.into(),
            Answer::WithoutResult => self.without_result(earlier.without_result).into(),
            Answer::InProgress if is_overdue => {
                self.lost_generation(Reason::Overdue, earlier).into()
            }
            Answer::InProgress => again(true).into(),
            // What was tried again in vain will fail a third time, and may be billed each time.
            Answer::TranscriptionFailed if self.facts.refused_alike => JobChange::Fail {
                outcome: AttemptOutcome::Refused,
                reason: Reason::Answer,
            }
            .into(),
            Answer::TranscriptionFailed => {
                self.retry(AttemptOutcome::Refused, Reason::Answer).into()
            }
            // The generation may not be visible yet, or a replica or a gateway may answer without knowing it. To ask again
            // costs nothing, to submit again is paid for.
            Answer::NotFound if poll.missing < polling.patience(earlier.found) && !is_overdue => {
                JobChange::PollAgain {
                    unfinished: true,
                    due: Some(self.now.after(polling.shortest())),
                }
                .into()
            }
            Answer::NotFound => self.lost_generation(Reason::Expired, earlier).into(),
            // However late: the refusal says nothing about the generation.
            Answer::KeyRefused => self.held(HoldKind::Auth, again(false)),
            Answer::NoCredit => self.held(HoldKind::Credit, again(false)),
            Answer::RateLimited | Answer::Unreachable | Answer::ServerError | Answer::Lost => {
                let due = Some(self.facts.wait_until);
                JobChange::PollAgain {
                    unfinished: false,
                    due,
                }
                .into()
            }
            // The next answer of the same generation would be unusable as well: no retry pays for it.
            Answer::Refused | Answer::Unreadable | Answer::Unusable | Answer::FileChanged
                if is_overdue =>
            {
                JobChange::Fail {
                    outcome: AttemptOutcome::Lost,
                    reason: Reason::Answer,
                }
                .into()
            }
            Answer::Refused | Answer::Unreadable | Answer::Unusable | Answer::FileChanged => {
                again(true).into()
            }
            Answer::Accepted
            | Answer::Listed
            | Answer::Unlisted
            | Answer::NoRequestLog
            | Answer::ModelGone { .. }
            | Answer::ModelFailing => JobChange::Nothing.into(),
        }
    }

    fn look_up(&self, answer: Answer, age: Duration, lookups: u32) -> Effect {
        let again = |due, counted| JobChange::LookUpAgain { due, counted };
        match answer {
            Answer::Listed => JobChange::Accept.into(),
            // A single 404 may be a gateway's.
            Answer::NoRequestLog if lookups + 1 < NO_LOG_LOOKUPS => {
                let delay = first_lookup_delay(self.facts.rules.backoff);
                again(self.now.after(delay), true).into()
            }
            Answer::NoRequestLog => self.unknown(Reason::NoRequestLog).into(),
            Answer::KeyRefused => {
                let due = self.now.after(REFUSED_LOOKUP_INTERVAL);
                self.held(HoldKind::Auth, again(due, false))
            }
            Answer::RateLimited | Answer::Unreachable | Answer::Lost => {
                again(self.facts.wait_until, false).into()
            }
            Answer::Accepted
            | Answer::Completed
            | Answer::WithoutResult
            | Answer::Unusable
            | Answer::InProgress
            | Answer::TranscriptionFailed
            | Answer::FileChanged
            | Answer::ModelGone { .. }
            | Answer::ModelFailing => JobChange::Nothing.into(),
            // A log that always fails is no better than one that lists nothing: it must not keep a recording forever.
            Answer::Unlisted
            | Answer::NotFound
            | Answer::Refused
            | Answer::NoCredit
            | Answer::ServerError
            | Answer::Unreadable => {
                let rules = &self.facts.rules;
                let retention = rules.polling.retention;
                match next_lookup_delay(lookups + 1, age, retention, rules.backoff) {
                    Some(wait) => again(self.now.after(wait), true).into(),
                    None => self.unknown(Reason::Unlisted).into(),
                }
            }
        }
    }

    /// Polls again while the result may still be attached. After that, a missing result is silence.
    fn without_result(&self, earlier: u32) -> JobChange {
        let polling = &self.facts.rules.polling;
        match WAITS_FOR_RESULT.get(earlier as usize) {
            Some(wait) => JobChange::PollAgain {
                unfinished: true,
                due: Some(self.now.after((*wait).min(polling.margin()))),
            },
            None => JobChange::Complete,
        }
    }

    /// The end of a generation whose result can no longer be fetched. If the service has answered with a result that
    /// could not be used, another submission would pay for the same answer.
    fn lost_generation(&self, reason: Reason, earlier: EarlierAnswers) -> JobChange {
        if earlier.unusable {
            return JobChange::Fail {
                outcome: AttemptOutcome::Lost,
                reason: Reason::Unusable,
            };
        }
        self.retry(AttemptOutcome::Lost, reason)
    }

    /// The end of the look-ups without a generation.
    fn unknown(&self, reason: Reason) -> JobChange {
        let outcome = AttemptOutcome::Uncertain;
        match self.facts.rules.on_uncertain {
            OnUncertain::Hold => JobChange::Fail { outcome, reason },
            OnUncertain::Resubmit => self.retry(outcome, reason),
        }
    }

    /// Another attempt after the job's own back-off, while it has one left.
    fn retry(&self, outcome: AttemptOutcome, reason: Reason) -> JobChange {
        let Facts {
            rules, attempts, ..
        } = self.facts;
        if *attempts >= rules.max_attempts {
            return JobChange::Fail { outcome, reason };
        }
        JobChange::Requeue {
            outcome,
            due: self.now.after(rules.backoff.delay(*attempts, self.jitter)),
            spent: true,
            reason,
        }
    }

    /// Back to the queue with the attempt given back.
    const fn free(&self, outcome: AttemptOutcome, due: Timestamp) -> JobChange {
        JobChange::Requeue {
            outcome,
            due,
            spent: false,
            reason: Reason::Answer,
        }
    }

    const fn held(&self, kind: HoldKind, change: JobChange) -> Effect {
        Effect {
            hold: Some(kind),
            change,
        }
    }
}

#[cfg(test)]
mod tests;
