//! Results that just came, kept as they were read until their files are written: to unpack and read them again takes
//! longer than to write them. The database has them all; what is not kept is fetched from there.

use crate::api::Completed;
use crate::domain::{JobId, Timestamp};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes of JSON that are kept; what was read from them takes about as much again.
const MOST: usize = 1 << 20;
/// A longer result is not kept: to read it again costs little beside the rest of what is done with it.
const LONGEST: usize = 1 << 15;

/// A result is told by its job and the time it was received at: a job may be transcribed again.
type Key = (JobId, Timestamp);

/// Results that just came.
#[derive(Default)]
pub struct Fresh(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    results: HashMap<Key, Completed>,
    bytes: usize,
}

impl Fresh {
    /// Keeps the result of `job`, which the database has, unless there is no room.
    pub fn keep(&self, job: JobId, received_at: Timestamp, result: Completed) {
        let mut kept = self.kept();
        let bytes = result.raw.len();
        if bytes <= LONGEST && kept.bytes + bytes <= MOST {
            kept.bytes += bytes;
            kept.results.insert((job, received_at), result);
        }
    }

    /// Gives the result, if it was kept.
    pub fn take(&self, job: JobId, received_at: Timestamp) -> Option<Completed> {
        let mut kept = self.kept();
        let result = kept.results.remove(&(job, received_at))?;
        kept.bytes -= result.raw.len();
        Some(result)
    }

    /// Drops what nobody came for: somebody cancelled it, or it was fetched from the database before it was kept.
    pub fn clear(&self) {
        *self.kept() = Kept::default();
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Transcript;

    const NOW: Timestamp = Timestamp::from_millis(0);
    const LATER: Timestamp = Timestamp::from_millis(1);

    fn of(bytes: usize) -> Completed {
        Completed {
            raw: "x".repeat(bytes),
            transcript: Transcript::default(),
        }
    }

    #[test]
    fn a_result_is_given_once_and_only_for_its_own_time() {
        let fresh = Fresh::default();
        fresh.keep(JobId(1), NOW, of(3));
        assert_eq!(fresh.take(JobId(1), LATER), None);
        assert_eq!(fresh.take(JobId(2), NOW), None);
        assert_eq!(fresh.take(JobId(1), NOW), Some(of(3)));
        assert_eq!(fresh.take(JobId(1), NOW), None);
    }

    #[test]
    fn what_is_kept_is_bounded_and_makes_room_when_it_is_taken_or_dropped() {
        let fresh = Fresh::default();
        let fill = || {
            (1..).find(|&job| {
                fresh.keep(JobId(job), NOW, of(LONGEST));
                fresh.take(JobId(job), LATER);
                !fresh.kept().results.contains_key(&(JobId(job), NOW))
            })
        };
        let most = (MOST / LONGEST) as i64;
        assert_eq!(fill(), Some(most + 1));
        assert!(fresh.take(JobId(1), NOW).is_some());
        fresh.keep(JobId(1), NOW, of(LONGEST));
        assert!(fresh.take(JobId(1), NOW).is_some());
        fresh.clear();
        assert_eq!(fill(), Some(most + 1));
        fresh.clear();
        fresh.keep(JobId(1), NOW, of(LONGEST + 1));
        assert_eq!(fresh.take(JobId(1), NOW), None);
    }
}
