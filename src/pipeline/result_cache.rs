//! Bounded cache of parsed results between their arrival and the writing of their files.
//!
//! Unpacking and parsing a stored result takes longer than writing its files. The database has every result and serves
//! those that are not cached.

use crate::domain::{JobId, Timestamp};
use crate::provider::Completed;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Maximum size of the cached JSON, in bytes. The parsed form takes about as much memory again.
const MAX_BYTES: usize = 1 << 20;
/// Maximum size of one cached result, in bytes. For a larger one, parsing again is a small part of the work on it.
const MAX_RESULT_BYTES: usize = 1 << 15;

/// Job and time of receipt. The job alone is not unique, because it may be transcribed again.
type Key = (JobId, Timestamp);

/// Cache of recently received results.
#[derive(Default)]
pub struct ResultCache(Mutex<Cached>);

#[derive(Default)]
struct Cached {
    results: HashMap<Key, Completed>,
    bytes: usize,
}

impl ResultCache {
    /// Whether a result is small enough to be cached.
    #[must_use]
    pub fn may_hold(result: &Completed) -> bool {
        result.body.memory_bytes() <= MAX_RESULT_BYTES
    }

    /// Caches the result of `job`, unless it does not fit. The result must already be in the database.
    pub fn insert(&self, job: JobId, received_at: Timestamp, result: Completed) {
        let mut cached = self.cached();
        let bytes = result.body.memory_bytes();
        if Self::may_hold(&result) && cached.bytes + bytes <= MAX_BYTES {
            cached.bytes += bytes;
            cached.results.insert((job, received_at), result);
        }
    }

    /// Removes and returns the result, if it is cached.
    pub fn take(&self, job: JobId, received_at: Timestamp) -> Option<Completed> {
        let mut cached = self.cached();
        let result = cached.results.remove(&(job, received_at))?;
        cached.bytes -= result.body.memory_bytes();
        Some(result)
    }

    /// Removes all results. Some are never taken: the job was cancelled, or its result was read from the database
    /// before it was cached.
    pub fn clear(&self) {
        *self.cached() = Cached::default();
    }

    fn cached(&self) -> MutexGuard<'_, Cached> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(0);
    const LATER: Timestamp = Timestamp::from_millis(1);

    fn result(bytes: usize) -> Completed {
        Completed::from_body(vec![b'x'; bytes]).unwrap()
    }

    #[test]
    fn a_result_is_taken_once_by_job_and_time() {
        let fresh = ResultCache::default();
        fresh.insert(JobId(1), NOW, result(3));
        assert_eq!(fresh.take(JobId(1), LATER), None);
        assert_eq!(fresh.take(JobId(2), NOW), None);
        assert_eq!(fresh.take(JobId(1), NOW), Some(result(3)));
        assert_eq!(fresh.take(JobId(1), NOW), None);
    }

    #[test]
    fn size_is_bounded_and_freed_by_take_and_clear() {
        let fresh = ResultCache::default();
        let fill = || {
            (1..).find(|&job| {
                fresh.insert(JobId(job), NOW, result(MAX_RESULT_BYTES));
                fresh.take(JobId(job), LATER);
                !fresh.cached().results.contains_key(&(JobId(job), NOW))
            })
        };
        let capacity = (MAX_BYTES / MAX_RESULT_BYTES) as i64;
        assert_eq!(fill(), Some(capacity + 1));
        assert!(fresh.take(JobId(1), NOW).is_some());
        fresh.insert(JobId(1), NOW, result(MAX_RESULT_BYTES));
        assert!(fresh.take(JobId(1), NOW).is_some());
        fresh.clear();
        assert_eq!(fill(), Some(capacity + 1));
        fresh.clear();
        fresh.insert(JobId(1), NOW, result(MAX_RESULT_BYTES + 1));
        assert_eq!(fresh.take(JobId(1), NOW), None);
    }
}
