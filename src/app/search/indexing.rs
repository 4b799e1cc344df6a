//! Indexing of transcripts that the search index does not have yet.

use crate::app::error::AppError;
use crate::app::session::Session;
use crate::pipeline::search_backlog::SearchBacklog;
use crate::store::Store;
use serde::Serialize;
use std::time::{Duration, Instant};

/// Time for which a search indexes transcripts before it answers without the others.
const CATCH_UP: Duration = Duration::from_secs(2);

/// Result of a rebuild.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Rebuilt {
    /// Number of transcripts that were indexed.
    pub indexed: u64,
    /// Whether an earlier rebuild that was interrupted was continued.
    pub continued: bool,
}

/// Indexes transcripts for a short time. Returns the number of those that are left.
pub(super) async fn catch_up(session: &Session, store: &Store) -> Result<u64, AppError> {
    let began = Instant::now();
    let backlog = SearchBacklog::new(store.clone(), &session.config.sources);
    loop {
        let left = store.search_backlog_size().await?;
        if left == 0 || began.elapsed() >= CATCH_UP {
            return Ok(left);
        }
        backlog.step().await?;
    }
}

/// Rebuilds the index from the stored results. Reports the number of transcripts that are left after each step.
///
/// Runs and searches may go on meanwhile. A search does not find the transcripts that are not indexed yet.
///
/// If it is interrupted, the next call continues it, as do runs and searches.
///
/// # Errors
/// If there are no results, or the database fails.
pub async fn rebuild(session: &Session, mut report: impl FnMut(u64)) -> Result<Rebuilt, AppError> {
    let store = session.existing_store().await?.ok_or(AppError::NoResults)?;
    let is_new = store.begin_index_rebuild().await?;
    let backlog = SearchBacklog::new(store.clone(), &session.config.sources);
    let mut indexed = 0;
    loop {
        report(store.search_backlog_size().await?);
        match backlog.step().await? {
            0 => break,
            count => indexed += count as u64,
        }
    }
    store.close().await;
    Ok(Rebuilt {
        indexed,
        continued: !is_new,
    })
}
