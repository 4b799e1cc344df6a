//! Writes results, which are already durable in the database, to files.
//!
//! Results are saved in batches, two at a time. The staging files of a batch are written under hidden names, synced and
//! renamed to their final names. Each folder is then synced once, and all jobs are marked `done` in one commit. A job
//! is therefore `done` only after its files are complete and durable. A job whose files cannot be written stays
//! `received` and is retried. One batch takes these steps, in this order:
//!
//! - `set_aside`: results that are not better than an earlier transcript
//! - `load`: the results, with the records and rules of their recordings ([`rule_book`])
//! - `render_batch`: their files ([`rendering`]) in their [`folders`] ([`staging`]), under [`names`] that overwrite no other
//!   file (`reservations`)
//! - `sync`: their staging files, durable
//! - `placed`: their files, under their final names
//! - `record`: their jobs, done or retried
//!
//! `batch` limits the results of one batch.

pub(crate) mod batch;
pub mod folders;
mod load;
pub mod names;
pub(crate) mod placed;
mod record;
mod render_batch;
pub mod rendering;
pub(crate) mod reservations;
pub mod rule_book;
pub(crate) mod set_aside;
pub mod staging;
pub(crate) mod sync;

use crate::config::OutputConfig;
use crate::domain::{RecordingId, Timestamp};
use crate::output::staging_file::remove_staging_files;
use crate::pipeline::journal::Journal;
use crate::pipeline::result_cache::ResultCache;
use crate::pipeline::stages::save::batch::{BatchSize, max_results};
use crate::pipeline::stages::save::folders::OutputFolders;
use crate::pipeline::stages::save::placed::place_all;
use crate::pipeline::stages::save::reservations::Reservations;
use crate::pipeline::stages::save::rule_book::RuleBook;
use crate::pipeline::stages::save::set_aside::set_worse_aside;
use crate::pipeline::stages::save::staging::StagedResult;
use crate::pipeline::stages::save::sync::sync_staged;
use crate::pipeline::write_failures::WriteFailures;
use crate::runtime::clock::sleep_until;
use crate::store::StoreError;
use crate::store::sqlite::queue::ReceivedJob;
use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Number of batches in flight. The files of one batch are written while those of another are synced.
const BATCHES: usize = 2;

/// The save stage and what it shares with others.
pub struct Save {
    /// Durable writes and events.
    pub journal: Arc<Journal>,
    /// Where and how output files are written.
    pub output: OutputConfig,
    /// Whether a hook runs for each finished job.
    pub has_hook: bool,
    /// Names and replacements.
    pub rules: Arc<RuleBook>,
    /// Recently received results.
    pub results: Arc<ResultCache>,
    /// Time for which output files could not be written.
    pub write_failures: Arc<WriteFailures>,
    /// Whether it was reported that a file system rejects the original names. Once per run is enough.
    pub name_rejected: AtomicBool,
}

/// Saves received results until the run stops and no writable result is left.
///
/// # Errors
/// If the database fails permanently.
pub async fn save_all(stage: Save) -> Result<(), StoreError> {
    remove_all_leftovers(&stage).await?;
    let reservations = Arc::new(Reservations::default());
    let mut batches = FuturesUnordered::new();
    let mut in_flight = HashSet::new();
    loop {
        if batches.len() < BATCHES {
            let received = next_batch(&stage, &in_flight).await?;
            if !received.is_empty() {
                in_flight.extend(received.iter().map(|result| result.recording_id));
                batches.push(save_batch(&stage, reservations.clone(), received));
                continue;
            }
            if batches.is_empty() && stage.journal.signals.stop.is_cancelled() {
                return Ok(());
            }
        }
        // The store still reports in-flight results as due, so it is asked only when none is in flight.
        let next_due = if batches.is_empty() {
            stage.results.clear();
            stage.journal.store.next_write().await?
        } else {
            None
        };
        tokio::select! {
            Some(saved) = batches.next() => {
                for recording in saved? {
                    in_flight.remove(&recording);
                }
                stage.journal.signals.progress.notify_one();
            }
            () = stage.journal.signals.wake_save.notified(), if batches.len() < BATCHES => {}
            () = stage.journal.signals.stop.cancelled(), if batches.is_empty() => {}
            () = sleep_until(&*stage.journal.clock, next_due.unwrap_or(Timestamp::MAX)) => {}
        }
    }
}

/// Removes the staging files that a crash left. They can only be in folders of results that are still to be written.
async fn remove_all_leftovers(stage: &Save) -> Result<(), StoreError> {
    let waiting = stage
        .journal
        .store
        .received(Timestamp::MAX, &HashSet::new(), usize::MAX)
        .await?;
    let folders: BTreeSet<_> = waiting
        .iter()
        .flat_map(|received| OutputFolders::of(&stage.output, &received.recording).into_all())
        .collect();
    for folder in folders {
        if let Err(error) = remove_staging_files(&folder) {
            tracing::warn!(error = %error, folder = ?folder, "failed to remove staging files left by a crash");
        }
    }
    Ok(())
}

/// Returns the next batch of results, excluding recordings already being saved. A second result of such a recording has
/// to wait, as it replaces the files of the first.
async fn next_batch(
    stage: &Save,
    in_flight: &HashSet<RecordingId>,
) -> Result<Vec<ReceivedJob>, StoreError> {
    let limit = max_results(stage.output.formats.len());
    let received = stage
        .journal
        .store
        .received(stage.journal.now(), in_flight, limit);
    let mut size = BatchSize::default();
    let received = received.await?.into_iter();
    Ok(received.take_while(|result| size.add(result)).collect())
}

/// Saves a batch. Returns its recordings.
async fn save_batch(
    stage: &Save,
    reservations: Arc<Reservations>,
    received: Vec<ReceivedJob>,
) -> Result<Vec<RecordingId>, StoreError> {
    let ids = received
        .iter()
        .map(|result| (result.job, result.recording_id));
    let (jobs, recordings): (HashSet<_>, Vec<_>) = ids.unzip();
    let received = set_worse_aside(&stage.journal, &stage.results, received).await?;
    let unsaved = stage.load(received).await?;
    let staged = sync_staged(stage.stage_all(unsaved, &reservations).await).await;
    stage.record_replacements(&staged).await?;
    let saved = place_all(staged, reservations.clone()).await;
    let written = saved.iter().any(|result| result.outcome.is_ok());
    let failed = saved.iter().any(|result| result.outcome.is_err());
    let recorded = saved.into_iter().map(|result| stage.record(result));
    for recorded in join_all(recorded).await {
        recorded?;
    }
    if written || failed {
        stage.write_failures.record(written, stage.journal.now());
    }
    reservations.release(&jobs);
    Ok(recordings)
}

impl Save {
    /// Records the files whose content is about to be replaced. Most batches replace none.
    async fn record_replacements(&self, staged: &[StagedResult]) -> Result<(), StoreError> {
        let replacements: Vec<_> = staged.iter().flat_map(StagedResult::replacements).collect();
        if replacements.is_empty() {
            return Ok(());
        }
        let journal = &self.journal;
        let record = || journal.store.record_replacing(replacements.clone());
        journal.retrying(record).await
    }
}
