//! Transcripts read from stored results, as their files show them.

use super::stages::save::rule_book::{FoundRules, RuleBook};
use crate::domain::rendering::RenderRules;
use crate::domain::speaker_names::SpeakerNames;
use crate::domain::{JobId, Language, Transcript};
use crate::output::render::correct;
use crate::provider::Completed;
use crate::store::sqlite::queue::ReceivedJob;
use crate::store::sqlite::results::CompressedResult;
use crate::store::{Store, StoreError};
use std::io;

/// A stored result, not yet decompressed, with the names given to its speakers.
pub struct StoredTranscript {
    /// The job of the result.
    pub received: ReceivedJob,
    result: CompressedResult,
    names: Option<SpeakerNames>,
}

/// A transcript with names and replacements.
pub struct CorrectedTranscript {
    /// The job of the transcript.
    pub received: ReceivedJob,
    /// The transcript.
    pub transcript: Transcript,
    /// Detected or requested language.
    pub language: Option<Language>,
}

impl StoredTranscript {
    /// Loads the results of these jobs, in the order of the jobs. Jobs without a result are left out.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn load(store: &Store, jobs: &[JobId]) -> Result<Vec<Self>, StoreError> {
        let mut received = store.with_results(jobs).await?;
        let mut results = store.results(jobs).await?;
        let recordings: Vec<_> = received.values().map(|one| one.recording_id).collect();
        let names = store.speaker_names(&recordings).await?;
        let stored = jobs.iter().filter_map(|job| {
            let received = received.remove(job)?;
            Some(Self {
                result: results.remove(job)?,
                names: names.get(&received.recording_id).cloned(),
                received,
            })
        });
        Ok(stored.collect())
    }

    /// Returns the names and replacements for the recording. Blocks.
    #[must_use]
    pub fn rules(&self, book: &RuleBook) -> FoundRules {
        book.find(&self.received.recording, self.names.clone())
    }

    /// Decompresses the result. Blocks.
    ///
    /// # Errors
    /// If the stored result is damaged.
    pub fn decompress(self) -> io::Result<(ReceivedJob, Completed)> {
        let completed = Completed::from_stored(self.result.into_packed())?;
        Ok((self.received, completed))
    }

    /// Decompresses the result, and applies `rules` to its transcript. Blocks.
    ///
    /// # Errors
    /// If the stored result is damaged.
    pub fn read(self, rules: &RenderRules) -> io::Result<CorrectedTranscript> {
        let (received, completed) = self.decompress()?;
        let mut transcript = completed.transcript;
        correct(&mut transcript, rules);
        let language = Language::of(transcript.language.as_deref(), &received.request);
        Ok(CorrectedTranscript {
            received,
            transcript,
            language,
        })
    }
}
