//! Probing of the durations of queued files, before anything is submitted. Durations are stored.
//!
//! A file is read again only if it has changed, or if something reads lengths now that did not before.

use super::lengths::{Lengths, found_length};
use crate::domain::{Failure, RecordingId};
use crate::media::inspect::{Inspection, Truncated, inspect};
use crate::media::sound::Length;
use crate::runtime::blocking::{IO_THREADS, map_blocking};
use crate::store::sqlite::durations::{FoundLength, ProbedFile, UnprobedFile};
use crate::store::{Store, StoreError};
use futures_util::StreamExt;
use futures_util::stream;
use std::collections::HashMap;
use std::fs::File;

/// Number of files probed before their durations are stored.
const BATCH: usize = 1000;
/// Number of files for which ffprobe is asked at the same time.
const CONCURRENT_ASKS: usize = 4;

/// Probes every queued file without a known duration. Returns the files that preflight would refuse, with the reason.
///
/// A crash leaves the durations that were stored so far.
///
/// # Errors
/// If the database fails.
pub async fn probe_all(
    store: &Store,
    lengths: &Lengths,
) -> Result<HashMap<RecordingId, Failure>, StoreError> {
    let mut refused = HashMap::new();
    let mut after = RecordingId(0);
    loop {
        let batch = store.unprobed_files(after, BATCH).await?;
        let Some(last) = batch.last() else {
            return Ok(refused);
        };
        after = last.recording;
        let batch = without_tried(batch, lengths).await;
        let (mut probed, mut unknown) = (Vec::new(), Vec::new());
        for (result, file) in map_blocking(IO_THREADS, batch, |file| (probe(&file), file)).await {
            match result.map(|length| length.map(found_length)) {
                Ok(Some(Some(length))) => probed.push(file.found(length)),
                Ok(Some(None)) => unknown.push(file),
                Ok(None) => {}
                Err(failure) => {
                    refused.insert(file.recording, failure);
                }
            }
        }
        probed.extend(ask(unknown, lengths).await);
        store.store_lengths(probed).await?;
    }
}

/// Leaves out the files whose length the readers could not tell before.
async fn without_tried(mut files: Vec<UnprobedFile>, lengths: &Lengths) -> Vec<UnprobedFile> {
    // Naming the readers starts a program.
    if files.iter().any(|file| file.unknown_to.is_some()) {
        let readers = lengths.readers().await;
        files.retain(|file| file.unknown_to.as_ref() != Some(&readers));
    }
    files
}

/// Asks ffprobe for the lengths of files.
async fn ask(files: Vec<UnprobedFile>, lengths: &Lengths) -> Vec<ProbedFile> {
    stream::iter(files)
        .map(|file| async move {
            let found = match file.as_is {
                // Its header may state the length of the whole.
                true => Some(FoundLength::UnknownTo(lengths.readers().await)),
                false => lengths.ask(&file.path, None).await,
            };
            found.map(|length| file.found(length))
        })
        .buffer_unordered(CONCURRENT_ASKS)
        .filter_map(std::future::ready)
        .collect()
        .await
}

/// Returns the length of a file, as its container states it. Returns `None` for a file that cannot be read now. It is
/// checked again before its submission.
fn probe(file: &UnprobedFile) -> Result<Option<Length>, Failure> {
    let truncated = Truncated::for_job(file.as_is);
    let size_bytes = file.revision.size_bytes;
    let probed =
        File::open(&file.path).and_then(|open| inspect(open, size_bytes, &file.path, truncated));
    match probed {
        Ok(inspected) => inspected.map(|Inspection { length, .. }| Some(length)),
        Err(_) => Ok(None),
    }
}
