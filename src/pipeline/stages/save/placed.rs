//! Results whose files have their final names.

use super::names::write_failure;
use super::rendering::Findings;
use super::reservations::Reservations;
use super::staging::{PlacedFiles, StagedResult};
use crate::domain::{ErrorClass, Failure};
use crate::output::write::{parent_folder, sync_folder};
use crate::runtime::blocking::{CPU_THREADS, IO_THREADS, map_blocking};
use crate::store::sqlite::queue::ReceivedJob;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

/// A result whose files have their final names, or the failure.
pub(crate) struct SavedResult {
    pub(crate) received: ReceivedJob,
    pub(crate) outcome: Result<SavedFiles, Failure>,
}

/// Files of a result, and what is reported about its transcript.
pub(crate) struct SavedFiles {
    pub(crate) placed: PlacedFiles,
    pub(crate) findings: Findings,
}

impl SavedResult {
    fn folders(&self) -> impl Iterator<Item = PathBuf> + '_ {
        let written = self.outcome.iter().flat_map(|files| &files.placed.written);
        written.map(|file| parent_folder(&file.path).to_owned())
    }

    /// Marks the result as failed unless all of its folders are synced.
    fn require_synced(&mut self, synced: &BTreeMap<PathBuf, Result<(), Failure>>) {
        let failure = self.folders().find_map(|folder| match synced.get(&folder) {
            Some(synced) => synced.clone().err(),
            None => Some(internal_failure()),
        });
        if let Some(failure) = failure {
            self.outcome = Err(failure);
        }
    }
}

/// Renames synced staging files to their final names, and syncs each folder once.
pub(crate) async fn place_all(
    staged: Vec<StagedResult>,
    reservations: Arc<Reservations>,
) -> Vec<SavedResult> {
    let rename = move |result| place(result, &reservations);
    let mut saved = map_blocking(CPU_THREADS, staged, rename).await;
    let folders: BTreeSet<_> = saved.iter().flat_map(SavedResult::folders).collect();
    let synced = map_blocking(IO_THREADS, folders, |folder| {
        let synced = sync_folder(&folder).map_err(|error| write_failure(&error));
        (folder, synced)
    });
    let synced = synced.await.into_iter().collect();
    for result in &mut saved {
        result.require_synced(&synced);
    }
    saved
}

/// Renames the staging files of one result to their final names. Blocks.
fn place(result: StagedResult, reservations: &Reservations) -> SavedResult {
    let StagedResult { received, outcome } = result;
    let outcome = catch_panic(|| {
        let (staging, findings) = outcome?;
        let placed = staging.commit(|paths| reservations.reserve(received.job, paths))?;
        Ok(SavedFiles { placed, findings })
    });
    SavedResult { received, outcome }
}

/// Runs `work` and turns a panic into a failure, so that it affects only one result.
pub(crate) fn catch_panic<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(internal_failure()))
}

pub(crate) fn internal_failure() -> Failure {
    Failure::new(ErrorClass::Output, "writing failed with an internal error")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::search::entry::SearchEntry;
    use crate::domain::{JobId, WrittenFile};
    use std::iter::empty;

    #[test]
    fn a_result_in_an_unsynced_folder_has_failed() {
        let failure = Failure::new(ErrorClass::Output, "cannot write `/b`");
        let synced = [
            (PathBuf::from("/a"), Ok(())),
            (PathBuf::from("/b"), Err(failure.clone())),
        ];
        let failure_of = |path: &str| {
            let written = WrittenFile {
                path: path.into(),
                size_bytes: 1,
                sha256: [0; 32],
                changed_at_ns: None,
            };
            let kept = Vec::new();
            let mut saved = SavedResult {
                received: ReceivedJob::for_job(1),
                outcome: Ok(SavedFiles {
                    placed: PlacedFiles {
                        written: vec![written],
                        kept,
                        rejected: None,
                    },
                    findings: Findings {
                        silent: true,
                        warnings: Vec::new(),
                        entry: Arc::new(SearchEntry::new(JobId(1), empty(), empty(), None)),
                    },
                }),
            };
            saved.require_synced(&synced.clone().into());
            saved.outcome.err()
        };
        assert_eq!(failure_of("/a/x.txt"), None);
        assert_eq!(failure_of("/b/x.txt"), Some(failure));
        assert_eq!(failure_of("/never/x.txt"), Some(internal_failure()));
    }
}
