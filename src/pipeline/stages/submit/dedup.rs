//! Deduplication. Equal content is submitted once: a duplicate takes the result of the first job, or waits for it.

use crate::domain::JobId;
use crate::pipeline::context::Context;
use crate::pipeline::event::RunEvent;
use crate::store::StoreError;
use crate::store::sqlite::duplicates::Duplicate;
use crate::store::sqlite::queue::Candidate;

/// Settles the candidate if it is a duplicate: it takes the result of a job with equal content, or waits for one that
/// is in flight. Returns whether it was settled. Without a SHA-256 it never is.
///
/// # Errors
/// If the database fails permanently.
pub(crate) async fn settle_duplicate(
    context: &Context,
    candidate: &Candidate,
    sha256: Option<&str>,
) -> Result<bool, StoreError> {
    let Some(sha256) = sha256 else {
        return Ok(false);
    };
    let find = || context.store.find_duplicate(candidate, sha256);
    match context.persist(candidate.job, find).await?.flatten() {
        Some(Duplicate::Paid(from)) => share(context, candidate, from, sha256).await?,
        Some(Duplicate::InFlight(job)) => wait_for(context, candidate, job).await?,
        None => return Ok(false),
    }
    Ok(true)
}

async fn share(
    context: &Context,
    candidate: &Candidate,
    from: JobId,
    sha256: &str,
) -> Result<(), StoreError> {
    let now = context.now();
    let change = || context.store.share_result(candidate.job, from, sha256, now);
    if context.persist(candidate.job, change).await?.is_some() {
        context.notice(&RunEvent::Deduplicated {
            job: candidate.job,
            name: candidate.relative.clone(),
            from,
        });
        context.to_save.notify_one();
    }
    Ok(())
}

async fn wait_for(
    context: &Context,
    candidate: &Candidate,
    other: JobId,
) -> Result<(), StoreError> {
    let now = context.now();
    let change = || {
        context
            .store
            .postpone(candidate.job, now, Some(other), None, now)
    };
    context.persist(candidate.job, change).await.map(|_| ())
}
