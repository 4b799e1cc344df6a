//! The comparison of one source.

use super::Compare;
use crate::domain::{Hold, JobId, Location, PaidMark, RecordingHash, RecordingIdentity, SoundKey};
use crate::media::recording_hash;
use crate::pipeline::source_holds::judge;
use crate::policy::looks_paid::is_mass_change;
use crate::store::StoreError;
use crate::store::sqlite::queue::Candidate;
use crate::store::sqlite::source_holds::QueuedFile;
use futures_util::stream::{StreamExt, TryStreamExt, iter};
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;

/// Number of jobs that are fetched at once.
const PAGE: usize = 1000;
/// Number of jobs that are compared at the same time.
const CONCURRENT: usize = 8;

/// Hashes of recordings that were read and whose result was not found.
type Hashes = HashMap<JobId, RecordingHash>;

impl Compare {
    /// Compares a source, and lets its files be submitted again. After a crash, the next run compares it again.
    ///
    /// # Errors
    /// If the database fails permanently.
    pub(super) async fn compare(&self, source: String) -> Result<(), StoreError> {
        let hashes = self.import_all(&source).await?;
        self.mark_all(&source, &hashes).await?;
        if self.is_stopping() {
            return Ok(());
        }
        let news = |hold: &Hold| self.journal.messages.of_hold(hold);
        let judging = || judge(&self.journal.store, &source, self.journal.now(), news);
        self.journal.retrying(judging).await?;
        let refreshing = || self.source_holds.refresh(&self.journal);
        self.journal.retrying(refreshing).await?;
        self.reach.end_comparison(&source);
        self.journal.signals.wake_submit.notify_one();
        self.journal.signals.progress.notify_one();
        Ok(())
    }

    /// Imports the results of recordings whose content, model and options are those of a transcript.
    async fn import_all(&self, source: &str) -> Result<Hashes, StoreError> {
        let mut hashes = Hashes::new();
        let mut after = JobId(0);
        while let Some(page) = self.page(source, &mut after).await? {
            let imports = iter(page).map(|file| self.import(file.candidate));
            let found: Vec<_> = imports.buffer_unordered(CONCURRENT).try_collect().await?;
            hashes.extend(found.into_iter().flatten());
        }
        Ok(hashes)
    }

    /// Imports the result of a recording. Returns its hash if it was read and has none.
    async fn import(
        &self,
        candidate: Candidate,
    ) -> Result<Option<(JobId, RecordingHash)>, StoreError> {
        let (archive, recording) = (self.importer.archive(), &candidate.recording);
        let search = || archive.search_folder_of(&self.journal.store, recording);
        self.journal.retrying(search).await?;
        if !archive.may_contain(recording) {
            return Ok(None);
        }
        let Some(hash) = self
            .read(&candidate, |path| recording_hash::of_file(&path))
            .await
        else {
            return Ok(None);
        };
        let identity = RecordingIdentity {
            hash: Some(hash.clone()),
            sound_key: self.sound_key(&candidate).await,
        };
        let is_imported = self.importer.import(&candidate, &identity).await?;
        Ok((!is_imported).then_some((candidate.job.id, hash)))
    }

    /// Marks the recordings that look paid for.
    async fn mark_all(&self, source: &str, hashes: &Hashes) -> Result<(), StoreError> {
        let store = &self.journal.store;
        let possible = self.journal.retrying(|| store.possible_changes(source));
        let possible = possible.await?;
        let is_mass_change = is_mass_change(possible.changed, possible.known);
        let mut after = JobId(0);
        while let Some(page) = self.page(source, &mut after).await? {
            let marks = iter(page).map(|file| self.mark(file, hashes, is_mass_change));
            let marks: Vec<_> = marks.buffer_unordered(CONCURRENT).try_collect().await?;
            let marks: Vec<_> = marks.into_iter().flatten().collect();
            // A stop ends hashing early, and a file that was not hashed proves nothing.
            if !marks.is_empty() && !self.is_stopping() {
                let marking = || store.mark_paid(marks.clone());
                self.journal.retrying(marking).await?;
            }
        }
        Ok(())
    }

    /// Returns the mark of a job if it differs from the stored one.
    async fn mark(
        &self,
        file: QueuedFile,
        hashes: &Hashes,
        is_mass_change: bool,
    ) -> Result<Option<(JobId, Option<PaidMark>)>, StoreError> {
        let QueuedFile {
            candidate,
            was_paid,
        } = file;
        let (job, hash) = (&candidate.job, hashes.get(&candidate.job.id).cloned());
        let archive = self.importer.archive();
        let evidence = archive.evidence(&candidate.recording, &job.request, hash.as_ref());
        let is_changed = was_paid && is_mass_change;
        let mark = evidence.await.or(is_changed.then_some(PaidMark::Changed));
        if mark == candidate.paid_mark {
            return Ok(None);
        }
        if mark.is_some() && self.settle(&candidate, hash).await? {
            return Ok(None);
        }
        Ok(Some((job.id, mark)))
    }

    /// Lets the job take an earlier result of the same content or sound. Returns whether there is one, or one in flight.
    async fn settle(
        &self,
        candidate: &Candidate,
        hash: Option<RecordingHash>,
    ) -> Result<bool, StoreError> {
        let sound_key = self.sound_key(candidate).await;
        let store = &self.journal.store;
        let query = || store.may_have_duplicate(candidate, sound_key.as_ref());
        let hash = match hash {
            None if self.journal.retrying(query).await? => {
                self.read(candidate, |path| recording_hash::of_file(&path))
                    .await
            }
            known => known,
        };
        let identity = RecordingIdentity { hash, sound_key };
        self.journal.settle_duplicate(candidate, &identity).await
    }

    async fn sound_key(&self, candidate: &Candidate) -> Option<SoundKey> {
        let key = self.read(candidate, |path| recording_hash::key_of_file(&path));
        key.await.flatten()
    }

    /// Returns the next page of queued files that are not approved. Returns `None` at the end, and if the run stops.
    async fn page(
        &self,
        source: &str,
        after: &mut JobId,
    ) -> Result<Option<Vec<QueuedFile>>, StoreError> {
        if self.is_stopping() {
            return Ok(None);
        }
        let (store, start) = (&self.journal.store, *after);
        let query = || store.queued_files(source, start, PAGE);
        let mut page = self.journal.retrying(query).await?;
        let Some(last) = page.last() else {
            return Ok(None);
        };
        *after = last.candidate.job.id;
        page.retain(|file| file.candidate.paid_mark != Some(PaidMark::Approved));
        Ok(Some(page))
    }

    /// Reads a file. Returns `None` if it cannot be read, which its submission reports, or if the run stops.
    async fn read<T: Send + 'static>(
        &self,
        candidate: &Candidate,
        read: impl FnOnce(PathBuf) -> io::Result<T> + Send + 'static,
    ) -> Option<T> {
        let Location::File(path) = candidate.recording.location.clone() else {
            return None;
        };
        let _slot = self.hash_slots.acquire().await.ok()?;
        if self.is_stopping() {
            return None;
        }
        let reading = tokio::task::spawn_blocking(move || read(path).ok());
        reading.await.ok().flatten()
    }

    fn is_stopping(&self) -> bool {
        self.journal.signals.stop.is_cancelled()
    }
}
