//! Result → files. The result is safe in the database already; `done` is said only of files that are on disk, whole
//! and synced. What cannot be written stays received and is tried again.
//!
//! Results are saved in rounds, two at once: the files of a round are written under hidden names and synced, get their
//! own names, each folder is synced once for all of them, and all are marked done together, in one commit.

use super::clock::sleep_until;
use super::context::Context;
use super::event::Event;
use super::flush::flush;
use super::place::{Placing, Rendered, folder, not_written, rendered};
use super::reserved::Reserved;
use super::threads::{WAITING, WORKING, in_threads};
use crate::api::Completed;
use crate::config::Output;
use crate::domain::{ErrorClass, Failure, RecordingId, Timestamp};
use crate::heavy;
use crate::output::leftover::remove_leftovers;
use crate::output::write::{Staged, folder_of, sync_folder};
use crate::store::StoreError;
use crate::store::progress::WrittenFile;
use crate::store::queue::Received;
use crate::store::results::Packed;
use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Rounds at once: while the files of one are synced, those of the next are written.
const ROUNDS: usize = 2;
/// Files of one round, at most: all of them are open at once, and a process may open a thousand in all.
const ROUND_FILES: usize = 128;
/// Bytes of the results of one round as they are stored, which bounds the memory they take: a hundred times as much. A
/// larger one, of more than an hour of speech, is alone in its round.
const ROUND_BYTES: u64 = 1 << 17;
/// Between two tries of a folder that cannot be written: as long as it could not be so far, within these bounds.
const WRITE_AGAIN_LEAST: Duration = Duration::from_secs(1);
const WRITE_AGAIN_MOST: Duration = Duration::from_secs(60);

/// Writes what was received until the run stops and nothing is left that can be written.
///
/// # Errors
/// If the database fails for good.
pub async fn save_all(context: Arc<Context>) -> Result<(), StoreError> {
    tidy(&context).await?;
    let names = Arc::new(Reserved::default());
    let mut rounds = FuturesUnordered::new();
    let mut in_hand = HashSet::new();
    loop {
        if rounds.len() < ROUNDS {
            let received = next_round(&context, &in_hand).await?;
            if !received.is_empty() {
                in_hand.extend(received.iter().map(|one| one.recording));
                rounds.push(save_round(&context, names.clone(), received));
                continue;
            }
            if rounds.is_empty() && context.stop.is_cancelled() {
                return Ok(());
            }
        }
        // What is in hand is due still, and no reason to look again.
        let again = if rounds.is_empty() {
            context.fresh.clear();
            context.store.next_writing().await?
        } else {
            None
        };
        tokio::select! {
            Some(saved) = rounds.next() => {
                for recording in saved? {
                    in_hand.remove(&recording);
                }
                context.progress.notify_one();
            }
            () = context.to_save.notified(), if rounds.len() < ROUNDS => {}
            () = context.stop.cancelled(), if rounds.is_empty() => {}
            () = sleep_until(&*context.clock, again.unwrap_or(Timestamp::MAX)) => {}
        }
    }
}

/// What is to be written next, beside the recordings in hand: neither what is written already, nor another result of the
/// same recording, which replaces the files of the first.
async fn next_round(
    context: &Context,
    in_hand: &HashSet<RecordingId>,
) -> Result<Vec<Received>, StoreError> {
    let formats = context.config.output.formats.len().max(1);
    let most = (ROUND_FILES / formats).max(1);
    let received = context.store.received(context.now(), in_hand, most);
    Ok(one_round(received.await?))
}

/// Removes the halves of files that a crash left: they can only be where a result is still to be written.
async fn tidy(context: &Context) -> Result<(), StoreError> {
    let waiting = context
        .store
        .received(Timestamp::MAX, &HashSet::new(), usize::MAX)
        .await?;
    let folders: BTreeSet<_> = waiting
        .iter()
        .map(|received| folder(&context.config.output, received))
        .collect();
    for folder in folders {
        if let Err(error) = remove_leftovers(&folder) {
            tracing::warn!(error = %error, folder = ?folder, "what a crash left could not be removed");
        }
    }
    Ok(())
}

/// As many of the first as are not too large together; the first in any case.
fn one_round(mut received: Vec<Received>) -> Vec<Received> {
    let mut bytes = 0;
    let fitting = received.iter().take_while(|one| {
        bytes += one.packed_bytes;
        bytes <= ROUND_BYTES
    });
    let fitting = fitting.count().max(1);
    received.truncate(fitting);
    received
}

/// A result as it was read when it came, or as the database has it.
enum Stored {
    Read(Completed),
    Packed(Packed),
}

impl Stored {
    fn read(self) -> Result<Completed, StoreError> {
        match self {
            Self::Read(completed) => Ok(completed),
            Self::Packed(packed) => packed.unpack().map(Completed::from_raw),
        }
    }
}

/// A result on its way to its files.
struct Unsaved {
    received: Received,
    result: Stored,
    /// What was written for its recording before.
    ours: HashSet<PathBuf>,
}

/// Its files are written under hidden names.
pub(super) struct Begun {
    received: Received,
    /// And whether nothing was said in it.
    outcome: Result<(Placing, bool), Failure>,
}

impl Begun {
    /// What must be synced before its files get their names.
    pub(super) fn unsynced(&self) -> impl Iterator<Item = &Staged> {
        self.outcome
            .iter()
            .flat_map(|(placing, _)| placing.unsynced())
    }

    /// It has failed if `then` fails.
    pub(super) fn and(mut self, then: impl FnOnce(&Placing) -> Result<(), Failure>) -> Self {
        self.outcome = self.outcome.and_then(|(placing, silent)| {
            then(&placing)?;
            Ok((placing, silent))
        });
        self
    }
}

/// What became of it.
struct Saved {
    received: Received,
    outcome: Result<Files, Failure>,
}

struct Files {
    written: Vec<WrittenFile>,
    silent: bool,
}

impl Saved {
    fn folders(&self) -> impl Iterator<Item = PathBuf> + '_ {
        let written = self.outcome.iter().flat_map(|files| &files.written);
        written.map(|file| folder_of(&file.path).to_owned())
    }

    /// Only files in folders that are synced are written.
    fn settle(&mut self, synced: &BTreeMap<PathBuf, Result<(), Failure>>) {
        let failure = self.folders().find_map(|folder| match synced.get(&folder) {
            Some(synced) => synced.clone().err(),
            None => Some(failed_inside()),
        });
        if let Some(failure) = failure {
            self.outcome = Err(failure);
        }
    }
}

/// Writes the files of a round. Says of which recordings they were.
async fn save_round(
    context: &Context,
    names: Arc<Reserved>,
    received: Vec<Received>,
) -> Result<Vec<RecordingId>, StoreError> {
    let round = received.iter().map(|one| (one.job, one.recording));
    let (jobs, recordings): (HashSet<_>, Vec<_>) = round.unzip();
    let unsaved = unsaved(context, received).await?;
    let begun = flush(begun(context, unsaved, &names).await?).await;
    let reserved = names.clone();
    let mut saved = in_threads(WORKING, begun, move |one| ended(one, &reserved)).await;
    let folders: BTreeSet<_> = saved.iter().flat_map(Saved::folders).collect();
    let synced = in_threads(WAITING, folders, |folder| {
        let synced = sync_folder(&folder).map_err(|error| not_written(&error));
        (folder, synced)
    });
    let synced = synced.await.into_iter().collect();
    let (mut written, mut failed) = (false, false);
    for one in &mut saved {
        one.settle(&synced);
        *(if one.outcome.is_ok() {
            &mut written
        } else {
            &mut failed
        }) = true;
    }
    for noted in join_all(saved.into_iter().map(|one| note(context, one))).await {
        noted?;
    }
    if written || failed {
        context.tally.tried_to_write(written, context.now());
    }
    names.release(&jobs);
    Ok(recordings)
}

/// Renders the results, and writes them under hidden names.
async fn begun(
    context: &Context,
    unsaved: Vec<Unsaved>,
    names: &Arc<Reserved>,
) -> Result<Vec<Begun>, StoreError> {
    let (output, names) = (Arc::new(context.config.output.clone()), names.clone());
    let begun = match &unsaved[..] {
        // Apart only up to the bytes of its files: the disk may keep its thread for ever.
        [one] if one.received.packed_bytes > ROUND_BYTES => {
            let unplaced = unsaved.into_iter().map(move |one| {
                let output = output.clone();
                heavy::in_turn(move || unplaced(one, &output))
            });
            let unplaced = join_all(unplaced).await.into_iter().flatten();
            in_threads(WORKING, unplaced, move |one| Ok(begin(one?, &names))).await
        }
        _ => {
            let begin = move |one| Ok(begin(unplaced(one, &output)?, &names));
            in_threads(WORKING, unsaved, begin).await
        }
    };
    begun.into_iter().collect()
}

/// Fetches what the files are made of.
async fn unsaved(context: &Context, received: Vec<Received>) -> Result<Vec<Unsaved>, StoreError> {
    let recordings: Vec<_> = received.iter().map(|one| one.recording).collect();
    let mut outputs = context.store.outputs_of(&recordings).await?;
    let fresh = |one: &Received| context.fresh.take(one.job, one.received_at);
    let read: Vec<_> = received.iter().map(fresh).collect();
    let unread = received
        .iter()
        .zip(&read)
        .filter(|(_, read)| read.is_none());
    let unread: Vec<_> = unread.map(|(one, _)| one.job).collect();
    let mut packed = context.store.results(&unread).await?;
    let unsaved = received
        .into_iter()
        .zip(read)
        .filter_map(|(received, read)| {
            Some(Unsaved {
                result: match read {
                    Some(completed) => Stored::Read(completed),
                    None => Stored::Packed(packed.remove(&received.job)?),
                },
                ours: outputs.remove(&received.recording).unwrap_or_default(),
                received,
            })
        });
    Ok(unsaved.collect())
}

/// A result whose files are ready to be put in their places.
struct Unplaced {
    received: Received,
    ours: HashSet<PathBuf>,
    folder: PathBuf,
    rendered: Result<Rendered, Failure>,
}

fn unplaced(unsaved: Unsaved, output: &Output) -> Result<Unplaced, StoreError> {
    let Unsaved {
        received,
        result,
        ours,
    } = unsaved;
    let completed = result.read()?;
    let folder = folder(output, &received);
    let rendered = guarded(|| {
        Ok(rendered(
            &received,
            &completed,
            &folder,
            &output.name,
            &output.formats,
        ))
    });
    Ok(Unplaced {
        received,
        ours,
        folder,
        rendered,
    })
}

/// Writes the files of one result under hidden names. Blocks.
fn begin(unplaced: Unplaced, names: &Reserved) -> Begun {
    let Unplaced {
        received,
        ours,
        folder,
        rendered,
    } = unplaced;
    let outcome = guarded(|| {
        let rendered = rendered?;
        let silent = rendered.silent;
        let reserve = |paths: &[PathBuf]| names.reserve(received.job, paths);
        let placing = Placing::begin(&received, ours, folder, rendered, reserve)?;
        Ok((placing, silent))
    });
    Begun { received, outcome }
}

/// Gives the files of one result their names. Blocks.
fn ended(begun: Begun, names: &Reserved) -> Saved {
    let Begun { received, outcome } = begun;
    let outcome = guarded(|| {
        let (placing, silent) = outcome?;
        let written = placing.end(|paths| names.reserve(received.job, paths))?;
        Ok(Files { written, silent })
    });
    Saved { received, outcome }
}

/// A panic is the affair of its result alone.
fn guarded<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(failed_inside()))
}

fn failed_inside() -> Failure {
    Failure::new(ErrorClass::Output, "writing failed inside")
}

/// Says in the database, and to whoever shows the run, what became of a result.
async fn note(context: &Context, saved: Saved) -> Result<(), StoreError> {
    let (job, name) = (saved.received.job, saved.received.relative);
    let store = &context.store;
    match saved.outcome {
        Ok(Files { written, silent }) => {
            let hook = context.config.hooks.on_done.is_some();
            let done = || store.written(job, written.clone(), hook, context.now());
            if context.persist(job, done).await?.is_some() {
                context.beside.to_hook.notify_one();
                context.notice(&Event::Done {
                    job,
                    name,
                    outputs: written.into_iter().map(|file| file.path).collect(),
                    silent,
                });
            }
        }
        Err(failure) => {
            let now = context.now();
            let wait = context.tally.unwritable_for(now);
            let due = now.after(wait.clamp(WRITE_AGAIN_LEAST, WRITE_AGAIN_MOST));
            let put_off = || store.not_written(job, failure.clone(), due, now);
            context.persist(job, put_off).await?;
            context.notice(&Event::NotWritten {
                job,
                name,
                failure,
                due,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(sizes: &[u64]) -> Vec<Received> {
        let result = |(job, &packed_bytes)| Received {
            packed_bytes,
            ..Received::of_job(job)
        };
        (0..).zip(sizes).map(result).collect()
    }

    fn fitting(sizes: &[u64]) -> usize {
        one_round(results(sizes)).len()
    }

    #[test]
    fn a_round_takes_what_fits_and_a_large_result_alone() {
        assert_eq!(fitting(&[1, ROUND_BYTES - 1, 1]), 2);
        assert_eq!(fitting(&[ROUND_BYTES + 1, 1]), 1);
        assert_eq!(fitting(&[1, ROUND_BYTES, 1]), 1);
        assert_eq!(fitting(&[1; 100]), 100);
    }

    #[test]
    fn only_files_in_folders_that_are_synced_are_written() {
        let failure = Failure::new(ErrorClass::Output, "cannot write `/b`");
        let synced = [
            (PathBuf::from("/a"), Ok(())),
            (PathBuf::from("/b"), Err(failure.clone())),
        ];
        let settled = |path: &str| {
            let written = WrittenFile {
                path: path.into(),
                size_bytes: 1,
            };
            let mut saved = Saved {
                received: results(&[1]).remove(0),
                outcome: Ok(Files {
                    written: vec![written],
                    silent: false,
                }),
            };
            saved.settle(&synced.clone().into());
            saved.outcome.err()
        };
        assert_eq!(settled("/a/x.txt"), None);
        assert_eq!(settled("/b/x.txt"), Some(failure));
        assert_eq!(settled("/never/x.txt"), Some(failed_inside()));
    }
}
