//! A circuit breaker for each model. A sick model delays its own recordings and no others.
//!
//! A breaker trips when submissions of several jobs fail and none of its model is accepted in between. While it is
//! tripped, nothing of the model is submitted until its back-off ends. Then one submission at a time probes the model.

use super::backoff::{Backoff, CallKind, FailedCall, FailureScope, SharedBackoff};
use crate::domain::{JobId, Timestamp};
use std::collections::BTreeMap;
use std::time::Duration;

/// The breakers of all models that have failed. A model is named by its canonical name.
#[derive(Debug, Clone)]
pub struct ModelBreakers {
    backoff: Backoff,
    breakers: BTreeMap<String, Breaker>,
    /// When a submission of any model was last accepted.
    accepted_at: Option<Timestamp>,
}

/// Failed steps after which a model is given up if others are accepted meanwhile.
const MAX_STEPS_BESIDE_OTHERS: u32 = 3;

/// A failed submission of a model.
#[derive(Debug, Clone, Copy)]
pub struct ModelFailure<'a> {
    /// Canonical name of the model.
    pub model: &'a str,
    /// The job that was submitted.
    pub job: JobId,
    /// When the submission began.
    pub started_at: Timestamp,
    /// `Retry-After` of the answer.
    pub retry_after: Option<Duration>,
}

/// Whether a model takes a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelDecision {
    /// The model is healthy.
    Admit,
    /// The breaker is tripped and its back-off is over: this submission probes the model.
    Probe,
    /// The back-off lasts until this time.
    Until(Timestamp),
    /// A probe is in flight. Its answer decides.
    Probing,
}

#[derive(Debug, Clone)]
struct Breaker {
    backoff: SharedBackoff,
    is_probing: bool,
}

impl ModelBreakers {
    /// Creates breakers that back off by `backoff`.
    #[must_use]
    pub const fn new(backoff: Backoff) -> Self {
        Self {
            backoff,
            breakers: BTreeMap::new(),
            accepted_at: None,
        }
    }

    /// Records that a submission failed at `now` because of its model. Returns the time until which the job waits.
    pub fn record_failure(
        &mut self,
        now: Timestamp,
        failure: ModelFailure<'_>,
        jitter: f64,
    ) -> Timestamp {
        let backoff = self.backoff;
        let breaker = self
            .breakers
            .entry(failure.model.to_owned())
            .or_insert_with(|| Breaker {
                backoff: SharedBackoff::new(backoff),
                is_probing: false,
            });
        let failed = FailedCall {
            kind: CallKind::Submission,
            subject: failure.job.into(),
            started_at: failure.started_at,
            scope: FailureScope::Unclear,
            retry_after: failure.retry_after,
        };
        breaker.backoff.record_failure(now, failed, jitter)
    }

    /// Records that a submission of `model` was accepted at `now`, which closes its breaker.
    pub fn record_success(&mut self, model: &str, now: Timestamp) {
        self.accepted_at = Some(now);
        self.breakers.remove(model);
    }

    /// Decides whether a recording of `model` may be submitted at `now`.
    #[must_use]
    pub fn decide(&self, model: &str, now: Timestamp) -> ModelDecision {
        let Some(breaker) = self.breakers.get(model).filter(|found| found.is_tripped()) else {
            return ModelDecision::Admit;
        };
        let opens_at = breaker.backoff.opens_at(now, CallKind::Submission);
        if now < opens_at {
            ModelDecision::Until(opens_at)
        } else if breaker.is_probing {
            ModelDecision::Probing
        } else {
            ModelDecision::Probe
        }
    }

    /// Marks a probe of `model` as in flight, or as ended.
    pub fn set_probing(&mut self, model: &str, is_probing: bool) {
        if let Some(breaker) = self.breakers.get_mut(model) {
            breaker.is_probing = is_probing;
        }
    }

    /// Whether the breaker of `model` is tripped.
    #[must_use]
    pub fn is_tripped(&self, model: &str) -> bool {
        self.breakers.get(model).is_some_and(Breaker::is_tripped)
    }

    /// Returns the tripped models, in the order of their names.
    #[must_use]
    pub fn tripped(&self) -> Vec<String> {
        let breakers = self.breakers.iter();
        let tripped = breakers.filter(|(_, breaker)| breaker.is_tripped());
        tripped.map(|(model, _)| model.clone()).collect()
    }

    /// Returns the models that take no submission at `now`.
    #[must_use]
    pub fn closed_to_submissions(&self, now: Timestamp) -> Vec<String> {
        let closed = |model: &&String| {
            matches!(
                self.decide(model, now),
                ModelDecision::Until(_) | ModelDecision::Probing
            )
        };
        self.breakers.keys().filter(closed).cloned().collect()
    }

    /// Returns the earliest time at which a model may be probed. `None` if none waits for a time.
    #[must_use]
    pub fn next_probe(&self, now: Timestamp) -> Option<Timestamp> {
        let wait = |model| match self.decide(model, now) {
            ModelDecision::Until(time) => Some(time),
            _ => None,
        };
        self.breakers.keys().filter_map(|model| wait(model)).min()
    }

    /// Returns the tripped models for which a run that has nothing else to do need not wait.
    ///
    /// These are the models that have failed for longer than `patience` without a success. A wait that the service asked
    /// for does not count. If other models are accepted meanwhile, the cause is the model alone, and a few failed steps
    /// are enough: maintenance may last for hours.
    #[must_use]
    pub fn given_up(&self, patience: Duration, now: Timestamp) -> Vec<String> {
        let fails_alone = |backoff: &SharedBackoff| {
            backoff.failures() >= MAX_STEPS_BESIDE_OTHERS
                && self.accepted_at >= backoff.failing_since()
        };
        let is_given_up = |breaker: &Breaker| {
            let backoff = &breaker.backoff;
            breaker.is_tripped() && (backoff.failing_for(now) > patience || fails_alone(backoff))
        };
        self.breakers
            .iter()
            .filter(|(_, breaker)| is_given_up(breaker))
            .map(|(model, _)| model.clone())
            .collect()
    }
}

impl Breaker {
    const fn is_tripped(&self) -> bool {
        self.backoff.is_outage()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BACKOFF: Backoff = Backoff {
        initial: Duration::from_secs(10),
        max: Duration::from_secs(900),
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn fail(breakers: &mut ModelBreakers, model: &str, job: i64, seconds: i64) -> Timestamp {
        let failure = ModelFailure {
            model,
            job: JobId(job),
            started_at: at(seconds - 1),
            retry_after: None,
        };
        breakers.record_failure(at(seconds), failure, 0.0)
    }

    #[test]
    fn one_job_does_not_trip_the_breaker() {
        let mut breakers = ModelBreakers::new(BACKOFF);
        assert_eq!(fail(&mut breakers, "a", 1, 1), at(11));
        assert_eq!(fail(&mut breakers, "a", 1, 20), at(40));
        assert_eq!(breakers.decide("a", at(21)), ModelDecision::Admit);
    }

    #[test]
    fn two_jobs_trip_the_breaker_of_their_model_only() {
        let mut breakers = ModelBreakers::new(BACKOFF);
        fail(&mut breakers, "a", 1, 1);
        fail(&mut breakers, "a", 2, 2);
        assert_eq!(breakers.decide("a", at(3)), ModelDecision::Until(at(22)));
        assert_eq!(breakers.decide("b", at(3)), ModelDecision::Admit);
        assert_eq!(breakers.closed_to_submissions(at(3)), ["a"]);
        assert_eq!(breakers.next_probe(at(3)), Some(at(22)));
    }

    #[test]
    fn one_probe_at_a_time_follows_the_back_off() {
        let mut breakers = ModelBreakers::new(BACKOFF);
        fail(&mut breakers, "a", 1, 1);
        fail(&mut breakers, "a", 2, 2);
        assert_eq!(breakers.decide("a", at(22)), ModelDecision::Probe);
        breakers.set_probing("a", true);
        assert_eq!(breakers.decide("a", at(22)), ModelDecision::Probing);
        assert_eq!(breakers.next_probe(at(22)), None);
        fail(&mut breakers, "a", 3, 24);
        breakers.set_probing("a", false);
        assert_eq!(breakers.decide("a", at(25)), ModelDecision::Until(at(64)));
        assert_eq!(breakers.given_up(Duration::from_secs(20), at(25)), ["a"]);
        assert!(breakers.is_tripped("a"));
        assert_eq!(breakers.tripped(), ["a"]);
        breakers.record_success("a", at(25));
        assert!(!breakers.is_tripped("a"));
        assert_eq!(breakers.decide("a", at(25)), ModelDecision::Admit);
    }

    #[test]
    fn a_failing_model_is_given_up_sooner_beside_others() {
        let mut breakers = ModelBreakers::new(BACKOFF);
        fail(&mut breakers, "a", 1, 1);
        fail(&mut breakers, "a", 2, 12);
        fail(&mut breakers, "a", 3, 33);
        let patience = Duration::from_secs(100);
        assert!(breakers.given_up(patience, at(101)).is_empty());
        assert_eq!(breakers.given_up(patience, at(102)), ["a"]);
        breakers.record_success("b", at(34));
        assert_eq!(breakers.given_up(patience, at(34)), ["a"]);
        fail(&mut breakers, "c", 1, 35);
        fail(&mut breakers, "c", 2, 36);
        assert_eq!(breakers.given_up(patience, at(40)), ["a"]);
    }

    proptest! {
        #[test]
        fn a_failing_model_never_closes_another(failures in proptest::collection::vec((0i64..5, 0i64..100), 1..50)) {
            let mut breakers = ModelBreakers::new(BACKOFF);
            for (step, (job, wait)) in failures.into_iter().enumerate() {
                fail(&mut breakers, "sick", job, step as i64 * 100 + wait);
                prop_assert_eq!(breakers.decide("healthy", at(step as i64 * 100)), ModelDecision::Admit);
            }
        }

        #[test]
        fn at_most_one_probe_leaves(failures in 2i64..20, looks in proptest::collection::vec(0i64..10_000, 1..50)) {
            let mut breakers = ModelBreakers::new(BACKOFF);
            for job in 0..failures {
                fail(&mut breakers, "a", job, job);
            }
            let mut probes = 0;
            for seconds in looks {
                if breakers.decide("a", at(seconds)) == ModelDecision::Probe {
                    breakers.set_probing("a", true);
                    probes += 1;
                }
            }
            prop_assert!(probes <= 1);
        }
    }
}
