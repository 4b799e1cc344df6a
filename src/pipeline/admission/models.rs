//! Admission of single models, each with a circuit breaker. All names are canonical.

use super::control::Admission;
use crate::domain::Timestamp;
use crate::policy::backoff::{CallKind, FailedCall, FailureScope, FailureSubject};
use crate::policy::breaker::{ModelDecision, ModelFailure};
use std::time::Duration;

/// Permit to submit a recording of one model, returned on drop. It ends a probe of the model if it is one.
pub struct ModelPermit<'a> {
    admission: &'a Admission,
    probed_model: Option<String>,
}

impl Drop for ModelPermit<'_> {
    fn drop(&mut self) {
        if let Some(model) = &self.probed_model {
            self.admission.state().models.set_probing(model, false);
        }
    }
}

impl Admission {
    /// Returns a permit to submit a recording of `model`. Returns `None` while its breaker is tripped,
    /// except for one probe at a time.
    #[must_use]
    pub fn try_acquire_model(&self, model: &str) -> Option<ModelPermit<'_>> {
        let now = self.clock.now();
        let mut state = self.state();
        let probed_model = match state.models.decide(model, now) {
            ModelDecision::Admit => None,
            ModelDecision::Probe => {
                state.models.set_probing(model, true);
                Some(model.to_owned())
            }
            ModelDecision::Until(_) | ModelDecision::Probing => return None,
        };
        Some(ModelPermit {
            admission: self,
            probed_model,
        })
    }

    /// Returns the canonical names of the tripped models, in order.
    #[must_use]
    pub fn tripped_models(&self) -> Vec<String> {
        self.state().models.tripped()
    }

    /// Returns the models that take no submission at present.
    #[must_use]
    pub fn closed_models(&self) -> Vec<String> {
        let now = self.clock.now();
        self.state().models.closed_to_submissions(now)
    }

    /// Returns the earliest time at which a model may be probed. `None` if none waits for a time.
    #[must_use]
    pub fn next_model_probe(&self) -> Option<Timestamp> {
        let now = self.clock.now();
        self.state().models.next_probe(now)
    }

    /// Returns the models for which a run that has nothing else to do need not wait. A model is given
    /// up after `patience`, or sooner if only it fails.
    #[must_use]
    pub fn given_up_models(&self, patience: Duration) -> Vec<String> {
        let now = self.clock.now();
        self.state().models.given_up(patience, now)
    }

    /// Whether submissions of `model` have failed for several jobs since the last success.
    #[must_use]
    pub fn is_model_tripped(&self, model: &str) -> bool {
        self.state().models.is_tripped(model)
    }

    /// Records that a submission failed because of its model. Returns until when its job waits.
    ///
    /// The failure also counts for the shared back-off, where all failures of a model are one: the service as a whole
    /// counts as down if another model or another call fails as well.
    pub fn record_model_failure(&self, failure: ModelFailure<'_>, jitter: f64) -> Timestamp {
        let now = self.clock.now();
        self.change(|state| {
            let failed = FailedCall {
                kind: CallKind::Submission,
                subject: FailureSubject::Model(failure.model.to_owned()),
                started_at: failure.started_at,
                scope: FailureScope::Model,
                retry_after: None,
            };
            state.backoff.record_failure(now, failed, jitter);
            let own = state.models.record_failure(now, failure, jitter);
            own.max(state.backoff.opens_at(now, CallKind::Submission))
        })
    }

    /// Records that a submission of `model` was accepted.
    pub fn record_model_success(&self, model: &str) {
        let now = self.clock.now();
        self.change(|state| state.models.record_success(model, now));
    }
}
