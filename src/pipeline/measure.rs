//! The lengths of what is queued, from the containers' heads, before anything is submitted. What is found out is kept.

use super::threads::{WAITING, in_threads};
use crate::domain::{Failure, RecordingId};
use crate::media::inspect::inspect;
use crate::store::lengths::{Measured, Unmeasured};
use crate::store::{Store, StoreError};
use std::collections::HashMap;
use std::fs::File;

/// Files that are looked at before their lengths are kept.
const BATCH: usize = 1000;

/// Looks into every queued file whose length is not known. Says which would be refused, and why. A crash leaves the
/// lengths that were kept so far.
///
/// # Errors
/// If the database fails.
pub async fn measure_all(store: &Store) -> Result<HashMap<RecordingId, Failure>, StoreError> {
    let mut refused = HashMap::new();
    let mut after = RecordingId(0);
    loop {
        let batch = store.unmeasured(after, BATCH).await?;
        let Some(last) = batch.last() else {
            return Ok(refused);
        };
        after = last.recording;
        let mut measured = Vec::new();
        for (found, file) in in_threads(WAITING, batch, |file| (measure(&file), file)).await {
            match found {
                Ok(Some(duration_s)) => measured.push(Measured { file, duration_s }),
                Ok(None) => {}
                Err(failure) => {
                    refused.insert(file.recording, failure);
                }
            }
        }
        store.measured(measured).await?;
    }
}

/// The length of a file, where its container tells. One that cannot be read now is looked at again when its turn comes.
fn measure(file: &Unmeasured) -> Result<Option<f64>, Failure> {
    let looked = File::open(&file.path).and_then(|open| inspect(open, file.size_bytes, &file.path));
    match looked {
        Ok(inspected) => inspected.map(|inspected| inspected.duration_s),
        Err(_) => Ok(None),
    }
}
