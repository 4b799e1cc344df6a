//! Indexing of transcripts that the search index does not have yet: those of earlier versions, imported ones, and those whose
//! speakers were named.

use crate::config::SourceConfig;
use crate::domain::search::entry::SearchEntry;
use crate::output::render::search_entry;
use crate::pipeline::stages::save::rule_book::RuleBook;
use crate::pipeline::stored_transcript::StoredTranscript;
use crate::runtime::large_jobs;
use crate::store::{Store, StoreError};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Number of transcripts that are indexed by one commit. One of an hour takes about 10 ms.
const STEP: usize = 16;
/// Time between two looks at an empty backlog.
const IDLE: Duration = Duration::from_secs(60);

/// Takes transcripts from the backlog of the search index and writes their entries.
pub struct SearchBacklog {
    store: Store,
    rules: Arc<RuleBook>,
}

impl SearchBacklog {
    /// Creates the indexer. Names and replacements are those of `sources`, as they are when a transcript is indexed.
    #[must_use]
    pub fn new(store: Store, sources: &[SourceConfig]) -> Self {
        Self {
            store,
            rules: Arc::new(RuleBook::new(sources)),
        }
    }

    /// Indexes the newest transcripts of the backlog. Returns their number, which is 0 if the index is complete.
    ///
    /// A transcript whose stored result is damaged is left out with a warning. A crash loses nothing: the transcripts stay in
    /// the backlog.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn step(&self) -> Result<usize, StoreError> {
        let items = self.store.search_backlog(STEP).await?;
        let jobs: Vec<_> = items.iter().map(|item| item.job).collect();
        if jobs.is_empty() {
            return Ok(0);
        }
        let stored = StoredTranscript::load(&self.store, &jobs).await?;
        let entries = read_entries(stored, self.rules.clone()).await;
        let count = items.len();
        self.store.index_backlog(items, entries).await?;
        Ok(count)
    }
}

/// Indexes the backlog until the task is aborted. It pauses for as long as it works, so that it takes at most half of a
/// processor. An error ends it until the next start.
pub(super) async fn index_in_background(backlog: SearchBacklog) {
    loop {
        let began = Instant::now();
        let pause = match backlog.step().await {
            Ok(0) => IDLE,
            Ok(_) => began.elapsed(),
            Err(error) => {
                tracing::warn!(error = %error, "indexing for `search` stopped; it resumes at the next start");
                return;
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// Returns the entries of results. Reads one at a time, as large results take much memory.
async fn read_entries(stored: Vec<StoredTranscript>, rules: Arc<RuleBook>) -> Vec<SearchEntry> {
    let mut entries = Vec::with_capacity(stored.len());
    for one in stored {
        let (job, rules) = (one.received.job, rules.clone());
        match large_jobs::run(move || entry(one, &rules)).await {
            Ok(Ok(entry)) => entries.push(entry),
            Ok(Err(error)) => {
                tracing::warn!(job.id = job.0, error = %error, "the stored result is damaged; `search` does not find it");
            }
            Err(error) => {
                tracing::warn!(job.id = job.0, error = %error, "cannot index a transcript; `search` does not find it");
            }
        }
    }
    entries
}

fn entry(stored: StoredTranscript, book: &RuleBook) -> std::io::Result<SearchEntry> {
    // Rules that cannot be read, for example on a disk that is missing, do not hold back the others.
    let rules = stored.rules(book).rules;
    let read = stored.read(&rules)?;
    let job = read.received.job;
    Ok(search_entry(job, &read.transcript, read.language))
}
