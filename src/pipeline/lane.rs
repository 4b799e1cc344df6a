//! The lane to one provider: its client, admission, rates, back-off and spend. With a lane of its own for each provider,
//! an outage of one stops no other.

use super::admission::Admission;
use super::budget::Spend;
use super::event::RunEvent;
use super::journal::Journal;
use super::submit_rate::SubmitRate;
use super::withdrawn_models::{WithdrawnModels, explained};
use crate::config::Config;
use crate::domain::model_name::canonical_model;
use crate::domain::{HoldKind, JobId, Timestamp};
use crate::policy::backoff::{Backoff, CallKind, FailedCall, FailureScope};
use crate::policy::breaker::ModelFailure;
use crate::policy::losses::LossStreak;
use crate::policy::outcome::{Answer, Call, Facts, Rules};
use crate::policy::polling::PollPolicy;
use crate::provider::{CallError, Client};
use crate::runtime::rate_limiter::RateLimiter;
use governor::clock::Clock as GovernorClock;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Look-ups that a run sends per minute. The service allows 200.
const LOGS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(180).expect("180 is not zero");

/// The lane to one provider.
pub struct Lane {
    /// Client of the service.
    pub client: Client,
    /// Admission control for submissions and polls.
    pub admission: Arc<Admission>,
    /// Rate limiter of submissions.
    pub submit_rate: SubmitRate,
    /// Rate limiter of polls.
    pub poll_limiter: RateLimiter,
    /// Rate limiter of request-log queries.
    pub log_limiter: RateLimiter,
    /// Spend against the budget.
    pub spend: Spend,
    /// Settings that decide what an answer means.
    pub rules: Rules,
    /// Models that the service does not offer.
    pub withdrawn: WithdrawnModels,
    /// Number of consecutive polls that the service refused because of the key or the account.
    pub refused_polls: AtomicU64,
    /// Paid generations lost in a row.
    pub losses: Mutex<LossStreak>,
}

/// Returns the settings that decide what an answer means.
pub(super) const fn outcome_rules(config: &Config) -> Rules {
    Rules {
        max_attempts: config.retry.max_attempts,
        backoff: Backoff {
            initial: config.retry.backoff,
            max: config.retry.max_backoff,
        },
        polling: PollPolicy {
            interval: config.polling.interval,
            max_interval: config.polling.max_interval,
            retention: config.api.retention,
        },
        on_uncertain: config.retry.on_uncertain,
    }
}

/// A call that was answered or broke.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// The answer.
    pub answer: Answer,
    /// The call.
    pub call: Call,
    /// The job that it was made for.
    pub job: JobId,
    /// Model of the job.
    pub model: &'a str,
    /// When it began.
    pub started_at: Timestamp,
    /// `Retry-After` of the answer.
    pub retry_after: Option<Duration>,
}

/// State of the service after an answer.
#[derive(Debug, Clone, Copy)]
pub struct Observation {
    /// Whether requests for several jobs fail and none succeeds: all requests, or the submissions of the model.
    pub outage: bool,
    /// Until when the job waits.
    pub wait_until: Timestamp,
}

/// Adapts admission and the submit rate to an answer that came at `now`. `jitter` is from 0 to 1.
pub fn observe<C: GovernorClock + Clone>(
    admission: &Admission,
    submit_rate: &SubmitRate<C>,
    answered: &Answered<'_>,
    now: Timestamp,
    jitter: f64,
) -> Observation {
    let &Answered {
        answer,
        call,
        job,
        model,
        started_at,
        retry_after,
    } = answered;
    if answer.is_success() {
        admission.record_success();
    }
    match (call, answer) {
        (Call::Submission, Answer::Accepted | Answer::Completed) => {
            submit_rate.record_accepted(started_at, now);
            admission.record_model_success(&canonical_model(model));
        }
        (Call::Submission, Answer::RateLimited) => submit_rate.record_rate_limited(started_at, now),
        _ => {}
    }
    let wait_until = match (answer.failure_scope(call), call.kind()) {
        (Some(FailureScope::Model), _) => {
            let failure = ModelFailure {
                model: &canonical_model(model),
                job,
                started_at,
                retry_after,
            };
            admission.record_model_failure(failure, jitter)
        }
        (Some(scope), Some(kind)) => {
            let failed = FailedCall {
                kind,
                subject: job.into(),
                started_at,
                scope,
                retry_after,
            };
            admission.record_failure(failed, jitter)
        }
        _ => now,
    };
    Observation {
        outage: admission.is_outage() || is_model_tripped(admission, answered),
        wait_until,
    }
}

/// Whether the call was a submission of a model that fails. The names of polled models are not read: polls are many.
fn is_model_tripped(admission: &Admission, answered: &Answered<'_>) -> bool {
    answered.call == Call::Submission
        && admission.is_model_tripped(&canonical_model(answered.model))
}

impl Lane {
    /// Creates a lane on which nothing was sent yet.
    #[must_use]
    pub fn new(config: &Config, client: Client, admission: Arc<Admission>, spend: Spend) -> Self {
        Self {
            client,
            admission,
            submit_rate: SubmitRate::new(config.limits.submits_per_minute),
            poll_limiter: RateLimiter::per_minute(config.limits.polls_per_minute),
            log_limiter: RateLimiter::per_minute(LOGS_PER_MINUTE),
            spend,
            rules: outcome_rules(config),
            withdrawn: WithdrawnModels::default(),
            refused_polls: AtomicU64::new(0),
            losses: Mutex::default(),
        }
    }

    /// Adapts this lane to an answer, and reports if all requests slow down. `error` is the one that the call ended
    /// with, if it failed.
    pub fn observe(
        &self,
        journal: &Journal,
        answered: &Answered<'_>,
        error: Option<&CallError>,
    ) -> Observation {
        self.count_refused_poll(answered);
        let was_tripped = is_model_tripped(&self.admission, answered);
        let opens_at = || self.admission.opens_at(CallKind::Submission);
        let (before, now) = (opens_at(), journal.now());
        let seen = observe(
            &self.admission,
            &self.submit_rate,
            answered,
            now,
            rand::random(),
        );
        let until = opens_at();
        if let Some(error) = error.filter(|_| until > before) {
            journal.emit(&RunEvent::SlowedDown {
                failure: error.failure.clone(),
                now,
                until,
            });
        }
        let is_tripped = is_model_tripped(&self.admission, answered);
        if let Some(error) = error.filter(|_| is_tripped && !was_tripped) {
            journal.emit(&RunEvent::ModelPaused {
                model: answered.model.to_owned(),
                failure: error.failure.clone(),
            });
        }
        if was_tripped && !is_tripped {
            journal.emit(&RunEvent::ModelResumed {
                model: answered.model.to_owned(),
            });
            journal.signals.wake_submit.notify_one();
        }
        seen
    }

    /// Returns the meaning of an error of a submission of `model`.
    ///
    /// If the service does not offer the model, asks its list of deprecations and adds the replacement to the message.
    pub async fn answer_of(&self, error: &mut CallError, model: &str, now: Timestamp) -> Answer {
        let Answer::ModelGone { .. } = error.answer() else {
            return error.answer();
        };
        let deprecation = self.withdrawn.deprecation(&self.client, model).await;
        let is_listed = deprecation
            .as_ref()
            .is_some_and(|found| found.is_withdrawn(now));
        let failure = explained(&error.failure, model, deprecation.as_ref());
        error.failure = failure.clone();
        let is_certain = is_listed || self.admission.has_succeeded();
        if is_certain {
            self.withdrawn.record_refusal(model, failure, is_listed);
        }
        Answer::ModelGone { is_certain }
    }

    /// Returns the facts for the decision about a job.
    #[must_use]
    pub const fn facts(&self, seen: Observation, call: Call, attempts: u32) -> Facts {
        Facts {
            rules: self.rules,
            call,
            attempts,
            outage: seen.outage,
            wait_until: seen.wait_until,
            refused_alike: false,
        }
    }

    /// Counts a paid generation that was lost. Returns the number of losses in a row once submissions are to be held.
    ///
    /// `gap` is the time in which the service finished and deleted it, if known. See [`LossStreak::record_loss`].
    pub fn record_loss(&self, gap: Option<Duration>) -> Option<u32> {
        let is_held = self.admission.is_held(HoldKind::LostResults);
        let mut losses = self.losses.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = losses.record_loss(is_held, gap);
        if let Some(retention) = losses.learnt_retention() {
            self.admission.shorten_retention(retention);
        }
        is_full.then(|| losses.count())
    }

    /// Returns the poll policy with the retention that was learnt from losses.
    pub fn polling(&self) -> PollPolicy {
        let losses = self.losses.lock().unwrap_or_else(PoisonError::into_inner);
        let polling = self.rules.polling;
        let learnt = losses.learnt_retention().unwrap_or(polling.retention);
        PollPolicy {
            retention: polling.retention.min(learnt),
            ..polling
        }
    }

    /// Ends a row of lost generations.
    pub fn record_result(&self) {
        let mut losses = self.losses.lock().unwrap_or_else(PoisonError::into_inner);
        losses.record_result();
    }

    fn count_refused_poll(&self, answered: &Answered<'_>) {
        if !matches!(answered.call, Call::Poll { .. }) {
            return;
        }
        if matches!(answered.answer, Answer::KeyRefused | Answer::NoCredit) {
            self.refused_polls.fetch_add(1, Ordering::Relaxed);
        } else if answered.answer.is_success() {
            self.refused_polls.store(0, Ordering::Relaxed);
        }
    }
}
