//! The decision: from an answer and the facts about a job to an effect.

use super::answer::{Answer, Call, EarlierAnswers, Poll};
use super::effect::{AttemptOutcome, Effect, JobChange, Reason};
use crate::domain::on_uncertain::OnUncertain;
use crate::domain::{HoldKind, Timestamp};
use crate::policy::backoff::Backoff;
use crate::policy::lookup_schedule::{first_lookup_delay, next_lookup_delay};
use crate::policy::polling::PollPolicy;
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
            // Another attempt would fail for the same reason, and may be billed.
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
            // A log that always fails counts as one that lists nothing: it must not keep a recording forever.
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
