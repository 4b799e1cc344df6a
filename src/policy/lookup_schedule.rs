//! Schedule of look-ups for an uncertain submission, before the recording is submitted again.

use crate::policy::backoff::Backoff;
use std::time::Duration;

/// Minimum number of look-ups after the first, within the retention.
const REPEATED_LOOKUPS: u32 = 7;
/// Multiple of `retry.max_backoff` for which the look-ups go on: an hour by default. The service may list a submission only
/// when it has finished, so no shorter time and no later submission in the list proves that it was not accepted.
const PATIENCE: u32 = 4;
/// Maximum delay between the first two look-ups.
const MAX_FIRST_DELAY: Duration = Duration::from_secs(2);
/// Maximum delay between two look-ups.
const MAX_DELAY: Duration = Duration::from_secs(40);

/// Returns the delay between the first two look-ups.
#[must_use]
pub fn first_lookup_delay(backoff: Backoff) -> Duration {
    backoff.initial.min(MAX_FIRST_DELAY)
}

/// Returns the delay before the next look-up, after `lookups` look-ups without success.
///
/// `since_start` is the time from the submission to the last look-up. Returns `None` if the retention is over and the
/// service has deleted the transcription, or earlier if a short back-off is configured.
#[must_use]
pub fn next_lookup_delay(
    lookups: u32,
    since_start: Duration,
    retention: Duration,
    backoff: Backoff,
) -> Option<Duration> {
    let delays = Backoff {
        initial: first_lookup_delay(backoff),
        max: backoff.max.min(MAX_DELAY),
    };
    let may_be_listed = lookups <= REPEATED_LOOKUPS || since_start < backoff.max * PATIENCE;
    (may_be_listed && since_start < retention).then(|| delays.delay(lookups.max(1), 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const SLOW: Backoff = Backoff {
        initial: Duration::from_secs(10),
        max: Duration::from_secs(900),
    };

    fn delays(backoff: Backoff, retention: Duration) -> Vec<Duration> {
        let mut delays = Vec::new();
        while let Some(delay) = next_lookup_delay(
            delays.len() as u32 + 1,
            delays.iter().sum(),
            retention,
            backoff,
        ) {
            delays.push(delay);
        }
        delays
    }

    #[test]
    fn look_ups_go_on_for_the_whole_retention() {
        let delays = delays(SLOW, HOUR);
        assert!(delays.is_sorted());
        assert!(delays.iter().sum::<Duration>() >= HOUR);
        assert!(delays.iter().all(|delay| *delay <= MAX_DELAY));
    }

    #[test]
    fn a_short_back_off_means_short_delays() {
        let backoff = Backoff {
            initial: Duration::from_millis(10),
            max: Duration::from_millis(40),
        };
        let delays = delays(backoff, HOUR);
        assert!(
            delays
                .iter()
                .all(|delay| *delay <= Duration::from_millis(40))
        );
        assert_eq!(delays.len(), 7);
    }

    #[test]
    fn an_expired_transcription_is_not_looked_up() {
        assert_eq!(next_lookup_delay(1, HOUR, HOUR, SLOW), None);
        assert!(
            delays(SLOW, Duration::from_secs(6))
                .iter()
                .sum::<Duration>()
                < Duration::from_secs(6) + MAX_DELAY
        );
    }
}
