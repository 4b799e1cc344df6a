//! The decision about one more submission, as a pure function of the state and `now`.

use crate::domain::{Hold, HoldKind, Timestamp};
use crate::policy::admission::{self, AdmissionLimits};
use crate::policy::backoff::{Backoff, CallKind, SharedBackoff};
use crate::policy::breaker::ModelBreakers;
use crate::policy::hours::{Opening, SubmitWindow};
use std::collections::BTreeMap;
use std::time::Duration;

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
    pub(super) limits: AdmissionLimits,
    pub(super) window: SubmitWindow,
    pub(super) backoff: SharedBackoff,
    pub(super) models: ModelBreakers,
    /// Whether the service has answered a call as it should in this run.
    pub(super) has_succeeded: bool,
    pub(super) holds: BTreeMap<HoldKind, Hold>,
    pub(super) probe_at: Timestamp,
    pub(super) probing: bool,
    pub(super) refused: bool,
    pub(super) sending: usize,
    pub(super) pending: usize,
    /// Submissions whose answer was lost: each may be at the service, and is pending once it is found.
    pub(super) uncertain: usize,
    pub(super) oldest_due_poll: Option<Timestamp>,
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
    pub(super) fn admit(&mut self) -> bool {
        self.sending += 1;
        let probe = !self.holds.is_empty();
        self.probing |= probe;
        probe
    }

    /// Ends a submission, and schedules the next probe if it was one.
    pub(super) fn finish(&mut self, probe: bool, now: Timestamp) {
        self.sending -= 1;
        if probe {
            self.probing = false;
            self.probe_at = now.after(self.probe_interval());
        }
    }

    /// The longest of the probe intervals of the holds in force.
    pub(super) fn probe_interval(&self) -> Duration {
        let intervals = self.holds.keys().filter_map(|kind| kind.probe_interval());
        intervals.max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::JobId;
    use crate::policy::backoff::{FailedCall, FailureScope};

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
