//! How often a lost answer is looked for before its recording is submitted again.

use super::backoff::Backoff;
use std::time::Duration;

/// Looks after the first. Whether the service lists a submission at once is not documented, so one look is not enough;
/// with the longest waits the last comes after two and a half minutes.
const LOOKS: u32 = 7;
/// The longest first wait between two looks.
const FIRST: Duration = Duration::from_secs(2);
/// The longest wait between two looks.
const MOST: Duration = Duration::from_secs(40);

/// When to look again after `looks` in vain, of which the last was `since_start` after the submission; `None` when
/// looking makes no sense any more: often enough, or the service would not have the transcription either.
#[must_use]
pub fn next_look(
    looks: u32,
    since_start: Duration,
    retention: Duration,
    backoff: Backoff,
) -> Option<Duration> {
    let steps = Backoff {
        first: backoff.first.min(FIRST),
        most: backoff.most.min(MOST),
    };
    (looks <= LOOKS && since_start < retention).then(|| steps.delay(looks.max(1), 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const SLOW: Backoff = Backoff {
        first: Duration::from_secs(10),
        most: Duration::from_secs(900),
    };

    fn waits(backoff: Backoff, retention: Duration) -> Vec<Duration> {
        let mut waits = Vec::new();
        while let Some(wait) = next_look(
            waits.len() as u32 + 1,
            waits.iter().sum(),
            retention,
            backoff,
        ) {
            waits.push(wait);
        }
        waits
    }

    #[test]
    fn looks_grow_apart_and_end() {
        let waits = waits(SLOW, HOUR);
        assert_eq!(waits.len(), 7);
        assert!(waits.is_sorted());
        assert!(waits.iter().all(|wait| *wait <= MOST));
    }

    #[test]
    fn a_short_backoff_makes_short_waits() {
        let backoff = Backoff {
            first: Duration::from_millis(10),
            most: Duration::from_millis(40),
        };
        assert!(
            waits(backoff, HOUR)
                .iter()
                .all(|wait| *wait <= Duration::from_millis(40))
        );
    }

    #[test]
    fn nobody_looks_for_what_has_expired() {
        assert_eq!(next_look(1, HOUR, HOUR, SLOW), None);
        assert!(
            waits(SLOW, Duration::from_secs(6)).iter().sum::<Duration>()
                < Duration::from_secs(6) + MOST
        );
    }
}
