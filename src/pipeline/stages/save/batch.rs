//! Limits of a batch of results whose files are written together.

use crate::store::sqlite::queue::ReceivedJob;

/// Maximum number of files in a batch. All of them are open at the same time, and a process may have about a thousand
/// files open.
const MAX_FILES: usize = 128;
/// Maximum size of the stored results in a batch, in bytes. This bounds the memory in use, which is about a hundred
/// times as much. A larger result, of more than an hour of speech, gets a batch of its own.
const MAX_BYTES: u64 = 1 << 17;

/// Returns the maximum number of results in a batch, each with `formats` files.
pub(crate) fn max_results(formats: usize) -> usize {
    (MAX_FILES / formats.max(1)).max(1)
}

/// Size of the stored results that are taken into a batch.
#[derive(Debug, Default)]
pub(crate) struct BatchSize {
    bytes: u64,
    has_result: bool,
}

impl BatchSize {
    /// Adds a result, and returns whether it fits. The first one always does.
    pub(crate) fn add(&mut self, result: &ReceivedJob) -> bool {
        let is_first = !std::mem::replace(&mut self.has_result, true);
        self.bytes += result.compressed_bytes;
        is_first || self.bytes <= MAX_BYTES
    }
}

/// Whether the result gets a batch of its own.
pub(crate) const fn is_large(received: &ReceivedJob) -> bool {
    received.compressed_bytes > MAX_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch_len(sizes: &[u64]) -> usize {
        let result = |(job, &compressed_bytes)| ReceivedJob {
            compressed_bytes,
            ..ReceivedJob::for_job(job)
        };
        let mut size = BatchSize::default();
        let results = (0..).zip(sizes).map(result);
        results.take_while(|result| size.add(result)).count()
    }

    #[test]
    fn a_batch_is_bounded_and_a_large_result_is_alone() {
        assert_eq!(batch_len(&[1, MAX_BYTES - 1, 1]), 2);
        assert_eq!(batch_len(&[MAX_BYTES + 1, 1]), 1);
        assert_eq!(batch_len(&[1, MAX_BYTES, 1]), 1);
        assert_eq!(batch_len(&[1; 100]), 100);
        assert_eq!(max_results(0), MAX_FILES);
        assert_eq!(max_results(2 * MAX_FILES), 1);
    }
}
