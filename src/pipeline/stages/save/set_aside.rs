//! Sets results aside that are not better than the transcript that they were to replace.

use crate::domain::JobId;
use crate::pipeline::event::RunEvent;
use crate::pipeline::journal::Journal;
use crate::pipeline::result_cache::ResultCache;
use crate::policy::quality::is_better;
use crate::store::StoreError;
use crate::store::sqlite::queue::ReceivedJob;

/// Marks the jobs of such results as done, without files, and returns the other jobs.
///
/// The results are stored before and stay stored.
pub(super) async fn set_worse_aside(
    journal: &Journal,
    cache: &ResultCache,
    received: Vec<ReceivedJob>,
) -> Result<Vec<ReceivedJob>, StoreError> {
    let rivals = received
        .iter()
        .filter_map(|one| Some([one.job, one.rival?]));
    let compared: Vec<_> = rivals.flatten().collect();
    if compared.is_empty() {
        return Ok(received);
    }
    let confidences = journal.store.confidences(&compared).await?;
    let confidence = |job: JobId| confidences.get(&job).copied();
    let mut better = Vec::with_capacity(received.len());
    for one in received {
        match one.rival {
            Some(rival) if !is_better(confidence(one.job), confidence(rival)) => {
                cache.take(one.job, one.received_at);
                set_aside(journal, one, rival).await?;
            }
            _ => better.push(one),
        }
    }
    Ok(better)
}

async fn set_aside(journal: &Journal, result: ReceivedJob, rival: JobId) -> Result<(), StoreError> {
    let job = result.job;
    let done = || journal.store.set_aside(job, journal.now());
    if journal.record(job, done).await?.is_some() {
        journal.emit(&RunEvent::SetAside {
            job,
            name: result.recording.relative,
            kept: rival,
        });
    }
    Ok(())
}
