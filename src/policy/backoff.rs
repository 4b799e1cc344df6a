//! How long to wait after a failure: each job for itself, and all requests together.

use crate::domain::{JobId, Timestamp};
use std::time::Duration;

/// Exponential growth with a ceiling: `retry.backoff` and `retry.max_backoff`.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// The wait after the first failure.
    pub first: Duration,
    /// The longest wait.
    pub most: Duration,
}

impl Backoff {
    /// The back-off that polls share: never so long that a transcript kept for `retention` could expire while an outage
    /// that is over is still waited out.
    #[must_use]
    pub fn within(self, retention: Duration) -> Self {
        let most = self.most.min(retention / 20);
        Self {
            first: self.first.min(most),
            most,
        }
    }

    /// The wait after `failures` in a row (from 1): doubled each time up to the ceiling, of which `jitter` (0 to 1)
    /// takes away up to half, so that those who failed together do not return together.
    #[must_use]
    pub fn delay(&self, failures: u32, jitter: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(30);
        let full = self.first.saturating_mul(1 << doublings).min(self.most);
        full.mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 2.0)
    }
}

/// Whom a failure tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Too many requests: all of them wait.
    TooMany,
    /// Perhaps only of this job. When another one fails, too, and none succeeds between, it is the service, and all
    /// wait; so they do when the service says for how long.
    Unclear,
}

/// The back-off that all requests share: a 429 or an outage slows everything together, once, and spends no attempt.
#[derive(Debug, Clone)]
pub struct SharedBackoff {
    backoff: Backoff,
    failures: u32,
    failing_since: Option<Timestamp>,
    last_step_at: Timestamp,
    said_at: Timestamp,
    wait_until: Timestamp,
    opens_at: Timestamp,
    first_job: Option<JobId>,
    several_jobs: bool,
}

impl SharedBackoff {
    /// No failure yet.
    #[must_use]
    pub const fn new(backoff: Backoff) -> Self {
        Self {
            backoff,
            failures: 0,
            failing_since: None,
            last_step_at: Timestamp::from_millis(i64::MIN),
            said_at: Timestamp::from_millis(i64::MIN),
            wait_until: Timestamp::from_millis(i64::MIN),
            opens_at: Timestamp::from_millis(i64::MIN),
            first_job: None,
            several_jobs: false,
        }
    }

    /// A request for `job`, begun at `began`, failed at `now` in a way that may be nobody's fault. Requests that were
    /// already under way at the last step do not make another. `retry_after` is the service's own word. Returns until
    /// when this job waits.
    pub fn failed(
        &mut self,
        now: Timestamp,
        began: Timestamp,
        job: JobId,
        trouble: Trouble,
        retry_after: Option<Duration>,
        jitter: f64,
    ) -> Timestamp {
        match self.first_job {
            None => self.first_job = Some(job),
            Some(first) => self.several_jobs |= first != job,
        }
        match retry_after {
            Some(wait) => self.failing_since = Some(now.after(wait)),
            None => _ = self.failing_since.get_or_insert(now),
        }
        if self.was_set_back(now) {
            self.last_step_at = began;
            self.wait_until = now;
            self.opens_at = now;
        }
        self.said_at = now;
        if began >= self.last_step_at {
            self.failures += 1;
            self.last_step_at = now;
            self.wait_at_least(now, self.backoff.delay(self.failures, jitter));
        }
        if let Some(wait) = retry_after {
            self.wait_at_least(now, wait);
        }
        if trouble == Trouble::TooMany || retry_after.is_some() || self.several_jobs {
            self.opens_at = self.opens_at.max(self.wait_until);
        }
        self.wait_until.max(now)
    }

    fn wait_at_least(&mut self, now: Timestamp, wait: Duration) {
        self.wait_until = self.wait_until.max(now.after(wait));
    }

    /// A time before the last failure: the clock was set back since, and what was said by it is void.
    fn was_set_back(&self, now: Timestamp) -> bool {
        now < self.said_at
    }

    /// The service answered as it should: whatever was wrong is over, except a time it asked for itself.
    pub fn succeeded(&mut self) {
        self.failures = 0;
        self.failing_since = None;
        self.first_job = None;
        self.several_jobs = false;
    }

    /// When the next request may leave, as it looks at `now`.
    #[must_use]
    pub fn opens_at(&self, now: Timestamp) -> Timestamp {
        if self.was_set_back(now) {
            now
        } else {
            self.opens_at
        }
    }

    /// Whether requests for several jobs failed with no success between: then no job is to blame.
    #[must_use]
    pub const fn is_outage(&self) -> bool {
        self.several_jobs
    }

    /// How long nothing has succeeded, at `now`. A service that names a time is not failing before it.
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
        first: Duration::from_secs(10),
        most: Duration::from_secs(900),
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn waits_double_up_to_the_ceiling() {
        let waits: Vec<_> = (1..=8)
            .map(|failures| BACKOFF.delay(failures, 0.0).as_secs())
            .collect();
        assert_eq!(waits, [10, 20, 40, 80, 160, 320, 640, 900]);
    }

    #[test]
    fn what_polls_share_waits_a_small_part_of_the_retention_at_most() {
        let shared = BACKOFF.within(Duration::from_secs(3600));
        assert_eq!(shared.delay(99, 0.0), Duration::from_secs(180));
        assert_eq!(shared.delay(1, 0.0), BACKOFF.first);
        let short = BACKOFF.within(Duration::from_secs(6));
        assert_eq!(short.delay(1, 0.0), Duration::from_millis(300));
        let long = BACKOFF.within(Duration::from_secs(360_000));
        assert_eq!(long.delay(99, 0.0), BACKOFF.most);
    }

    #[test]
    fn requests_that_fail_together_make_one_step() {
        let mut shared = SharedBackoff::new(BACKOFF);
        for job in 0..4 {
            let until = shared.failed(at(100), at(99), JobId(job), Trouble::Unclear, None, 0.0);
            assert_eq!(until, at(110));
        }
        assert_eq!(shared.opens_at(at(100)), at(110));
        assert!(shared.is_outage());
        shared.failed(at(111), at(110), JobId(9), Trouble::Unclear, None, 0.0);
        assert_eq!(shared.opens_at(at(111)), at(131));
    }

    #[test]
    fn one_job_that_fails_alone_is_no_outage_and_waits_alone() {
        let mut shared = SharedBackoff::new(BACKOFF);
        let mut fail = |seconds, job| {
            let until = shared.failed(
                at(seconds),
                at(seconds - 1),
                JobId(job),
                Trouble::Unclear,
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
        shared.succeeded();
        assert!(!shared.is_outage());
        assert_eq!(shared.failing_for(at(61)), Duration::ZERO);
    }

    #[test]
    fn too_many_requests_are_everyone_s() {
        let mut shared = SharedBackoff::new(BACKOFF);
        shared.failed(at(1), at(0), JobId(7), Trouble::TooMany, None, 0.0);
        assert_eq!(shared.opens_at(at(1)), at(11));
    }

    #[test]
    fn the_service_is_taken_at_its_word() {
        let mut shared = SharedBackoff::new(BACKOFF);
        shared.failed(
            at(100),
            at(99),
            JobId(1),
            Trouble::Unclear,
            Some(Duration::from_secs(120)),
            0.5,
        );
        assert_eq!(shared.opens_at(at(100)), at(220));
        assert_eq!(shared.failing_for(at(220)), Duration::ZERO);
        shared.succeeded();
        assert_eq!(shared.opens_at(at(100)), at(220));
        shared.failed(at(220), at(220), JobId(2), Trouble::Unclear, None, 0.5);
        assert_eq!(shared.failing_for(at(230)), Duration::from_secs(10));
    }

    #[test]
    fn a_clock_set_back_opens_what_was_closed_by_it() {
        let mut shared = SharedBackoff::new(BACKOFF);
        shared.failed(at(3700), at(3699), JobId(1), Trouble::TooMany, None, 0.0);
        assert_eq!(shared.opens_at(at(3701)), at(3710));
        assert_eq!(shared.opens_at(at(101)), at(101));
        shared.failed(at(102), at(101), JobId(2), Trouble::TooMany, None, 0.0);
        assert_eq!(shared.opens_at(at(102)), at(122));
    }

    proptest! {
        #[test]
        fn a_wait_is_at_least_half_of_the_first_and_never_over_the_ceiling(failures in 1u32..10_000, jitter in 0.0..=1.0f64) {
            let wait = BACKOFF.delay(failures, jitter);
            prop_assert!(wait >= BACKOFF.first / 2 && wait <= BACKOFF.most);
        }

        #[test]
        fn nothing_leaves_before_retry_after(waits in proptest::collection::vec(0u64..10_000, 1..20)) {
            let mut shared = SharedBackoff::new(BACKOFF);
            let mut earliest = at(0);
            for (step, wait) in waits.into_iter().enumerate() {
                let now = at(i64::try_from(step).unwrap());
                shared.failed(now, now, JobId(1), Trouble::Unclear, Some(Duration::from_secs(wait)), 0.9);
                earliest = earliest.max(now.after(Duration::from_secs(wait)));
                prop_assert!(shared.opens_at(now) >= earliest);
            }
        }
    }
}
