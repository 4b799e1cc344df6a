//! Writes results, which are already durable in the database, to files.
//!
//! Results are saved in batches, two at a time. The staging files of a batch are written under hidden names, synced and
//! renamed to their final names. Each folder is then synced once, and all jobs are marked `done` in one commit. A job
//! is therefore `done` only after its files are complete and durable. A job whose files cannot be written stays
//! `received` and is retried.

pub(crate) mod batch;
pub mod names;
pub(crate) mod placed;
pub(crate) mod reservations;
pub mod rule_book;
pub(crate) mod set_aside;
pub mod staging;
pub(crate) mod sync;

use crate::config::OutputConfig;
use crate::domain::rendering::RenderRules;
use crate::domain::{Failure, RecordingId, Timestamp};
use crate::output::staging_file::remove_staging_files;
use crate::pipeline::event::RunEvent;
use crate::pipeline::journal::Journal;
use crate::pipeline::result_cache::ResultCache;
use crate::pipeline::stages::save::batch::{BatchSize, is_large, max_results};
use crate::pipeline::stages::save::names::OnEdited;
use crate::pipeline::stages::save::placed::{SavedFiles, SavedResult, catch_panic, place_all};
use crate::pipeline::stages::save::reservations::Reservations;
use crate::pipeline::stages::save::rule_book::RuleBook;
use crate::pipeline::stages::save::set_aside::set_worse_aside;
use crate::pipeline::stages::save::staging::{
    Findings, OutputFolders, PlacedFiles, RenderedFiles, StagedFiles, StagedResult, damaged_result,
    render_files,
};
use crate::pipeline::stages::save::sync::sync_staged;
use crate::pipeline::write_failures::WriteFailures;
use crate::provider::Completed;
use crate::runtime::blocking::{CPU_THREADS, IO_THREADS, map_blocking};
use crate::runtime::clock::sleep_until;
use crate::runtime::large_jobs;
use crate::store::StoreError;
use crate::store::sqlite::outputs::FileRecords;
use crate::store::sqlite::queue::ReceivedJob;
use crate::store::sqlite::results::CompressedResult;
use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Number of batches in flight. The files of one batch are written while those of another are synced.
const BATCHES: usize = 2;
/// Shortest back-off after a failed write. The back-off equals the time for which writing has failed so far, within
/// these bounds.
const RETRY_MIN: Duration = Duration::from_secs(1);
/// Longest back-off after a failed write.
const RETRY_MAX: Duration = Duration::from_secs(60);

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

/// A result, from the cache of recent results or from the database.
enum LoadedResult {
    Cached(Completed),
    Packed(CompressedResult),
}

impl LoadedResult {
    fn parse(self) -> Result<Completed, Failure> {
        match self {
            Self::Cached(completed) => Ok(completed),
            Self::Packed(packed) => {
                Completed::from_stored(packed.into_packed()).map_err(|_| damaged_result())
            }
        }
    }
}

/// A result loaded for saving.
struct UnsavedResult {
    received: ReceivedJob,
    result: LoadedResult,
    /// Records of the files written for its recording before.
    records: FileRecords,
    /// Names and replacements for its transcripts.
    rules: RenderRules,
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
    let unsaved = load(stage, received).await?;
    let staged = sync_staged(stage_all(stage, unsaved, &reservations).await).await;
    record_replacements(stage, &staged).await?;
    let saved = place_all(staged, reservations.clone()).await;
    let (mut written, mut failed) = (false, false);
    for result in &saved {
        *(if result.outcome.is_ok() {
            &mut written
        } else {
            &mut failed
        }) = true;
    }
    let recorded = saved.into_iter().map(|result| record(stage, result));
    for recorded in join_all(recorded).await {
        recorded?;
    }
    if written || failed {
        stage.write_failures.record(written, stage.journal.now());
    }
    reservations.release(&jobs);
    Ok(recordings)
}

/// Records the files whose content is about to be replaced. Most batches replace none.
async fn record_replacements(stage: &Save, staged: &[StagedResult]) -> Result<(), StoreError> {
    let replacements: Vec<_> = staged.iter().flat_map(StagedResult::replacements).collect();
    if replacements.is_empty() {
        return Ok(());
    }
    let journal = &stage.journal;
    let record = || journal.store.record_replacing(replacements.clone());
    journal.retrying(record).await
}

/// Renders the results and writes their staging files.
async fn stage_all(
    stage: &Save,
    unsaved: Vec<UnsavedResult>,
    reservations: &Arc<Reservations>,
) -> Vec<StagedResult> {
    let (output, reservations) = (Arc::new(stage.output.clone()), reservations.clone());
    match &unsaved[..] {
        // The thread for large jobs only renders. A write to a hung disk would block it for all other jobs.
        [result] if is_large(&result.received) => {
            let rendered = unsaved.into_iter().map(move |result| {
                let output = output.clone();
                large_jobs::run(move || render(result, &output))
            });
            let rendered = join_all(rendered).await.into_iter().flatten();
            map_blocking(CPU_THREADS, rendered, move |result| {
                write_staging_files(result, &reservations)
            })
            .await
        }
        _ => {
            let stage = move |result| write_staging_files(render(result, &output), &reservations);
            map_blocking(CPU_THREADS, unsaved, stage).await
        }
    }
}

/// Loads the results and the recorded files of their recordings.
async fn load(stage: &Save, received: Vec<ReceivedJob>) -> Result<Vec<UnsavedResult>, StoreError> {
    let recordings: Vec<_> = received.iter().map(|result| result.recording_id).collect();
    let mut outputs = stage.journal.store.outputs_of(&recordings).await?;
    let mut rules = rules_for(stage, &received).await?;
    let from_cache = |result: &ReceivedJob| stage.results.take(result.job, result.received_at);
    let cached: Vec<_> = received.iter().map(from_cache).collect();
    let missing = received
        .iter()
        .zip(&cached)
        .filter(|(_, cached)| cached.is_none());
    let missing: Vec<_> = missing.map(|(result, _)| result.job).collect();
    let mut packed = stage.journal.store.results(&missing).await?;
    let unsaved = received
        .into_iter()
        .zip(cached)
        .filter_map(|(received, cached)| {
            Some(UnsavedResult {
                result: match cached {
                    Some(completed) => LoadedResult::Cached(completed),
                    None => LoadedResult::Packed(packed.remove(&received.job)?),
                },
                records: outputs.remove(&received.recording_id).unwrap_or_default(),
                rules: rules.remove(&received.recording_id).unwrap_or_default(),
                received,
            })
        });
    Ok(unsaved.collect())
}

/// Returns the names and replacements for each recording. Those that cannot be read are omitted: they do not hold back a paid
/// result.
async fn rules_for(
    stage: &Save,
    received: &[ReceivedJob],
) -> Result<HashMap<RecordingId, RenderRules>, StoreError> {
    let ids: Vec<_> = received.iter().map(|result| result.recording_id).collect();
    let mut names = stage.journal.store.speaker_names(&ids).await?;
    let recordings = received.iter().map(|result| {
        let id = result.recording_id;
        (id, result.recording.clone(), names.remove(&id))
    });
    let recordings: Vec<_> = recordings.collect();
    let book = stage.rules.clone();
    let rules = map_blocking(IO_THREADS, recordings, move |(id, recording, names)| {
        (id, book.find(&recording, names).readable())
    });
    Ok(rules.await.into_iter().collect())
}

/// A result with the content of its files, or the failure.
struct RenderedResult {
    received: ReceivedJob,
    records: FileRecords,
    folders: OutputFolders,
    rendered: Result<RenderedFiles, Failure>,
}

fn render(unsaved: UnsavedResult, output: &OutputConfig) -> RenderedResult {
    let UnsavedResult {
        received,
        result,
        records,
        rules,
    } = unsaved;
    let folders = OutputFolders::of(output, &received.recording);
    let rendered = catch_panic(|| {
        render_files(
            &received,
            result.parse()?,
            &folders.preferred,
            output,
            &output.formats,
            &rules,
        )
    });
    RenderedResult {
        received,
        records,
        folders,
        rendered,
    }
}

/// Writes the staging files of one result. Blocks.
fn write_staging_files(result: RenderedResult, reservations: &Reservations) -> StagedResult {
    let RenderedResult {
        received,
        records,
        folders,
        rendered,
    } = result;
    let outcome = catch_panic(|| {
        let rendered = rendered?;
        let findings = rendered.findings.clone();
        let reserve = |paths: &[PathBuf]| reservations.reserve(received.job, paths);
        let staging = StagedFiles::stage(
            &received,
            records,
            &folders,
            rendered,
            OnEdited::Keep,
            reserve,
        )?;
        Ok((staging, findings))
    });
    StagedResult { received, outcome }
}

/// Records the outcome of a result in the database and reports it to the observer.
async fn record(stage: &Save, saved: SavedResult) -> Result<(), StoreError> {
    let (job, name) = (saved.received.job, saved.received.recording.relative);
    let store = &stage.journal.store;
    match saved.outcome {
        Ok(SavedFiles {
            placed:
                PlacedFiles {
                    written,
                    kept,
                    rejected,
                },
            findings:
                Findings {
                    silent,
                    warnings,
                    entry,
                },
        }) => {
            if !warnings.is_empty() {
                let warn = || store.record_warnings(job, warnings.clone());
                stage.journal.record(job, warn).await?;
            }
            let hook = stage.has_hook;
            let now = stage.journal.now();
            let done = || store.finish_job(job, written.clone(), entry.clone(), hook, now);
            if stage.journal.record(job, done).await?.is_some() {
                stage.journal.signals.wake_hooks.notify_one();
                if let Some(rejected) = rejected
                    && !stage.name_rejected.swap(true, Ordering::Relaxed)
                {
                    let written = written.first().map(|file| file.path.clone());
                    let written = written.unwrap_or_default();
                    stage
                        .journal
                        .emit(&RunEvent::NameRejected { rejected, written });
                }
                for file in kept {
                    let name = name.clone();
                    stage.journal.emit(&RunEvent::EditKept { job, name, file });
                }
                stage.journal.emit(&RunEvent::Done {
                    job,
                    name: name.clone(),
                    outputs: written.into_iter().map(|file| file.path).collect(),
                    silent,
                });
                if !warnings.is_empty() {
                    let warned = RunEvent::Warned {
                        job,
                        name,
                        warnings,
                    };
                    stage.journal.emit(&warned);
                }
            }
        }
        Err(failure) => {
            let now = stage.journal.now();
            let wait = stage.write_failures.failing_for(now);
            let due = now.after(wait.clamp(RETRY_MIN, RETRY_MAX));
            let postpone = || store.postpone_write(job, failure.clone(), due, now);
            stage.journal.record(job, postpone).await?;
            stage.journal.emit(&RunEvent::OutputFailed {
                job,
                name,
                failure,
                due,
            });
        }
    }
    Ok(())
}
