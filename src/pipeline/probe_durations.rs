//! Probing of the durations of queued files, from the container headers, before anything is submitted. Durations are
//! stored.

use crate::domain::{Failure, RecordingId};
use crate::media::inspect::inspect;
use crate::runtime::blocking::{IO_THREADS, map_blocking};
use crate::store::sqlite::durations::{ProbedDuration, UnprobedFile};
use crate::store::{Store, StoreError};
use std::collections::HashMap;
use std::fs::File;

/// Number of files probed before their durations are stored.
const BATCH: usize = 1000;

/// Probes every queued file without a known duration. Returns the files that preflight would refuse, with the reason.
///
/// A crash leaves the durations that were stored so far.
///
/// # Errors
/// If the database fails.
pub async fn probe_all(store: &Store) -> Result<HashMap<RecordingId, Failure>, StoreError> {
    let mut refused = HashMap::new();
    let mut after = RecordingId(0);
    loop {
        let batch = store.unprobed_files(after, BATCH).await?;
        let Some(last) = batch.last() else {
            return Ok(refused);
        };
        after = last.recording;
        let mut measured = Vec::new();
        for (result, file) in map_blocking(IO_THREADS, batch, |file| (probe(&file), file)).await {
            match result {
                Ok(Some(duration_s)) => measured.push(ProbedDuration { file, duration_s }),
                Ok(None) => {}
                Err(failure) => {
                    refused.insert(file.recording, failure);
                }
            }
        }
        store.store_durations(measured).await?;
    }
}

/// Returns the duration of a file in seconds, if its container states it. A file that cannot be read now is checked
/// again before its submission.
fn probe(file: &UnprobedFile) -> Result<Option<f64>, Failure> {
    let probed = File::open(&file.path).and_then(|open| inspect(open, file.size_bytes, &file.path));
    match probed {
        Ok(inspected) => inspected.map(|inspected| inspected.length.seconds()),
        Err(_) => Ok(None),
    }
}
