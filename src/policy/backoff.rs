//! Back-off after failures: for a single job, and shared by all requests.

use crate::domain::{JobId, Timestamp};
use std::time::Duration;

/// Exponential back-off with a maximum: `retry.backoff` and `retry.max_backoff`.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// Delay after the first failure.
    pub initial: Duration,
    /// Maximum delay.
    pub max: Duration,
}

impl Backoff {
    /// Returns the back-off for polls, with a maximum of one twentieth of `retention`. Otherwise transcripts could expire
    /// during the back-off, although the outage is over.
    #[must_use]
    pub fn capped_by_retention(self, retention: Duration) -> Self {
        let most = self.max.min(retention / 20);
        Self {
            initial: self.initial.min(most),
            max: most,
        }
    }

    /// Returns the delay after `failures` consecutive failures (from 1).
    ///
    /// The delay doubles with each failure up to the maximum. `jitter` (0 to 1) then reduces it by up to half, so that
    /// requests that failed together are not retried together.
    #[must_use]
    pub fn delay(&self, failures: u32, jitter: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(30);
        let full = self.initial.saturating_mul(1 << doublings).min(self.max);
        full.mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 2.0)
    }
}

/// Scope of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureScope {
    /// Too many requests (429). All requests back off.
    AllRequests,
    /// The failure may concern only this job. All requests back off if another job also fails without a success in
    /// between.
    Unclear,
    /// The failure concerns the model of the submission. All requests back off if another model or another call also
    /// fails without a success in between.
    Model,
}

/// Subject of a failure that may be specific to it. Failures of two different subjects concern all requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailureSubject {
    /// A single job.
    Job(JobId),
    /// A model, by its canonical name. All failures of one model count as one subject.
    Model(String),
}

impl From<JobId> for FailureSubject {
    fn from(job: JobId) -> Self {
        Self::Job(job)
    }
}

/// Kind of a call that shares the back-off. A `Retry-After` concerns only calls of the kind that got it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallKind {
    /// A submission.
    Submission,
    /// A poll.
    Poll,
}

/// A call that failed for a reason that may not be specific to its job.
#[derive(Debug, Clone)]
pub struct FailedCall {
    /// Kind of the call.
    pub kind: CallKind,
    /// Job or model that it was made for.
    pub subject: FailureSubject,
    /// When it began.
    pub started_at: Timestamp,
    /// Which requests back off.
    pub scope: FailureScope,
    /// Delay that the service asked for.
    pub retry_after: Option<Duration>,
}

/// Back-off shared by all requests. A 429 or an outage delays all requests once and uses no attempt.
#[derive(Debug, Clone)]
pub struct SharedBackoff {
    backoff: Backoff,
    failures: u32,
    failing_since: Option<Timestamp>,
    last_step_at: Timestamp,
    last_failure_at: Timestamp,
    wait_until: Timestamp,
    opens_at: Timestamp,
    /// Until when the service asked that nothing be submitted.
    submissions_open_at: Timestamp,
    /// Until when the service asked not to be polled.
    polls_open_at: Timestamp,
    first_subject: Option<FailureSubject>,
    several_subjects: bool,
}

impl SharedBackoff {
    /// Creates a back-off without failures.
    #[must_use]
    pub const fn new(backoff: Backoff) -> Self {
        Self {
            backoff,
            failures: 0,
            failing_since: None,
            last_step_at: Timestamp::from_millis(i64::MIN),
            last_failure_at: Timestamp::from_millis(i64::MIN),
            wait_until: Timestamp::from_millis(i64::MIN),
            opens_at: Timestamp::from_millis(i64::MIN),
            submissions_open_at: Timestamp::from_millis(i64::MIN),
            polls_open_at: Timestamp::from_millis(i64::MIN),
            first_subject: None,
            several_subjects: false,
        }
    }

    /// Records a call that failed at `now`. Returns the time until which its job must wait.
    ///
    /// Each failure increases the back-off by one step, except for requests that were already in flight at the last step. A
    /// `Retry-After` delays the calls of its kind, and polls by no more than the maximum of the back-off: paid transcripts
    /// would expire meanwhile.
    pub fn record_failure(&mut self, now: Timestamp, failed: FailedCall, jitter: f64) -> Timestamp {
        match &self.first_subject {
            None => self.first_subject = Some(failed.subject),
            Some(first) => self.several_subjects |= *first != failed.subject,
        }
        match failed.retry_after {
            // Failures of one model say nothing about the service.
            _ if failed.scope == FailureScope::Model && !self.several_subjects => {}
            Some(wait) => self.failing_since = Some(now.after(wait)),
            None => _ = self.failing_since.get_or_insert(now),
        }
        if self.clock_was_set_back(now) {
            self.last_step_at = failed.started_at;
            self.wait_until = now;
            self.opens_at = now;
            self.submissions_open_at = now;
            self.polls_open_at = now;
        }
        self.last_failure_at = now;
        if failed.started_at >= self.last_step_at {
            self.failures += 1;
            self.last_step_at = now;
            let until = now.after(self.backoff.delay(self.failures, jitter));
            self.wait_until = self.wait_until.max(until);
        }
        if let Some(wait) = failed.retry_after {
            self.ask_to_wait(now, failed.kind, wait);
        }
        if failed.scope == FailureScope::AllRequests || self.several_subjects {
            self.opens_at = self.opens_at.max(self.wait_until);
        }
        self.wait_until.max(self.asked(failed.kind)).max(now)
    }

    fn ask_to_wait(&mut self, now: Timestamp, kind: CallKind, wait: Duration) {
        let (asked, wait) = match kind {
            CallKind::Submission => (&mut self.submissions_open_at, wait),
            CallKind::Poll => (&mut self.polls_open_at, wait.min(self.backoff.max)),
        };
        *asked = (*asked).max(now.after(wait));
    }

    const fn asked(&self, kind: CallKind) -> Timestamp {
        match kind {
            CallKind::Submission => self.submissions_open_at,
            CallKind::Poll => self.polls_open_at,
        }
    }

    /// Returns whether `now` is before the last failure. The clock was then set back, and the recorded times are
    /// invalid.
    fn clock_was_set_back(&self, now: Timestamp) -> bool {
        now < self.last_failure_at
    }

    /// Records a success, which ends the outage. A wait that is already set stays in effect, such as a delay requested by
    /// the service.
    pub fn record_success(&mut self) {
        self.failures = 0;
        self.failing_since = None;
        self.first_subject = None;
        self.several_subjects = false;
    }

    /// Returns the earliest time of the next request of this kind, given the current time.
    #[must_use]
    pub fn opens_at(&self, now: Timestamp, kind: CallKind) -> Timestamp {
        if self.clock_was_set_back(now) {
            now
        } else {
            self.opens_at.max(self.asked(kind))
        }
    }

    /// Returns whether requests of several subjects failed without a success in between. The failures are then not caused
    /// by a single job or model.
    #[must_use]
    pub const fn is_outage(&self) -> bool {
        self.several_subjects
    }

    /// Returns the number of steps of the back-off since the last success.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Returns when requests began to fail without a success.
    #[must_use]
    pub const fn failing_since(&self) -> Option<Timestamp> {
        self.failing_since
    }

    /// Returns the time for which requests have failed without a success. A delay requested by the service does not
    /// count.
    #[must_use]
    pub fn failing_for(&self, now: Timestamp) -> Duration {
        self.failing_since
            .map_or(Duration::ZERO, |since| now.since(since))
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

    #[test]
    fn delays_double_up_to_the_maximum() {
        let delays: Vec<_> = (1..=8)
            .map(|failures| BACKOFF.delay(failures, 0.0).as_secs())
            .collect();
        assert_eq!(delays, [10, 20, 40, 80, 160, 320, 640, 900]);
    }

    #[test]
    fn the_poll_back_off_is_a_fraction_of_the_retention() {
        let shared = BACKOFF.capped_by_retention(Duration::from_secs(3600));
        assert_eq!(shared.delay(99, 0.0), Duration::from_secs(180));
        assert_eq!(shared.delay(1, 0.0), BACKOFF.initial);
        let short = BACKOFF.capped_by_retention(Duration::from_secs(6));
        assert_eq!(short.delay(1, 0.0), Duration::from_millis(300));
        let long = BACKOFF.capped_by_retention(Duration::from_secs(360_000));
        assert_eq!(long.delay(99, 0.0), BACKOFF.max);
    }

    fn failed(job: i64, started_s: i64) -> FailedCall {
        FailedCall {
            kind: CallKind::Submission,
            subject: JobId(job).into(),
            started_at: Timestamp::from_millis(started_s * 1000),
            scope: FailureScope::Unclear,
            retry_after: None,
        }
    }

    fn too_many(job: i64, started_s: i64) -> FailedCall {
        FailedCall {
            scope: FailureScope::AllRequests,
            ..failed(job, started_s)
        }
    }

    fn opens_at(shared: &SharedBackoff, seconds: i64) -> Timestamp {
        let polls = shared.opens_at(at(seconds), CallKind::Poll);
        assert_eq!(shared.opens_at(at(seconds), CallKind::Submission), polls);
        polls
    }

    #[test]
    fn failures_in_flight_together_count_as_one_step() {
        let mut shared = SharedBackoff::new(BACKOFF);
        for job in 0..4 {
            let until = shared.record_failure(at(100), failed(job, 99), 0.0);
            assert_eq!(until, at(110));
        }
        assert_eq!(opens_at(&shared, 100), at(110));
        assert!(shared.is_outage());
        shared.record_failure(at(111), failed(9, 110), 0.0);
        assert_eq!(opens_at(&shared, 111), at(131));
    }

    #[test]
    fn a_single_failing_job_backs_off_alone() {
        let mut shared = SharedBackoff::new(BACKOFF);
        let mut fail = |seconds, job| {
            let until = shared.record_failure(at(seconds), failed(job, seconds - 1), 0.0);
            (
                until,
                opens_at(&shared, seconds) > at(seconds),
                shared.is_outage(),
            )
        };
        assert_eq!(fail(1, 7), (at(11), false, false));
        assert_eq!(fail(20, 7), (at(40), false, false));
        assert_eq!(fail(60, 8), (at(100), true, true));
        shared.record_success();
        assert!(!shared.is_outage());
        assert_eq!(shared.failing_for(at(61)), Duration::ZERO);
    }

    #[test]
    fn one_failing_model_is_not_an_outage() {
        let mut shared = SharedBackoff::new(BACKOFF);
        let mut fail = |seconds, subject| {
            let call = FailedCall {
                subject,
                scope: FailureScope::Model,
                ..failed(0, seconds)
            };
            shared.record_failure(at(seconds), call, 0.0);
            shared.is_outage()
        };
        let model = |name: &str| FailureSubject::Model(name.to_owned());
        assert!(!fail(1, model("a")));
        assert!(!fail(2, model("a")));
        assert!(fail(3, model("b")));
        assert_eq!(shared.failing_for(at(4)), Duration::from_secs(1));
        shared.record_success();
        assert!(!shared.is_outage());
    }

    #[test]
    fn too_many_requests_delay_all_requests() {
        let mut shared = SharedBackoff::new(BACKOFF);
        shared.record_failure(at(1), too_many(7, 0), 0.0);
        assert_eq!(opens_at(&shared, 1), at(11));
    }

    #[test]
    fn retry_after_concerns_its_kind_of_call() {
        let mut shared = SharedBackoff::new(BACKOFF);
        let hour = FailedCall {
            retry_after: Some(Duration::from_secs(3600)),
            ..too_many(1, 99)
        };
        assert_eq!(shared.record_failure(at(100), hour.clone(), 0.0), at(3700));
        let of = |shared: &SharedBackoff, kind| shared.opens_at(at(100), kind);
        assert_eq!(of(&shared, CallKind::Submission), at(3700));
        assert_eq!(of(&shared, CallKind::Poll), at(110));
        let poll = FailedCall {
            kind: CallKind::Poll,
            ..hour
        };
        shared.record_failure(at(100), poll, 0.0);
        assert_eq!(of(&shared, CallKind::Poll), at(100).after(BACKOFF.max));
    }

    #[test]
    fn a_requested_delay_outlasts_a_success() {
        let mut shared = SharedBackoff::new(BACKOFF);
        let wait = FailedCall {
            retry_after: Some(Duration::from_secs(120)),
            ..failed(1, 99)
        };
        shared.record_failure(at(100), wait, 0.5);
        let opens_at = |shared: &SharedBackoff| shared.opens_at(at(100), CallKind::Submission);
        assert_eq!(opens_at(&shared), at(220));
        assert_eq!(shared.failing_for(at(220)), Duration::ZERO);
        shared.record_success();
        assert_eq!(opens_at(&shared), at(220));
        shared.record_failure(at(220), failed(2, 220), 0.5);
        assert_eq!(shared.failing_for(at(230)), Duration::from_secs(10));
    }

    #[test]
    fn a_clock_set_back_ends_the_wait() {
        let mut shared = SharedBackoff::new(BACKOFF);
        shared.record_failure(at(3700), too_many(1, 3699), 0.0);
        assert_eq!(opens_at(&shared, 3701), at(3710));
        assert_eq!(opens_at(&shared, 101), at(101));
        shared.record_failure(at(102), too_many(2, 101), 0.0);
        assert_eq!(opens_at(&shared, 102), at(122));
    }

    proptest! {
        #[test]
        fn a_delay_stays_between_half_the_first_and_the_maximum(failures in 1u32..10_000, jitter in 0.0..=1.0f64) {
            let wait = BACKOFF.delay(failures, jitter);
            prop_assert!(wait >= BACKOFF.initial / 2 && wait <= BACKOFF.max);
        }

        #[test]
        fn nothing_is_submitted_before_retry_after_and_polls_wait_no_longer_than_the_maximum(
            waits in proptest::collection::vec((0u64..10_000, any::<bool>()), 1..20)
        ) {
            let mut shared = SharedBackoff::new(BACKOFF);
            let mut earliest = Timestamp::from_millis(i64::MIN);
            for (step, (wait, is_poll)) in waits.into_iter().enumerate() {
                let seconds = i64::try_from(step).unwrap();
                let (now, wait) = (at(seconds), Duration::from_secs(wait));
                let kind = if is_poll { CallKind::Poll } else { CallKind::Submission };
                let call = FailedCall { kind, retry_after: Some(wait), ..failed(1, seconds) };
                shared.record_failure(now, call, 0.9);
                if !is_poll {
                    earliest = earliest.max(now.after(wait));
                }
                prop_assert!(shared.opens_at(now, CallKind::Submission) >= earliest);
                prop_assert!(shared.opens_at(now, CallKind::Poll) <= now.after(BACKOFF.max));
            }
        }
    }
}
