//! Equal content is paid once: who comes second takes the result of the first, or waits for it.

use super::context::Context;
use super::event::Event;
use crate::domain::JobId;
use crate::store::StoreError;
use crate::store::queue::Candidate;
use crate::store::twins::Twin;

/// Whether the candidate was settled: it took the result of one with equal content, or waits for one on its way. Not if
/// its content is not known.
///
/// # Errors
/// If the database fails for good.
pub(super) async fn settled(
    context: &Context,
    candidate: &Candidate,
    sha256: Option<&str>,
) -> Result<bool, StoreError> {
    let Some(sha256) = sha256 else {
        return Ok(false);
    };
    let twin = || context.store.twin(candidate, sha256);
    match context.persist(candidate.job, twin).await?.flatten() {
        Some(Twin::Paid(by)) => share(context, candidate, by, sha256).await?,
        Some(Twin::UnderWay(job)) => wait_for(context, candidate, job).await?,
        None => return Ok(false),
    }
    Ok(true)
}

async fn share(
    context: &Context,
    candidate: &Candidate,
    by: JobId,
    sha256: &str,
) -> Result<(), StoreError> {
    let now = context.now();
    let share = || context.store.share(candidate.job, by, sha256, now);
    if context.persist(candidate.job, share).await?.is_some() {
        context.notice(&Event::Shared {
            job: candidate.job,
            name: candidate.relative.clone(),
            from: by,
        });
        context.to_save.notify_one();
    }
    Ok(())
}

async fn wait_for(context: &Context, candidate: &Candidate, twin: JobId) -> Result<(), StoreError> {
    let now = context.now();
    let wait = || {
        context
            .store
            .put_off(candidate.job, now, Some(twin), None, now)
    };
    context.persist(candidate.job, wait).await.map(|_| ())
}
