//! How many more recordings may be submitted.

use std::time::Duration;

/// Polls that one generation is reckoned to need, at the worst, before its answer is fetched.
const POLLS_A_GENERATION: f64 = 4.0;

/// What bounds the generations waiting at the service.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// `limits.max_pending`.
    pub max_pending: usize,
    /// `limits.polls_per_minute`.
    pub polls_per_minute: u32,
    /// `api.retention`.
    pub retention: Duration,
}

/// How many generations may wait at the service at once: as many as configured, but never more than can be polled
/// within the retention; always at least one.
#[must_use]
pub fn capacity(limits: &Limits) -> usize {
    let polls = f64::from(limits.polls_per_minute) * limits.retention.as_secs_f64() / 60.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive count; saturates, which is right"
    )]
    let fetchable = (polls / POLLS_A_GENERATION) as usize;
    limits.max_pending.min(fetchable).max(1)
}

/// Whether one more may be sent, with `waiting` generations at the service or on the way there and the oldest due
/// poll late by `polls_late_by`: polls come before submissions, so a late poll stops them.
#[must_use]
pub fn may_submit(waiting: usize, polls_late_by: Duration, limits: &Limits) -> bool {
    waiting < capacity(limits) && polls_late_by < limits.retention / 20
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn the_configured_limit_counts_where_polls_are_plenty() {
        assert_eq!(
            capacity(&Limits {
                max_pending: 500,
                polls_per_minute: 600,
                retention: HOUR
            }),
            500
        );
    }

    #[test]
    fn no_more_wait_than_can_be_polled_within_the_retention() {
        assert_eq!(
            capacity(&Limits {
                max_pending: 500,
                polls_per_minute: 4,
                retention: HOUR
            }),
            60
        );
        assert_eq!(
            capacity(&Limits {
                max_pending: 500,
                polls_per_minute: 1,
                retention: Duration::from_secs(6)
            }),
            1
        );
    }

    #[test]
    fn a_late_poll_stops_submissions() {
        let limits = Limits {
            max_pending: 500,
            polls_per_minute: 600,
            retention: HOUR,
        };
        assert!(may_submit(0, Duration::from_secs(179), &limits));
        assert!(!may_submit(0, Duration::from_secs(180), &limits));
    }

    proptest! {
        #[test]
        fn never_more_wait_than_configured(waiting in 0usize..2000, max_pending in 1usize..1000, polls in 1u32..100_000) {
            let limits = Limits { max_pending, polls_per_minute: polls, retention: HOUR };
            if may_submit(waiting, Duration::ZERO, &limits) {
                prop_assert!(waiting < max_pending);
            }
        }
    }
}
