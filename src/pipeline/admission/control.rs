//! Admission control, which all stages share.

use super::state::{AdmissionDecision, AdmissionState};
use crate::domain::{Hold, HoldKind, Timestamp};
use crate::policy::backoff::{CallKind, FailedCall};
use crate::policy::hours::Opening;
use crate::runtime::clock::{Clock, sleep_until};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Admission control shared by all stages.
pub struct Admission {
    state: Mutex<AdmissionState>,
    changed: Notify,
    /// Held by the first waiting submission. Only that one wakes up on a change: hundreds may wait, and a change
    /// usually admits one.
    queue: tokio::sync::Mutex<()>,
    pub(super) clock: Arc<dyn Clock>,
}

/// Permit for one submission in flight, returned on drop.
pub struct Permit<'a> {
    admission: &'a Admission,
    probe: bool,
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let now = self.admission.clock.now();
        self.admission.change(|state| state.finish(self.probe, now));
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
                admission: self,
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

    /// Whether the service has answered a call as it should in this run. Its address is then right.
    #[must_use]
    pub fn has_succeeded(&self) -> bool {
        self.state().has_succeeded
    }

    /// Records a transient failure of a request. Returns until when its job waits; all others wait until
    /// [`opens_at`](Self::opens_at).
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

    pub(super) fn change<T>(&self, change: impl FnOnce(&mut AdmissionState) -> T) -> T {
        let result = change(&mut self.state());
        self.changed.notify_waiters();
        result
    }

    pub(super) fn state(&self) -> MutexGuard<'_, AdmissionState> {
        // Poisoning can be ignored: no code panics in the middle of a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::admission::AdmissionLimits;
    use crate::policy::backoff::Backoff;
    use crate::policy::hours::SubmitWindow;
    use crate::runtime::clock::SystemClock;
    use std::task::Poll;

    /// Returns a state that admits two submissions at the same time.
    fn new() -> AdmissionState {
        let limits = AdmissionLimits {
            max_pending: 2,
            polls_per_minute: 600,
            retention: Duration::from_secs(3600),
        };
        let backoff = Backoff {
            initial: Duration::from_secs(10),
            max: Duration::from_secs(900),
        };
        AdmissionState::new(limits, backoff, SubmitWindow::always())
    }

    #[test]
    fn pending_generations_under_a_hold_are_not_busy() {
        let admission = |state| Admission::new(state, Arc::new(SystemClock));
        assert!(!admission(new()).is_busy());
        let open = admission(new());
        let permit = open.try_acquire().unwrap();
        assert!(open.is_busy());
        drop(permit);
        assert!(!open.is_busy());
        open.add_pending();
        assert!(open.is_busy());
        let held = admission(new());
        held.hold(Hold::new(HoldKind::Auth, Timestamp::MAX, String::new()));
        held.add_pending();
        assert!(!held.is_busy());
    }

    #[tokio::test]
    async fn waiting_submissions_are_admitted_in_order() {
        use futures_util::poll;
        let state = new();
        let admission = Admission::new(state, Arc::new(SystemClock));
        let full = [(), ()].map(|()| admission.try_acquire().unwrap());
        let stop = CancellationToken::new();
        let (mut first, mut second) = (
            Box::pin(admission.acquire(&stop)),
            Box::pin(admission.acquire(&stop)),
        );
        assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
        drop(full);
        assert!(poll!(&mut second).is_pending());
        let Poll::Ready(Some(_permit)) = poll!(&mut first) else {
            panic!("the first submission is admitted");
        };
        assert!(poll!(&mut second).is_ready());
    }
}
