//! The passages of the transcripts that the index has found. They are read from the stored results.

use super::answer::{SearchHit, SearchMatch, SearchPassage};
use crate::app::error::AppError;
use crate::app::session::Session;
use crate::app::spoken_text::SpokenText;
use crate::domain::readable_path::readable_path;
use crate::domain::search::occurrences::{Match, SpokenWord};
use crate::domain::search::passages::{Passage, passages};
use crate::domain::search::query::Query;
use crate::domain::{JobId, Language, Location};
use crate::output::render::{ShownWord, shown_words};
use crate::pipeline::stages::save::rule_book::RuleBook;
use crate::pipeline::stored_transcript::{CorrectedTranscript, StoredTranscript};
use crate::runtime::blocking::map_blocking;
use crate::store::Store;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::available_parallelism;

/// Number of transcripts that are read at the same time, at most. One of four hours takes some tens of megabytes.
const MAX_THREADS: usize = 4;

/// Reads the passages that answer a query.
pub(super) struct Reader<'a> {
    store: &'a Store,
    rules: Arc<RuleBook>,
    query: Arc<Query>,
    /// Number of passages of a transcript.
    limit: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(session: &Session, store: &'a Store, query: Query, limit: usize) -> Self {
        Self {
            store,
            rules: Arc::new(RuleBook::new(&session.config.sources)),
            query: Arc::new(query),
            limit,
        }
    }

    /// Returns the transcripts of these jobs with their passages, in the order of the jobs. Those without a passage are left
    /// out, and with a warning those whose stored result is damaged.
    pub(super) async fn hits(&self, jobs: &[JobId]) -> Result<Vec<SearchHit>, AppError> {
        let stored = StoredTranscript::load(self.store, jobs).await?;
        let stored: Vec<_> = stored.into_iter().enumerate().collect();
        let (rules, query, limit) = (self.rules.clone(), self.query.clone(), self.limit);
        let read = move |(index, stored)| (index, hit(stored, &rules, &query, limit));
        let threads = available_parallelism().map_or(1, NonZeroUsize::get);
        let mut hits = map_blocking(threads.min(MAX_THREADS), stored, read).await;
        hits.sort_by_key(|(index, _)| *index);
        Ok(hits.into_iter().filter_map(|(_, hit)| hit).collect())
    }
}

fn hit(
    stored: StoredTranscript,
    book: &RuleBook,
    query: &Query,
    limit: usize,
) -> Option<SearchHit> {
    let job = stored.received.job;
    let damaged = |error: &std::io::Error| {
        tracing::warn!(job.id = job.0, error = %error, "the stored result is damaged; the search leaves it out");
    };
    let rules = stored.rules(book).readable();
    let CorrectedTranscript {
        received,
        transcript,
        language,
    } = stored.read(&rules).inspect_err(damaged).ok()?;
    let words = shown_words(&transcript);
    let spoken: Vec<_> = words
        .iter()
        .map(|word| SpokenWord {
            text: &word.text,
            speaker: word.speaker.as_deref(),
        })
        .collect();
    let passages = passages(query, &spoken, limit).into_iter();
    let passages: Vec<_> = passages.map(|passage| shown(passage, &words)).collect();
    if passages.is_empty() {
        return None;
    }
    let recording = received.recording;
    let recorded_at = match &recording.location {
        Location::File(_) => recording.revision.modified,
        Location::Url(_) => received.recorded_at,
    };
    Some(SearchHit {
        item: received.job,
        source: recording.source.to_string(),
        path: recording.location.readable(),
        path_bytes: recording.location.path_bytes(),
        relative: readable_path(&recording.relative),
        recorded_at,
        language: language.as_ref().map(Language::to_string),
        passages,
    })
}

fn shown(passage: Passage, words: &[ShownWord<'_>]) -> SearchPassage {
    let words = &words[passage.words.clone()];
    let (mut text, mut starts) = (String::new(), Vec::with_capacity(words.len()));
    for word in words {
        if word.has_space && !text.is_empty() {
            text.push(' ');
        }
        starts.push(text.len());
        text.push_str(&word.text);
    }
    let first = passage.words.start;
    let chars = |byte: usize| text[..byte].chars().count();
    let matches = passage
        .matches
        .iter()
        .map(|Match { start, end }| SearchMatch {
            start: chars(starts[start.word - first] + start.byte),
            end: chars(starts[end.word - first] + end.byte),
        });
    let matches = matches.collect();
    let spoken = SpokenText {
        start_s: words.first().and_then(|word| word.start_s),
        end_s: words.last().and_then(|word| word.end_s),
        speaker: words
            .first()
            .and_then(|word| word.speaker.as_deref().map(str::to_owned)),
        text,
    };
    SearchPassage { spoken, matches }
}
