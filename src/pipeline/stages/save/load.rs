//! Loading of results, with the records and rules of their recordings.

use super::Save;
use super::rendering::damaged_result;
use crate::domain::rendering::RenderRules;
use crate::domain::{Failure, RecordingId};
use crate::provider::Completed;
use crate::runtime::blocking::{IO_THREADS, map_blocking};
use crate::store::StoreError;
use crate::store::sqlite::outputs::FileRecords;
use crate::store::sqlite::queue::ReceivedJob;
use crate::store::sqlite::results::CompressedResult;
use std::collections::HashMap;

/// A result loaded for saving.
pub(super) struct UnsavedResult {
    pub(super) received: ReceivedJob,
    pub(super) result: LoadedResult,
    /// Records of the files written for its recording before.
    pub(super) records: FileRecords,
    /// Names and replacements for its transcripts.
    pub(super) rules: RenderRules,
}

/// A result, from the cache of recent results or from the database.
pub(super) enum LoadedResult {
    Cached(Completed),
    Packed(CompressedResult),
}

impl LoadedResult {
    /// Returns the result, decompressed.
    pub(super) fn parse(self) -> Result<Completed, Failure> {
        match self {
            Self::Cached(completed) => Ok(completed),
            Self::Packed(packed) => {
                Completed::from_stored(packed.into_packed()).map_err(|_| damaged_result())
            }
        }
    }
}

impl Save {
    /// Loads the results and the recorded files of their recordings.
    pub(super) async fn load(
        &self,
        received: Vec<ReceivedJob>,
    ) -> Result<Vec<UnsavedResult>, StoreError> {
        let recordings: Vec<_> = received.iter().map(|result| result.recording_id).collect();
        let mut outputs = self.journal.store.outputs_of(&recordings).await?;
        let mut rules = self.rules_for(&received).await?;
        let from_cache = |result: &ReceivedJob| self.results.take(result.job, result.received_at);
        let cached: Vec<_> = received.iter().map(from_cache).collect();
        let missing = received
            .iter()
            .zip(&cached)
            .filter(|(_, cached)| cached.is_none());
        let missing: Vec<_> = missing.map(|(result, _)| result.job).collect();
        let mut packed = self.journal.store.results(&missing).await?;
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
        &self,
        received: &[ReceivedJob],
    ) -> Result<HashMap<RecordingId, RenderRules>, StoreError> {
        let ids: Vec<_> = received.iter().map(|result| result.recording_id).collect();
        let mut names = self.journal.store.speaker_names(&ids).await?;
        let recordings = received.iter().map(|result| {
            let id = result.recording_id;
            (id, result.recording.clone(), names.remove(&id))
        });
        let recordings: Vec<_> = recordings.collect();
        let book = self.rules.clone();
        let rules = map_blocking(IO_THREADS, recordings, move |(id, recording, names)| {
            (id, book.find(&recording, names).readable())
        });
        Ok(rules.await.into_iter().collect())
    }
}
