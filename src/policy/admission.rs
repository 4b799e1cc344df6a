//! Admission control: the number of generations in flight at the service.

use std::time::Duration;

/// Polls needed per generation until its result is fetched, as a worst-case assumption.
const POLLS_PER_GENERATION: f64 = 4.0;

/// Settings that limit the generations in flight.
#[derive(Debug, Clone, Copy)]
pub struct AdmissionLimits {
    /// Setting `limits.max_pending`.
    pub max_pending: usize,
    /// Setting `limits.polls_per_minute`.
    pub polls_per_minute: u32,
    /// Setting `api.retention`.
    pub retention: Duration,
}

/// Returns the maximum number of generations in flight at the service.
///
/// This is the configured limit, reduced to the number that can be polled within the retention. It is at least one.
#[must_use]
pub fn capacity(limits: &AdmissionLimits) -> usize {
    let polls = f64::from(limits.polls_per_minute) * limits.retention.as_secs_f64() / 60.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the count is positive, and saturation is intended"
    )]
    let fetchable = (polls / POLLS_PER_GENERATION) as usize;
    limits.max_pending.min(fetchable).max(1)
}

/// Returns whether another recording may be submitted.
///
/// `in_flight` counts the generations at the service and the submissions being sent. `poll_delay` is the delay of the
/// oldest due poll. Polls have priority: a delay of one twentieth of the retention or more stops submissions.
#[must_use]
pub fn may_submit(in_flight: usize, poll_delay: Duration, limits: &AdmissionLimits) -> bool {
    in_flight < capacity(limits) && poll_delay < limits.retention / 20
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn the_configured_limit_applies_with_enough_polls() {
        assert_eq!(
            capacity(&AdmissionLimits {
                max_pending: 500,
                polls_per_minute: 600,
                retention: HOUR
            }),
            500
        );
    }

    #[test]
    fn capacity_is_limited_by_polls_within_the_retention() {
        assert_eq!(
            capacity(&AdmissionLimits {
                max_pending: 500,
                polls_per_minute: 4,
                retention: HOUR
            }),
            60
        );
        assert_eq!(
            capacity(&AdmissionLimits {
                max_pending: 500,
                polls_per_minute: 1,
                retention: Duration::from_secs(6)
            }),
            1
        );
    }

    #[test]
    fn a_delayed_poll_stops_submissions() {
        let limits = AdmissionLimits {
            max_pending: 500,
            polls_per_minute: 600,
            retention: HOUR,
        };
        assert!(may_submit(0, Duration::from_secs(179), &limits));
        assert!(!may_submit(0, Duration::from_secs(180), &limits));
    }

    proptest! {
        #[test]
        fn the_configured_limit_is_never_exceeded(in_flight in 0usize..2000, max_pending in 1usize..1000, polls in 1u32..100_000) {
            let limits = AdmissionLimits { max_pending, polls_per_minute: polls, retention: HOUR };
            if may_submit(in_flight, Duration::ZERO, &limits) {
                prop_assert!(in_flight < max_pending);
            }
        }
    }
}
