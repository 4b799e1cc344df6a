//! Recovery of submissions whose answer was lost.
//!
//! The service may have accepted and billed such a submission. Before it is sent again, the service's request log is
//! searched for its client request ID.

use crate::config::OnUncertain;
use crate::domain::{ErrorClass, Failure, Hold, HoldKind, Timestamp};
use crate::pipeline::context::Context;
use crate::pipeline::event::RunEvent;
use crate::policy::lookup_schedule::next_lookup_delay;
use crate::policy::retry::{Cause, Verdict, verdict};
use crate::provider::{CallError, CallErrorKind, LogEntry, LogsResponse};
use crate::runtime::clock::sleep_until;
use crate::runtime::failpoint;
use crate::source::folder::fingerprint;
use crate::source::folder::fingerprint::Fingerprint;
use crate::store::StoreError;
use crate::store::sqlite::queue::PendingJob;
use crate::store::sqlite::recordings::Location;
use crate::store::sqlite::uncertain::{Adoption, UncertainSubmission};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Maximum assumed difference between the service's clock and the local clock.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(600);
/// Maximum number of log pages read per search, which is ten thousand requests.
const MAX_PAGES: usize = 100;
/// Interval between searches while the service refuses the key.
const AUTH_RETRY: Duration = Duration::from_secs(300);

/// Result of a search of the request log.
enum LogSearch {
    /// The log was read. `found` holds the accepted submissions by client request ID. `latest` is the start time of the
    /// latest of this program's submissions in the log.
    Listed {
        found: HashMap<String, LogEntry>,
        latest: Option<Timestamp>,
    },
    /// The service keeps no request log.
    Unsupported,
    /// The log could not be read.
    Failed(CallError),
}

/// Looks up uncertain submissions until the run stops. Sends the recovered ones to `poller`.
///
/// # Errors
/// If the database fails permanently.
pub async fn recover_all(
    context: Arc<Context>,
    poller: mpsc::UnboundedSender<PendingJob>,
) -> Result<(), StoreError> {
    loop {
        let now = context.now();
        let uncertain = context.store.uncertain_submissions(now).await?;
        if !uncertain.is_empty() {
            let search = tokio::select! {
                search = search_log(&context, &uncertain) => search?,
                () = context.stop.cancelled() => return Ok(()),
            };
            apply(&context, uncertain, search, &poller).await?;
            context.progress.notify_one();
            continue;
        }
        let next = context.store.next_lookup().await?.unwrap_or(Timestamp::MAX);
        tokio::select! {
            () = context.stop.cancelled() => return Ok(()),
            () = context.to_look_up.notified() => {}
            () = sleep_until(&*context.clock, next) => {}
        }
    }
}

/// Reads the log from now back to the oldest uncertain submission, or until all of them are found.
async fn search_log(
    context: &Context,
    uncertain: &[UncertainSubmission],
) -> Result<LogSearch, StoreError> {
    let oldest = uncertain
        .iter()
        .map(|submission| submission.started_at)
        .min()
        .unwrap_or_default();
    let (start, end) = (
        oldest.before(MAX_CLOCK_SKEW),
        context.now().after(MAX_CLOCK_SKEW),
    );
    let mut wanted: Vec<_> = uncertain
        .iter()
        .map(|submission| submission.client_request_id.as_str())
        .collect();
    let (mut found, mut all, mut offset) = (HashMap::new(), Vec::new(), 0);
    for _ in 0..MAX_PAGES {
        sleep_until(&*context.clock, context.gate.opens_at()).await;
        context.log_pace.acquire().await;
        let request = context.client.logs(start, end, offset);
        let page = match failpoint::around("pipeline.lookup.request", request).await {
            Ok(LogsResponse::Page(page)) => page,
            Ok(LogsResponse::Unsupported) => return Ok(LogSearch::Unsupported),
            Err(error) => return Ok(LogSearch::Failed(error)),
        };
        for entry in page.entries {
            all.push(entry.client_request_id.clone());
            if wanted.contains(&entry.client_request_id.as_str()) {
                wanted.retain(|id| *id != entry.client_request_id);
                found.insert(entry.client_request_id.clone(), entry);
            }
        }
        if wanted.is_empty() || !page.has_more || page.len == 0 {
            break;
        }
        offset += page.len;
    }
    let latest = context.store.latest_started(&all).await?;
    Ok(LogSearch::Listed { found, latest })
}

async fn apply(
    context: &Context,
    uncertain: Vec<UncertainSubmission>,
    search: LogSearch,
    poller: &mpsc::UnboundedSender<PendingJob>,
) -> Result<(), StoreError> {
    match search {
        LogSearch::Listed { mut found, latest } => {
            context.release(HoldKind::Auth).await;
            for submission in uncertain {
                match found.remove(&submission.client_request_id) {
                    Some(entry) => adopt(context, submission, entry, poller).await?,
                    None => not_listed(context, &submission, latest).await?,
                }
            }
        }
        LogSearch::Unsupported => {
            for submission in uncertain {
                give_up(context, &submission, Finding::NoList).await?;
            }
        }
        LogSearch::Failed(error) => search_failed(context, &uncertain, &error).await?,
    }
    Ok(())
}

/// Records that the service accepted the submission, and sends it to `poller`.
async fn adopt(
    context: &Context,
    submission: UncertainSubmission,
    entry: LogEntry,
    poller: &mpsc::UnboundedSender<PendingJob>,
) -> Result<(), StoreError> {
    // Retention counts from the earlier of the two times, so that a wrong clock cannot extend it.
    let accepted_at = entry
        .created
        .map_or(submission.started_at, |created| created.min(context.now()));
    let adoption = Adoption {
        job: submission.job,
        attempt: submission.attempt,
        run: context.run,
        generation: entry.generation.clone(),
        sha256: sha256_if_unchanged(&submission).await,
        accepted_at,
        expires_at: accepted_at.after(context.config.api.retention),
        now: context.now(),
    };
    if context
        .persist(submission.job, || context.store.adopt(adoption.clone()))
        .await?
        .is_none()
    {
        return Ok(());
    }
    context.notice(&RunEvent::AnswerRecovered {
        job: submission.job,
        name: submission.relative.clone(),
    });
    context.gate.add_pending();
    let pending = PendingJob {
        job: submission.job,
        attempt: submission.attempt,
        generation: entry.generation,
        accepted_at,
        expires_at: adoption.expires_at,
        attempts: submission.attempts,
        model: submission.model,
        duration_s: submission.duration_s,
        relative: submission.relative,
    };
    // If the poller has already stopped, the next start polls this generation.
    let _stopped = poller.send(pending);
    Ok(())
}

/// Returns the SHA-256 of the audio that was sent, if the file has not changed since.
async fn sha256_if_unchanged(submission: &UncertainSubmission) -> Option<String> {
    let Location::File(path) = submission.location.clone() else {
        return None;
    };
    let recorded = Fingerprint {
        size_bytes: submission.size_bytes,
        modified: submission.modified,
    };
    let hashing = tokio::task::spawn_blocking(move || {
        let is_same = || fingerprint::of(&path).is_ok_and(|found| found == recorded);
        let sha256 = is_same().then(|| fingerprint::sha256(&path).ok()).flatten();
        sha256.filter(|_| is_same())
    });
    hashing.await.ok().flatten()
}

/// What the request log shows about a lost answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finding {
    /// The service keeps no request log.
    NoList,
    /// The log shows neither this submission nor a later one, so it proves nothing.
    Unlisted,
    /// The log shows a later submission but not this one.
    NotAccepted,
}

impl Finding {
    const fn as_str(self) -> &'static str {
        match self {
            Self::NoList => {
                "the answer was lost and the service keeps no request log; it may have been accepted and billed"
            }
            Self::Unlisted => {
                "the answer was lost and the request log does not show it; it may have been accepted and billed"
            }
            Self::NotAccepted => {
                "the answer was lost and the request log shows only later submissions; it was not accepted"
            }
        }
    }
}

/// Schedules the next search, or gives up after the last one.
async fn not_listed(
    context: &Context,
    submission: &UncertainSubmission,
    latest: Option<Timestamp>,
) -> Result<(), StoreError> {
    let finding = match latest {
        Some(latest) if latest > submission.started_at => Finding::NotAccepted,
        _ => Finding::Unlisted,
    };
    let now = context.now();
    let since_start = now.since(submission.started_at);
    match next_lookup_delay(
        submission.lookups + 1,
        since_start,
        context.config.api.retention,
        context.backoff(),
    ) {
        Some(wait) => search_again(context, submission, now.after(wait), true).await,
        None => give_up(context, submission, finding).await,
    }
}

/// Schedules the next search at `due`. `counted` is whether this search counts towards the maximum.
async fn search_again(
    context: &Context,
    submission: &UncertainSubmission,
    due: Timestamp,
    counted: bool,
) -> Result<(), StoreError> {
    let change = || context.store.schedule_lookup(submission.job, due, counted);
    context.persist(submission.job, change).await.map(|_| ())
}

/// Handles a search that failed. It is repeated later.
///
/// A server error counts as a search without a match. Otherwise a permanently broken log would block a recording
/// forever. A refused key, a rate limit and a connection error do not count.
async fn search_failed(
    context: &Context,
    uncertain: &[UncertainSubmission],
    error: &CallError,
) -> Result<(), StoreError> {
    let now = context.now();
    if error.kind == CallErrorKind::Auth {
        let message = error.failure.message.clone();
        let hold = Hold::new(HoldKind::Auth, context.now(), message);
        context.hold(hold).await;
        for submission in uncertain {
            search_again(context, submission, now.after(AUTH_RETRY), false).await?;
        }
        return Ok(());
    }
    let Some(first) = uncertain.first() else {
        return Ok(());
    };
    let due = context.slow_down(now, first.job, error);
    let unreachable = error.http_status.is_none() || error.kind == CallErrorKind::RateLimited;
    for submission in uncertain {
        if unreachable {
            search_again(context, submission, due, false).await?;
        } else {
            not_listed(context, submission, None).await?;
        }
    }
    Ok(())
}

/// Ends the look-up without a match. The job is submitted again, or fails and is left to the operator.
async fn give_up(
    context: &Context,
    submission: &UncertainSubmission,
    finding: Finding,
) -> Result<(), StoreError> {
    let now = context.now();
    let retry = &context.config.retry;
    let not_accepted = finding == Finding::NotAccepted;
    let ask_operator = retry.on_uncertain == OnUncertain::Hold && !not_accepted;
    let attempts_spent = verdict(
        Cause::Uncertain,
        submission.attempts,
        retry.max_attempts,
        false,
    ) == Verdict::Fail;
    let failure = Failure::new(ErrorClass::Network, finding.as_str());
    let due = now.after(
        context
            .backoff()
            .delay(submission.attempts, context.jitter()),
    );
    let next = if ask_operator || attempts_spent {
        Err(failure.clone())
    } else {
        Ok(due)
    };
    let change = || {
        let store = &context.store;
        store.give_up_lookup(submission.job, not_accepted, next.clone(), now)
    };
    if context.persist(submission.job, change).await?.is_none() {
        return Ok(());
    }
    if not_accepted && submission.started_at >= context.began {
        context.give_back(&context.amount(&submission.model, submission.duration_s));
    }
    let (job, name) = (submission.job, submission.relative.clone());
    match next {
        Ok(due) => context.notice(&RunEvent::Requeued {
            job,
            name,
            failure,
            due,
        }),
        Err(failure) => context.failed(job, name, failure),
    }
    context.to_submit.notify_one();
    Ok(())
}
