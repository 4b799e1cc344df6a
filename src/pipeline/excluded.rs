//! Recordings outside the limits of their source, and the end of their exclusion.

use crate::config::Config;
use crate::domain::Timestamp;
use crate::store::sqlite::excluded::ExcludedJob;
use crate::store::{Store, StoreError};

/// Queues the excluded recordings that the limits of their sources include now.
///
/// # Errors
/// If the database fails.
pub async fn requeue_included(
    config: &Config,
    store: &Store,
    now: Timestamp,
) -> Result<(), StoreError> {
    let excluded = store.excluded_jobs().await?;
    let included = excluded.iter().filter(|job| is_included(config, job));
    let included: Vec<_> = included.map(|excluded| excluded.job).collect();
    if included.is_empty() {
        return Ok(());
    }
    store.end_exclusions(included, now).await
}

fn is_included(config: &Config, excluded: &ExcludedJob) -> bool {
    config.source(&excluded.source).is_some_and(|source| {
        let ExcludedJob {
            size_bytes,
            duration_s,
            reason,
            ..
        } = excluded;
        source
            .bounds
            .include_again(*size_bytes, *duration_s, reason)
    })
}
