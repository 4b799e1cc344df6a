//! Who may leave and when. Submissions pass holds, the shared back-off and the room at the service; polls pass only
//! the back-off. What is decided is a plain function of the gate's state and `now`.

use super::clock::{Clock, sleep_until};
use crate::domain::{Hold, HoldKind, JobId, Timestamp};
use crate::policy::admission::{self, Limits};
use crate::policy::backoff::{Backoff, SharedBackoff, Trouble};
use crate::policy::hours::{Opening, Window};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// How often a daemon finds out whether the service has lifted a hold, by one submission.
const PROBE_EVERY: Duration = Duration::from_secs(300);

/// What the gate says to a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It may leave.
    Go,
    /// Not before this time.
    Until(Timestamp),
    /// Not before something changes.
    Wait,
}

/// The facts a decision is made of.
#[derive(Debug, Clone)]
pub struct State {
    limits: Limits,
    window: Window,
    backoff: SharedBackoff,
    holds: BTreeMap<HoldKind, Hold>,
    probe_at: Timestamp,
    probing: bool,
    refused: bool,
    sending: usize,
    pending: usize,
    oldest_due_poll: Option<Timestamp>,
}

impl State {
    /// Open, with nothing on the way.
    #[must_use]
    pub const fn new(limits: Limits, backoff: Backoff, window: Window) -> Self {
        Self {
            limits,
            window,
            backoff: SharedBackoff::new(backoff),
            holds: BTreeMap::new(),
            probe_at: Timestamp::from_millis(i64::MIN),
            probing: false,
            refused: false,
            sending: 0,
            pending: 0,
            oldest_due_poll: None,
        }
    }

    /// Whether one more submission may leave at `now`. Under a hold of the service's, one submission probes it now
    /// and then; no other hold lets anything through.
    #[must_use]
    pub fn decide(&self, now: Timestamp) -> Decision {
        match self.window.opening(now) {
            Opening::Now => {}
            Opening::At(time) => return Decision::Until(time),
            Opening::Never => return Decision::Wait,
        }
        if self.holds.keys().any(|kind| !kind.is_probed()) {
            return Decision::Wait;
        }
        if !self.holds.is_empty() {
            if self.probing {
                return Decision::Wait;
            }
            // A wait longer than the longest means that the clock was set back.
            if now < self.probe_at && self.probe_at.since(now) <= PROBE_EVERY {
                return Decision::Until(self.probe_at);
            }
        }
        let opens_at = self.backoff.opens_at(now);
        if now < opens_at {
            return Decision::Until(opens_at);
        }
        let late_by = self
            .oldest_due_poll
            .map_or(Duration::ZERO, |due| now.since(due));
        if admission::may_submit(self.sending + self.pending, late_by, &self.limits) {
            Decision::Go
        } else {
            Decision::Wait
        }
    }

    fn leave(&mut self) -> bool {
        self.sending += 1;
        let probe = !self.holds.is_empty();
        self.probing |= probe;
        probe
    }

    fn arrive(&mut self, probe: bool, now: Timestamp) {
        self.sending -= 1;
        if probe {
            self.probing = false;
            self.probe_at = now.after(PROBE_EVERY);
        }
    }
}

/// The gate all stages share.
pub struct Gate {
    state: Mutex<State>,
    changed: Notify,
    /// Only the first in line looks at every change: hundreds may wait, and a change lets one of them through.
    line: tokio::sync::Mutex<()>,
    clock: Arc<dyn Clock>,
}

/// A submission's place on the way to the service, given back when it is dropped.
pub struct Seat<'a> {
    gate: &'a Gate,
    probe: bool,
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let now = self.gate.clock.now();
        self.gate.change(|state| state.arrive(self.probe, now));
    }
}

impl Gate {
    /// A gate in `state`.
    #[must_use]
    pub fn new(state: State, clock: Arc<dyn Clock>) -> Self {
        Self {
            state: Mutex::new(state),
            changed: Notify::new(),
            line: tokio::sync::Mutex::default(),
            clock,
        }
    }

    /// Waits until a submission may leave, in the order they came; `None` once `stop` is said.
    pub async fn pass(&self, stop: &CancellationToken) -> Option<Seat<'_>> {
        let _first = self.line.lock().await;
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let until = match self.try_pass() {
                Ok(seat) if !stop.is_cancelled() => return Some(seat),
                Ok(_) => return None,
                Err(Decision::Until(time)) => time,
                Err(_) => Timestamp::MAX,
            };
            tokio::select! {
                () = stop.cancelled() => return None,
                () = &mut changed => {}
                () = sleep_until(&*self.clock, until) => {}
            }
        }
    }

    /// A seat for one submission, or when to ask again.
    ///
    /// # Errors
    /// The decision that keeps it waiting.
    pub fn try_pass(&self) -> Result<Seat<'_>, Decision> {
        let now = self.clock.now();
        let mut state = self.state();
        match state.decide(now) {
            Decision::Go => Ok(Seat {
                gate: self,
                probe: state.leave(),
            }),
            wait => Err(wait),
        }
    }

    /// Whether what has passed may still leave: no hold came meanwhile except the one that `seat` probes.
    #[must_use]
    pub fn is_still_open(&self, seat: &Seat<'_>) -> bool {
        let state = self.state();
        let held = if seat.probe {
            state.holds.keys().any(|kind| !kind.is_probed())
        } else {
            !state.holds.is_empty()
        };
        let now = self.clock.now();
        !held && state.backoff.opens_at(now) <= now && state.window.opening(now) == Opening::Now
    }

    /// How many generations the poller has in hand, with those just accepted.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.state().pending
    }

    /// Whether something is on the way to the service, or at the service and no hold is in force.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        let state = self.state();
        state.sending > 0 || state.holds.is_empty() && state.pending > 0
    }

    /// Whether the hours and the time of the run let submissions leave now.
    #[must_use]
    pub fn opening(&self) -> Opening {
        let now = self.clock.now();
        self.state().window.opening(now)
    }

    /// Whether the service has refused the key or the account since the gate was made. A hold that an earlier run left
    /// says nothing of today.
    #[must_use]
    pub fn was_refused(&self) -> bool {
        self.state().refused
    }

    /// When the next poll may leave.
    #[must_use]
    pub fn opens_at(&self) -> Timestamp {
        let now = self.clock.now();
        self.state().backoff.opens_at(now)
    }

    /// Whether requests for several jobs fail and none succeeds.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        self.state().backoff.is_outage()
    }

    /// How long nothing has succeeded, past the times that the service named itself.
    #[must_use]
    pub fn failing_for(&self) -> Duration {
        self.state().backoff.failing_for(self.clock.now())
    }

    /// A request for `job`, begun at `began`, failed in a way that may be nobody's fault. Returns until when this job
    /// waits; whether all others do is for [`opens_at`](Self::opens_at) to say.
    pub fn failed(
        &self,
        began: Timestamp,
        job: JobId,
        trouble: Trouble,
        retry_after: Option<Duration>,
        jitter: f64,
    ) -> Timestamp {
        let now = self.clock.now();
        self.change(|state| {
            let backoff = &mut state.backoff;
            backoff.failed(now, began, job, trouble, retry_after, jitter)
        })
    }

    /// The service answered as it should.
    pub fn succeeded(&self) {
        self.change(|state| state.backoff.succeeded());
    }

    /// The service refuses the key or the account: puts that hold in force. `true` if it was not.
    pub fn refused(&self, hold: Hold) -> bool {
        self.state().refused = true;
        self.hold(hold)
    }

    /// Puts a hold in force. `true` if it was not.
    pub fn hold(&self, hold: Hold) -> bool {
        self.change(|state| {
            let kind = hold.kind;
            state.holds.insert(kind, hold).is_none()
        })
    }

    /// Lifts a hold. `true` if it was in force.
    pub fn release(&self, kind: HoldKind) -> bool {
        self.change(|state| state.holds.remove(&kind).is_some())
    }

    /// The holds in force.
    #[must_use]
    pub fn holds(&self) -> Vec<Hold> {
        self.state().holds.values().cloned().collect()
    }

    /// What the poller has in hand: how many generations, and since when the oldest due one waits for its poll.
    pub fn polling(&self, pending: usize, oldest_due_poll: Option<Timestamp>) {
        let mut state = self.state();
        let eased =
            pending < state.pending || oldest_due_poll.is_none() && state.oldest_due_poll.is_some();
        state.pending = pending;
        state.oldest_due_poll = oldest_due_poll;
        drop(state);
        if eased {
            self.changed.notify_waiters();
        }
    }

    /// One generation more for the poller, counted at once so that it is not missing between the stages.
    pub fn accepted(&self) {
        self.state().pending += 1;
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let outcome = change(&mut self.state());
        self.changed.notify_waiters();
        outcome
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code that holds the lock can panic half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Poll;

    const BACKOFF: Backoff = Backoff {
        first: Duration::from_secs(10),
        most: Duration::from_secs(900),
    };
    const LIMITS: Limits = Limits {
        max_pending: 2,
        polls_per_minute: 600,
        retention: Duration::from_secs(3600),
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn held(kind: HoldKind) -> State {
        let mut state = State::new(LIMITS, BACKOFF, Window::always());
        state
            .holds
            .insert(kind, Hold::new(kind, at(0), String::new()));
        state
    }

    #[test]
    fn nothing_passes_a_hold_that_the_service_did_not_impose() {
        assert_eq!(held(HoldKind::Operator).decide(at(1)), Decision::Wait);
        assert_eq!(held(HoldKind::Disk).decide(at(1_000_000)), Decision::Wait);
    }

    #[test]
    fn one_submission_probes_a_hold_of_the_service_and_the_next_waits() {
        let mut state = held(HoldKind::Auth);
        assert_eq!(state.decide(at(1)), Decision::Go);
        assert!(state.leave());
        assert_eq!(state.decide(at(1)), Decision::Wait);
        state.arrive(true, at(2));
        assert_eq!(state.decide(at(3)), Decision::Until(at(302)));
        assert_eq!(state.decide(at(302)), Decision::Go);
        // The clock was set back by an hour.
        assert_eq!(state.decide(at(-3298)), Decision::Go);
    }

    #[test]
    fn an_operator_stops_even_the_probe() {
        let mut state = held(HoldKind::Auth);
        let kind = HoldKind::Operator;
        state
            .holds
            .insert(kind, Hold::new(kind, at(0), String::new()));
        assert_eq!(state.decide(at(1)), Decision::Wait);
    }

    #[test]
    fn the_shared_back_off_closes_the_gate_for_a_time() {
        let mut state = State::new(LIMITS, BACKOFF, Window::always());
        let too_many = Trouble::TooMany;
        state
            .backoff
            .failed(at(100), at(99), JobId(1), too_many, None, 0.0);
        assert_eq!(state.decide(at(100)), Decision::Until(at(110)));
        assert_eq!(state.decide(at(110)), Decision::Go);
    }

    #[test]
    fn what_is_being_sent_and_what_is_pending_share_the_room() {
        let mut state = State::new(LIMITS, BACKOFF, Window::always());
        state.pending = 1;
        assert_eq!(state.decide(at(0)), Decision::Go);
        state.leave();
        assert_eq!(state.decide(at(0)), Decision::Wait);
        state.arrive(false, at(0));
        assert_eq!(state.decide(at(0)), Decision::Go);
    }

    #[test]
    fn a_run_is_busy_with_what_is_sent_or_pending_unless_something_is_held() {
        let gate = |state| Gate::new(state, Arc::new(super::super::clock::SystemClock));
        assert!(!gate(State::new(LIMITS, BACKOFF, Window::always())).is_busy());
        let open = gate(State::new(LIMITS, BACKOFF, Window::always()));
        let seat = open.try_pass().unwrap();
        assert!(open.is_busy());
        drop(seat);
        assert!(!open.is_busy());
        open.accepted();
        assert!(open.is_busy());
        let held = gate(held(HoldKind::Auth));
        held.accepted();
        assert!(!held.is_busy());
    }

    #[tokio::test]
    async fn those_who_wait_leave_in_the_order_they_came() {
        use futures_util::poll;
        let state = State::new(LIMITS, BACKOFF, Window::always());
        let gate = Gate::new(state, Arc::new(super::super::clock::SystemClock));
        let full = [(), ()].map(|()| gate.try_pass().unwrap());
        let stop = CancellationToken::new();
        let (mut first, mut second) = (Box::pin(gate.pass(&stop)), Box::pin(gate.pass(&stop)));
        assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
        drop(full);
        assert!(poll!(&mut second).is_pending());
        let Poll::Ready(Some(_seat)) = poll!(&mut first) else {
            panic!("the first may leave");
        };
        assert!(poll!(&mut second).is_ready());
    }

    #[test]
    fn late_polls_come_before_submissions() {
        let mut state = State::new(LIMITS, BACKOFF, Window::always());
        state.oldest_due_poll = Some(at(0));
        assert_eq!(state.decide(at(179)), Decision::Go);
        assert_eq!(state.decide(at(180)), Decision::Wait);
    }
}
