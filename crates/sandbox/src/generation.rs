//! Generations: their IDs, and their status over time.

use crate::submission::ReceivedSubmission;
use crate::timestamp::Timestamp;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use std::sync::Arc;
use std::time::Duration;

/// Characters of a generation ID. The service's newer IDs are nanoids.
const ID_ALPHABET: &[u8; 64] = b"useandom-26T198340PX75pxJACKVERYMINDBUSHWOLF_GQZbfghjklqvwyzrict";
/// Number of characters of a generation ID.
const ID_LENGTH: usize = 21;

/// Returns the ID of a new generation.
pub(crate) fn new_id(rng: &mut StdRng) -> String {
    let mut letter = || ID_ALPHABET.choose(rng).copied().unwrap_or(b'0');
    (0..ID_LENGTH).map(|_| char::from(letter())).collect()
}

/// Accepted submission.
#[derive(Debug)]
pub(crate) struct Generation {
    pub(crate) submission: Arc<ReceivedSubmission>,
    pub(crate) created: Timestamp,
    /// Whether it will fail, decided at creation.
    pub(crate) fails: bool,
    /// Index of its row in the ledger.
    pub(crate) row: usize,
}

/// Status of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GenerationStatus {
    Waiting,
    Active,
    Completed,
    Failed,
    Expired,
}

impl Generation {
    /// Returns the status at a time.
    ///
    /// A generation is waiting for the first quarter of `delay` and active for the rest of it. It then is completed or
    /// failed until it expires, `retention` after its creation.
    pub(crate) fn status_at(
        &self,
        now: Timestamp,
        delay: Duration,
        retention: Duration,
    ) -> GenerationStatus {
        let age = now.since(self.created);
        if age >= retention {
            GenerationStatus::Expired
        } else if age < delay / 4 {
            GenerationStatus::Waiting
        } else if age < delay {
            GenerationStatus::Active
        } else if self.fails {
            GenerationStatus::Failed
        } else {
            GenerationStatus::Completed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use std::collections::HashSet;

    fn statuses(fails: bool, delay_s: u64, at_ms: &[i64]) -> Vec<GenerationStatus> {
        let generation = Generation {
            submission: Arc::new(ReceivedSubmission::example("a.mp3")),
            created: Timestamp::from_millis(1_000),
            fails,
            row: 0,
        };
        let (delay, retention) = (Duration::from_secs(delay_s), Duration::from_secs(100));
        let at = |ms: &i64| generation.status_at(Timestamp::from_millis(*ms), delay, retention);
        at_ms.iter().map(at).collect()
    }

    #[test]
    fn the_status_follows_the_age() {
        use GenerationStatus::{Active, Completed, Expired, Failed, Waiting};
        let times = [0, 1_000, 2_999, 3_000, 8_999, 9_000, 100_999, 101_000];
        assert_eq!(
            statuses(false, 8, &times),
            [
                Waiting, Waiting, Waiting, Active, Active, Completed, Completed, Expired
            ]
        );
        assert_eq!(statuses(true, 8, &[8_999, 9_000]), [Active, Failed]);
    }

    #[test]
    fn without_delay_a_generation_completes_immediately() {
        assert_eq!(statuses(false, 0, &[1_000]), [GenerationStatus::Completed]);
    }

    #[test]
    fn a_seed_gives_reproducible_unique_ids() {
        let ids = |seed| {
            let mut rng = StdRng::seed_from_u64(seed);
            (0..1000).map(|_| new_id(&mut rng)).collect::<Vec<_>>()
        };
        assert_eq!(ids(3), ids(3));
        assert_ne!(ids(3), ids(4));
        assert_eq!(ids(3).iter().collect::<HashSet<_>>().len(), 1000);
        assert!(ids(3).iter().all(|id| id.len() == ID_LENGTH));
    }
}
