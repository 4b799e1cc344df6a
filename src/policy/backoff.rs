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
    /// between, or if the service sends a `Retry-After`.
    Unclear,
    /// The failure concerns the model of the submission. All requests back off if another model or another call also
    /// fails without a success in between.
    Model,
}

/// What a failure that may be specific to it concerns. Failures of two different subjects concern all requests.
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
            first_subject: None,
            several_subjects: false,
        }
    }

    /// Records that a request of `subject`, started at `started`, failed at `now` for a reason that may not be specific to
    /// the subject. Returns the time until which its job must wait.
    ///
    /// Each failure increases the back-off by one step, except for requests that were already in flight at the last step.
    /// `retry_after` is the delay requested by the service.
    pub fn record_failure(
        &mut self,
        now: Timestamp,
        started: Timestamp,
        subject: FailureSubject,
        scope: FailureScope,
        retry_after: Option<Duration>,
        jitter: f64,
    ) -> Timestamp {
        match &self.first_subject {
            None => self.first_subject = Some(subject),
            Some(first) => self.several_subjects |= *first != subject,
        }
        match retry_after {
            Some(wait) => self.failing_since = Some(now.after(wait)),
            None => _ = self.failing_since.get_or_insert(now),
        }
        if self.clock_was_set_back(now) {
            self.last_step_at = started;
            self.wait_until = now;
            self.opens_at = now;
        }
        self.last_failure_at = now;
        if started >= self.last_step_at {
            self.failures += 1;
            self.last_step_at = now;
            self.extend_wait(now, self.backoff.delay(self.failures, jitter));
        }
        if let Some(wait) = retry_after {
            self.extend_wait(now, wait);
        }
        let concerns_all = match scope {
            FailureScope::AllRequests => true,
            FailureScope::Unclear => retry_after.is_some() || self.several_subjects,
            FailureScope::Model => self.several_subjects,
        };
        if concerns_all {
            self.opens_at = self.opens_at.max(self.wait_until);
        }
        self.wait_until.max(now)
    }

    fn extend_wait(&mut self, now: Timestamp, wait: Duration) {
        self.wait_until = self.wait_until.max(now.after(wait));
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

    /// Returns the earliest time of the next request, given the current time.
    #[must_use]
    pub fn opens_at(&self, now: Timestamp) -> Timestamp {
        if self.clock_was_set_back(now) {
            now
        } else {
            self.opens_at
        }
    }

    /// Returns whether requests of several subjects failed without a success in between. The failures are then not caused
    /// by a single job or model.
    #[must_use]
    pub const fn is_outage(&self) -> bool {
        self.several_subjects
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

    #[test]
    fn failures_in_flight_together_count_as_one_step() {
        let mut shared = SharedBackoff::new(BACKOFF);
        for job in 0..4 {
            let until = shared.record_failure(
                at(100),
                at(99),
                JobId(job).into(),
                FailureScope::Unclear,
                None,
                0.0,
            );
            assert_eq!(until, at(110));
        }
        assert_eq!(shared.opens_at(at(100)), at(110));
        assert!(shared.is_outage());
        shared.record_failure(
            at(111),
            at(110),
            JobId(9).into(),
            FailureScope::Unclear,
            None,
            0.0,
        );
        assert_eq!(shared.opens_at(at(111)), at(131));
    }

    #[test]
    fn a_single_failing_job_backs_off_alone() {
        let mut shared = SharedBackoff::new(BACKOFF);
        let mut fail = |seconds, job| {
            let until = shared.record_failure(
                at(seconds),
                at(seconds - 1),
                JobId(job).into(),
                FailureScope::Unclear,
                None,
                0.0,
            );
            (
                until,
                shared.opens_at(at(seconds)) > at(seconds),
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
            let scope = FailureScope::Model;
            shared.record_failure(at(seconds), at(seconds), subject, scope, None, 0.0);
            shared.is_outage()
        };
        let model = |name: &str| FailureSubject::Model(name.to_owned());
        assert!(!fail(1, model("a")));
        assert!(!fail(2, model("a")));
        assert!(fail(3, model("b")));
        shared.record_success();
        assert!(!shared.is_outage());
    }

    #[test]
    fn too_many_requests_delay_all_requests() {
        let mut shared = SharedBackoff::new(BACKOFF);
        shared.record_failure(
            at(1),
            at(0),
            JobId(7).into(),
            FailureScope::AllRequests,
            None,
            0.0,
        );
        assert_eq!(shared.opens_at(at(1)), at(11));
    }

    #[test]
    fn retry_after_is_honoured() {
        let mut shared = SharedBackoff::new(BACKOFF);
        shared.record_failure(
            at(100),
            at(99),
            JobId(1).into(),
            FailureScope::Unclear,
            Some(Duration::from_secs(120)),
            0.5,
        );
        assert_eq!(shared.opens_at(at(100)), at(220));
        assert_eq!(shared.failing_for(at(220)), Duration::ZERO);
        shared.record_success();
        assert_eq!(shared.opens_at(at(100)), at(220));
        shared.record_failure(
            at(220),
            at(220),
            JobId(2).into(),
            FailureScope::Unclear,
            None,
            0.5,
        );
        assert_eq!(shared.failing_for(at(230)), Duration::from_secs(10));
    }

    #[test]
    fn a_clock_set_back_ends_the_wait() {
        let mut shared = SharedBackoff::new(BACKOFF);
        shared.record_failure(
            at(3700),
            at(3699),
            JobId(1).into(),
            FailureScope::AllRequests,
            None,
            0.0,
        );
        assert_eq!(shared.opens_at(at(3701)), at(3710));
        assert_eq!(shared.opens_at(at(101)), at(101));
        shared.record_failure(
            at(102),
            at(101),
            JobId(2).into(),
            FailureScope::AllRequests,
            None,
            0.0,
        );
        assert_eq!(shared.opens_at(at(102)), at(122));
    }

    proptest! {
        #[test]
        fn a_delay_stays_between_half_the_first_and_the_maximum(failures in 1u32..10_000, jitter in 0.0..=1.0f64) {
            let wait = BACKOFF.delay(failures, jitter);
            prop_assert!(wait >= BACKOFF.initial / 2 && wait <= BACKOFF.max);
        }

        #[test]
        fn no_request_is_sent_before_retry_after(waits in proptest::collection::vec(0u64..10_000, 1..20)) {
            let mut shared = SharedBackoff::new(BACKOFF);
            let mut earliest = at(0);
            for (step, wait) in waits.into_iter().enumerate() {
                let now = at(i64::try_from(step).unwrap());
                shared.record_failure(now, now, JobId(1).into(), FailureScope::Unclear, Some(Duration::from_secs(wait)), 0.9);
                earliest = earliest.max(now.after(Duration::from_secs(wait)));
                prop_assert!(shared.opens_at(now) >= earliest);
            }
        }
    }
}
