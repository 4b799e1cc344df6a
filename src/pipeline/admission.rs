//! Admission control: decides when a request may be sent.
//!
//! Submissions are subject to the configured hours, holds, the shared back-off and the limit on pending generations.
//! Polls are subject only to the back-off. The decision is a pure function of the state and `now`.

use crate::domain::{Hold, HoldKind, Timestamp};
use crate::policy::admission::{self, AdmissionLimits};
use crate::policy::backoff::{
    Backoff, CallKind, FailedCall, FailureScope, FailureSubject, SharedBackoff,
};
use crate::policy::breaker::{ModelBreakers, ModelDecision, ModelFailure};
use crate::policy::hours::{Opening, SubmitWindow};
use crate::runtime::clock::{Clock, sleep_until};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Admission decision for one submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdmissionDecision {
    /// Send it now.
    Admit,
    /// Wait until this time.
    Until(Timestamp),
    /// Wait until the state changes.
    Wait,
}

/// Inputs of the admission decision.
#[derive(Debug, Clone)]
pub struct AdmissionState {
    limits: AdmissionLimits,
    window: SubmitWindow,
    backoff: SharedBackoff,
    models: ModelBreakers,
    /// Whether the service has answered a call as it should in this run.
    has_succeeded: bool,
    holds: BTreeMap<HoldKind, Hold>,
    probe_at: Timestamp,
    probing: bool,
    refused: bool,
    sending: usize,
    pending: usize,
    /// Submissions whose answer was lost: each may be at the service, and is pending once it is found.
    uncertain: usize,
    oldest_due_poll: Option<Timestamp>,
}

impl AdmissionState {
    /// Creates a state without holds, back-off or requests in flight.
    #[must_use]
    pub const fn new(limits: AdmissionLimits, backoff: Backoff, window: SubmitWindow) -> Self {
        Self {
            limits,
            window,
            backoff: SharedBackoff::new(backoff),
            models: ModelBreakers::new(backoff),
            has_succeeded: false,
            holds: BTreeMap::new(),
            probe_at: Timestamp::from_millis(i64::MIN),
            probing: false,
            refused: false,
            sending: 0,
            pending: 0,
            uncertain: 0,
            oldest_due_poll: None,
        }
    }

    /// Decides whether one more submission may be sent at `now`.
    ///
    /// A hold imposed by the service is probed with one submission from time to time. Other holds admit none.
    #[must_use]
    pub fn decide(&self, now: Timestamp) -> AdmissionDecision {
        match self.window.opening(now) {
            Opening::Now => {}
            Opening::At(time) => return AdmissionDecision::Until(time),
            Opening::Never => return AdmissionDecision::Wait,
        }
        if self.holds.keys().any(|kind| !kind.is_probed()) {
            return AdmissionDecision::Wait;
        }
        if !self.holds.is_empty() {
            if self.probing {
                return AdmissionDecision::Wait;
            }
            // A wait longer than the interval means that the clock was set back.
            if now < self.probe_at && self.probe_at.since(now) <= self.probe_interval() {
                return AdmissionDecision::Until(self.probe_at);
            }
        }
        let opens_at = self.backoff.opens_at(now, CallKind::Submission);
        if now < opens_at {
            return AdmissionDecision::Until(opens_at);
        }
        let late_by = self
            .oldest_due_poll
            .map_or(Duration::ZERO, |due| now.since(due));
        if admission::may_submit(
            self.sending + self.pending + self.uncertain,
            late_by,
            &self.limits,
        ) {
            AdmissionDecision::Admit
        } else {
            AdmissionDecision::Wait
        }
    }

    /// Counts a submission as in flight. Returns whether it is a probe.
    fn admit(&mut self) -> bool {
        self.sending += 1;
        let probe = !self.holds.is_empty();
        self.probing |= probe;
        probe
    }

    /// Ends a submission, and schedules the next probe if it was one.
    fn finish(&mut self, probe: bool, now: Timestamp) {
        self.sending -= 1;
        if probe {
            self.probing = false;
            self.probe_at = now.after(self.probe_interval());
        }
    }

    /// The longest of the probe intervals of the holds in force.
    fn probe_interval(&self) -> Duration {
        let intervals = self.holds.keys().filter_map(|kind| kind.probe_interval());
        intervals.max().unwrap_or_default()
    }
}

/// Admission control shared by all stages.
pub struct Admission {
    state: Mutex<AdmissionState>,
    changed: Notify,
    /// Held by the first waiting submission. Only that one wakes up on a change: hundreds may wait, and a change
    /// usually admits one.
    queue: tokio::sync::Mutex<()>,
    clock: Arc<dyn Clock>,
}

/// Permit for one submission in flight, returned on drop.
pub struct Permit<'a> {
    gate: &'a Admission,
    probe: bool,
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let now = self.gate.clock.now();
        self.gate.change(|state| state.finish(self.probe, now));
    }
}

/// Permit to submit a recording of one model, returned on drop. It ends a probe of the model if it is one.
pub struct ModelPermit<'a> {
    gate: &'a Admission,
    probed_model: Option<String>,
}

impl Drop for ModelPermit<'_> {
    fn drop(&mut self) {
        if let Some(model) = &self.probed_model {
            self.gate.state().models.set_probing(model, false);
        }
    }
}

impl Admission {
    /// Creates an admission control that starts in `state`.
    #[must_use]
    pub fn new(state: AdmissionState, clock: Arc<dyn Clock>) -> Self {
        Self {
            state: Mutex::new(state),
            changed: Notify::new(),
            queue: tokio::sync::Mutex::default(),
            clock,
        }
    }

    /// Waits until a submission may be sent. Callers are admitted in order of arrival. Returns `None` if `stop` is
    /// cancelled.
    pub async fn acquire(&self, stop: &CancellationToken) -> Option<Permit<'_>> {
        let _turn = self.queue.lock().await;
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let until = match self.try_acquire() {
                Ok(permit) if !stop.is_cancelled() => return Some(permit),
                Ok(_) => return None,
                Err(AdmissionDecision::Until(time)) => time,
                Err(_) => Timestamp::MAX,
            };
            tokio::select! {
                () = stop.cancelled() => return None,
                () = &mut changed => {}
                () = sleep_until(&*self.clock, until) => {}
            }
        }
    }

    /// Returns a permit for one submission if it may be sent now.
    ///
    /// # Errors
    /// The decision to wait.
    pub fn try_acquire(&self) -> Result<Permit<'_>, AdmissionDecision> {
        let now = self.clock.now();
        let mut state = self.state();
        match state.decide(now) {
            AdmissionDecision::Admit => Ok(Permit {
                gate: self,
                probe: state.admit(),
            }),
            wait => Err(wait),
        }
    }

    /// Whether the submission that holds `permit` may still be sent. A probe ignores the holds that the service
    /// imposed.
    #[must_use]
    pub fn is_still_valid(&self, permit: &Permit<'_>) -> bool {
        let state = self.state();
        let held = if permit.probe {
            state.holds.keys().any(|kind| !kind.is_probed())
        } else {
            !state.holds.is_empty()
        };
        let now = self.clock.now();
        !held
            && state.backoff.opens_at(now, CallKind::Submission) <= now
            && state.window.opening(now) == Opening::Now
    }

    /// Number of pending generations, including those just accepted.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.state().pending
    }

    /// Whether a submission is in flight, or a generation is pending and no hold is in force.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        let state = self.state();
        state.sending > 0 || state.holds.is_empty() && state.pending > 0
    }

    /// Returns when the configured hours and the time limit of the run admit submissions.
    #[must_use]
    pub fn opening(&self) -> Opening {
        let now = self.clock.now();
        self.state().window.opening(now)
    }

    /// Whether the service has caused a hold during this run. A hold left by an earlier run does not count.
    #[must_use]
    pub fn was_refused(&self) -> bool {
        self.state().refused
    }

    /// Returns when the back-off of all calls of this kind ends. Polls wait only for this.
    #[must_use]
    pub fn opens_at(&self, kind: CallKind) -> Timestamp {
        let now = self.clock.now();
        self.state().backoff.opens_at(now, kind)
    }

    /// Whether requests for several jobs have failed since the last success.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        self.state().backoff.is_outage()
    }

    /// Returns how long requests have failed without a success, not counting waits that the service asked for.
    #[must_use]
    pub fn failing_for(&self) -> Duration {
        self.state().backoff.failing_for(self.clock.now())
    }

    /// Returns a permit to submit a recording of `model`, a canonical name. Returns `None` while its breaker is tripped,
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
            gate: self,
            probed_model,
        })
    }

    /// Returns the canonical names of the tripped models, in order.
    #[must_use]
    pub fn tripped_models(&self) -> Vec<String> {
        self.state().models.tripped()
    }

    /// Returns the canonical names of the models that take no submission at present.
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

    /// Returns the canonical names of the models for which a run that has nothing else to do need not wait. A model is given
    /// up after `patience`, or sooner if only it fails.
    #[must_use]
    pub fn given_up_models(&self, patience: Duration) -> Vec<String> {
        let now = self.clock.now();
        self.state().models.given_up(patience, now)
    }

    /// Whether submissions of `model`, a canonical name, have failed for several jobs since the last success.
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

    /// Whether the service has answered a call as it should in this run. Its address is then right.
    #[must_use]
    pub fn has_succeeded(&self) -> bool {
        self.state().has_succeeded
    }

    /// Records a transient failure of a request for `job` that was started at `began`. Returns until when this job
    /// waits.
    ///
    /// [`opens_at`](Self::opens_at) says until when all other jobs wait.
    pub fn record_failure(&self, failed: FailedCall, jitter: f64) -> Timestamp {
        let now = self.clock.now();
        self.change(|state| state.backoff.record_failure(now, failed, jitter))
    }

    /// Records a valid answer. Resets the failures of the shared back-off, but does not shorten a wait that has begun.
    pub fn record_success(&self) {
        self.change(|state| {
            state.has_succeeded = true;
            state.backoff.record_success();
        });
    }

    /// Puts a hold in force because of what the service answered in this run. Returns `true` if it is new.
    pub fn hold_refused(&self, hold: Hold) -> bool {
        let now = self.clock.now();
        let kind = hold.kind;
        let is_new = self.hold(hold);
        let mut state = self.state();
        state.refused = true;
        if is_new && !kind.ends_with_acceptance() {
            // Each probe is paid for, so the first one waits as the later ones do.
            state.probe_at = now.after(state.probe_interval());
        }
        is_new
    }

    /// Whether a hold of this kind is in force.
    #[must_use]
    pub fn is_held(&self, kind: HoldKind) -> bool {
        self.state().holds.contains_key(&kind)
    }

    /// Puts a hold in force. Returns `true` if it is new.
    pub fn hold(&self, hold: Hold) -> bool {
        self.change(|state| {
            let kind = hold.kind;
            state.holds.insert(kind, hold).is_none()
        })
    }

    /// Lifts a hold. Returns `true` if it was in force.
    pub fn release(&self, kind: HoldKind) -> bool {
        self.change(|state| state.holds.remove(&kind).is_some())
    }

    /// The holds in force.
    #[must_use]
    pub fn holds(&self) -> Vec<Hold> {
        self.state().holds.values().cloned().collect()
    }

    /// Limits the generations in flight to those that can be polled within `retention`, if that is less than before.
    pub fn shorten_retention(&self, retention: Duration) {
        let mut state = self.state();
        state.limits.retention = state.limits.retention.min(retention);
    }

    /// Updates the number of pending generations and the due time of the most overdue poll.
    pub fn update_pending(&self, pending: usize, oldest_due_poll: Option<Timestamp>) {
        let mut state = self.state();
        let may_admit_more =
            pending < state.pending || oldest_due_poll.is_none() && state.oldest_due_poll.is_some();
        state.pending = pending;
        state.oldest_due_poll = oldest_due_poll;
        drop(state);
        if may_admit_more {
            self.changed.notify_waiters();
        }
    }

    /// Counts an accepted generation immediately, before the poller receives it.
    pub fn add_pending(&self) {
        self.state().pending += 1;
    }

    /// Updates the number of uncertain submissions.
    pub fn update_uncertain(&self, uncertain: usize) {
        self.change(|state| state.uncertain = uncertain);
    }

    /// Counts an uncertain submission immediately, before the recovery stage finds it in the queue.
    pub fn add_uncertain(&self) {
        self.state().uncertain += 1;
    }

    fn change<T>(&self, change: impl FnOnce(&mut AdmissionState) -> T) -> T {
        let result = change(&mut self.state());
        self.changed.notify_waiters();
        result
    }

    fn state(&self) -> MutexGuard<'_, AdmissionState> {
        // Poisoning can be ignored: no code panics in the middle of a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::JobId;
    use crate::policy::backoff::FailureScope;
    use std::task::Poll;

    const BACKOFF: Backoff = Backoff {
        initial: Duration::from_secs(10),
        max: Duration::from_secs(900),
    };
    const LIMITS: AdmissionLimits = AdmissionLimits {
        max_pending: 2,
        polls_per_minute: 600,
        retention: Duration::from_secs(3600),
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn held(kind: HoldKind) -> AdmissionState {
        let mut state = AdmissionState::new(LIMITS, BACKOFF, SubmitWindow::always());
        state
            .holds
            .insert(kind, Hold::new(kind, at(0), String::new()));
        state
    }

    #[test]
    fn local_holds_are_not_probed() {
        assert_eq!(
            held(HoldKind::Operator).decide(at(1)),
            AdmissionDecision::Wait
        );
        assert_eq!(
            held(HoldKind::Disk).decide(at(1_000_000)),
            AdmissionDecision::Wait
        );
    }

    #[test]
    fn one_submission_at_a_time_probes_a_service_hold() {
        let mut state = held(HoldKind::Auth);
        assert_eq!(state.decide(at(1)), AdmissionDecision::Admit);
        assert!(state.admit());
        assert_eq!(state.decide(at(1)), AdmissionDecision::Wait);
        state.finish(true, at(2));
        assert_eq!(state.decide(at(3)), AdmissionDecision::Until(at(302)));
        assert_eq!(state.decide(at(302)), AdmissionDecision::Admit);
        // The clock was set back by an hour.
        assert_eq!(state.decide(at(-3298)), AdmissionDecision::Admit);
    }

    #[test]
    fn an_operator_hold_stops_probes() {
        let mut state = held(HoldKind::Auth);
        let kind = HoldKind::Operator;
        state
            .holds
            .insert(kind, Hold::new(kind, at(0), String::new()));
        assert_eq!(state.decide(at(1)), AdmissionDecision::Wait);
    }

    #[test]
    fn shared_backoff_delays_submissions() {
        let mut state = AdmissionState::new(LIMITS, BACKOFF, SubmitWindow::always());
        let too_many = FailedCall {
            kind: CallKind::Submission,
            subject: JobId(1).into(),
            started_at: at(99),
            scope: FailureScope::AllRequests,
            retry_after: None,
        };
        state.backoff.record_failure(at(100), too_many, 0.0);
        assert_eq!(state.decide(at(100)), AdmissionDecision::Until(at(110)));
        assert_eq!(state.decide(at(110)), AdmissionDecision::Admit);
    }

    #[test]
    fn in_flight_and_pending_submissions_share_the_limit() {
        let mut state = AdmissionState::new(LIMITS, BACKOFF, SubmitWindow::always());
        state.pending = 1;
        assert_eq!(state.decide(at(0)), AdmissionDecision::Admit);
        state.admit();
        assert_eq!(state.decide(at(0)), AdmissionDecision::Wait);
        state.finish(false, at(0));
        assert_eq!(state.decide(at(0)), AdmissionDecision::Admit);
    }

    #[test]
    fn pending_generations_under_a_hold_are_not_busy() {
        let gate = |state| Admission::new(state, Arc::new(crate::runtime::clock::SystemClock));
        assert!(!gate(AdmissionState::new(LIMITS, BACKOFF, SubmitWindow::always())).is_busy());
        let open = gate(AdmissionState::new(LIMITS, BACKOFF, SubmitWindow::always()));
        let permit = open.try_acquire().unwrap();
        assert!(open.is_busy());
        drop(permit);
        assert!(!open.is_busy());
        open.add_pending();
        assert!(open.is_busy());
        let held = gate(held(HoldKind::Auth));
        held.add_pending();
        assert!(!held.is_busy());
    }

    #[tokio::test]
    async fn waiting_submissions_are_admitted_in_order() {
        use futures_util::poll;
        let state = AdmissionState::new(LIMITS, BACKOFF, SubmitWindow::always());
        let gate = Admission::new(state, Arc::new(crate::runtime::clock::SystemClock));
        let full = [(), ()].map(|()| gate.try_acquire().unwrap());
        let stop = CancellationToken::new();
        let (mut first, mut second) =
            (Box::pin(gate.acquire(&stop)), Box::pin(gate.acquire(&stop)));
        assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
        drop(full);
        assert!(poll!(&mut second).is_pending());
        let Poll::Ready(Some(_permit)) = poll!(&mut first) else {
            panic!("the first submission is admitted");
        };
        assert!(poll!(&mut second).is_ready());
    }

    #[test]
    fn uncertain_submissions_count_as_pending() {
        let mut state = AdmissionState::new(LIMITS, BACKOFF, SubmitWindow::always());
        state.uncertain = 1;
        assert_eq!(state.decide(at(0)), AdmissionDecision::Admit);
        state.pending = 1;
        assert_eq!(state.decide(at(0)), AdmissionDecision::Wait);
    }

    #[test]
    fn late_polls_stop_submissions() {
        let mut state = AdmissionState::new(LIMITS, BACKOFF, SubmitWindow::always());
        state.oldest_due_poll = Some(at(0));
        assert_eq!(state.decide(at(179)), AdmissionDecision::Admit);
        assert_eq!(state.decide(at(180)), AdmissionDecision::Wait);
    }
}
