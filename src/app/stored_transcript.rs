//! The transcript of one item, as its files show it.

use crate::app::error::AppError;
use crate::app::session::Session;
use crate::domain::JobId;
use crate::pipeline::stages::save::rule_book::RuleBook;
use crate::pipeline::stored_transcript::{CorrectedTranscript, StoredTranscript};
use crate::runtime::large_jobs;
use crate::store::{Store, StoreError};

/// Returns the transcript of an item, with names and replacements. `None` if there is no such item.
///
/// # Errors
/// If it has no transcript, its stored result is damaged, or the database fails.
pub(super) async fn stored_transcript(
    session: &Session,
    store: &Store,
    item: JobId,
) -> Result<Option<CorrectedTranscript>, AppError> {
    let Some(stored) = StoredTranscript::load(store, &[item]).await?.pop() else {
        return match store.item(item).await? {
            Some(_) => Err(AppError::NoTranscript { item }),
            None => Ok(None),
        };
    };
    let book = RuleBook::new(&session.config.sources);
    let read = large_jobs::run(move || {
        let rules = stored.rules(&book).readable();
        stored.read(&rules)
    });
    let damaged = || StoreError::Content { column: "raw" };
    let read = read.await.map_err(|_| damaged())?;
    Ok(Some(read.map_err(|_| damaged())?))
}
