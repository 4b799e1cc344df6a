//! Lost answers → found again. A submission whose answer was lost may have been accepted, and paid: before it is sent
//! again, the service's own list is asked for its client request ID.

use super::clock::sleep_until;
use super::context::Context;
use super::event::Event;
use crate::api::{CallError, CallErrorKind, LogEntry, Logs};
use crate::config::Uncertain;
use crate::crash;
use crate::domain::{ErrorClass, Failure, Hold, HoldKind, Timestamp};
use crate::media::fingerprint::{self, Fingerprint};
use crate::policy::lookup::next_look;
use crate::policy::verdict::{Cause, Verdict, verdict};
use crate::store::StoreError;
use crate::store::doubts::{Adoption, Doubt};
use crate::store::queue::Pending;
use crate::store::recordings::Location;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// The service's clock and ours may differ by so much.
const SKEW: Duration = Duration::from_secs(600);
/// Pages read in one look: ten thousand requests.
const PAGES: usize = 100;
/// While the key is refused, the list is asked for again so often.
const REFUSED_AGAIN: Duration = Duration::from_secs(300);

/// What a look through the list brought.
enum Look {
    /// What was accepted of what was looked for, by client request ID; and when the latest submission of all those in the
    /// list was begun.
    Listed {
        found: HashMap<String, LogEntry>,
        latest: Option<Timestamp>,
    },
    /// There is no list.
    Unsupported,
    /// The list could not be read.
    Failed(CallError),
}

/// Looks up what is in doubt until the run stops. What is found goes to `poller`.
///
/// # Errors
/// If the database fails for good.
pub async fn look_up_all(
    context: Arc<Context>,
    poller: mpsc::UnboundedSender<Pending>,
) -> Result<(), StoreError> {
    loop {
        let now = context.now();
        let doubts = context.store.doubts(now).await?;
        if !doubts.is_empty() {
            let look = tokio::select! {
                look = look(&context, &doubts) => look?,
                () = context.stop.cancelled() => return Ok(()),
            };
            conclude(&context, doubts, look, &poller).await?;
            context.progress.notify_one();
            continue;
        }
        let next = context.store.next_look().await?.unwrap_or(Timestamp::MAX);
        tokio::select! {
            () = context.stop.cancelled() => return Ok(()),
            () = context.to_look_up.notified() => {}
            () = sleep_until(&*context.clock, next) => {}
        }
    }
}

/// Reads the list from now back to the oldest doubt, or until every doubt is found.
async fn look(context: &Context, doubts: &[Doubt]) -> Result<Look, StoreError> {
    let oldest = doubts
        .iter()
        .map(|doubt| doubt.started_at)
        .min()
        .unwrap_or_default();
    let (start, end) = (oldest.before(SKEW), context.now().after(SKEW));
    let mut wanted: Vec<_> = doubts
        .iter()
        .map(|doubt| doubt.client_request_id.as_str())
        .collect();
    let (mut found, mut all, mut offset) = (HashMap::new(), Vec::new(), 0);
    for _ in 0..PAGES {
        sleep_until(&*context.clock, context.gate.opens_at()).await;
        context.log_pace.ready().await;
        let request = context.client.logs(start, end, offset);
        let page = match crash::around("pipeline.lookup.request", request).await {
            Ok(Logs::Page(page)) => page,
            Ok(Logs::Unsupported) => return Ok(Look::Unsupported),
            Err(error) => return Ok(Look::Failed(error)),
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
    let latest = context.store.latest_begun(&all).await?;
    Ok(Look::Listed { found, latest })
}

async fn conclude(
    context: &Context,
    doubts: Vec<Doubt>,
    look: Look,
    poller: &mpsc::UnboundedSender<Pending>,
) -> Result<(), StoreError> {
    match look {
        Look::Listed { mut found, latest } => {
            context.release(HoldKind::Auth).await;
            for doubt in doubts {
                match found.remove(&doubt.client_request_id) {
                    Some(entry) => adopt(context, doubt, entry, poller).await?,
                    None => not_found(context, &doubt, latest).await?,
                }
            }
        }
        Look::Unsupported => {
            for doubt in doubts {
                give_up(context, &doubt, Finding::NoList).await?;
            }
        }
        Look::Failed(error) => failed(context, &doubts, &error).await?,
    }
    Ok(())
}

async fn adopt(
    context: &Context,
    doubt: Doubt,
    entry: LogEntry,
    poller: &mpsc::UnboundedSender<Pending>,
) -> Result<(), StoreError> {
    // The hour is counted from the earlier of the two: a clock that is off must not make it longer.
    let accepted_at = entry
        .created
        .map_or(doubt.started_at, |created| created.min(context.now()));
    let adoption = Adoption {
        job: doubt.job,
        attempt: doubt.attempt,
        run: context.run,
        generation: entry.generation.clone(),
        sha256: hash(&doubt).await,
        accepted_at,
        expires_at: accepted_at.after(context.config.api.retention),
        now: context.now(),
    };
    if context
        .persist(doubt.job, || context.store.adopt(adoption.clone()))
        .await?
        .is_none()
    {
        return Ok(());
    }
    context.notice(&Event::FoundAgain {
        job: doubt.job,
        name: doubt.relative.clone(),
    });
    context.gate.accepted();
    let pending = Pending {
        job: doubt.job,
        attempt: doubt.attempt,
        generation: entry.generation,
        accepted_at,
        expires_at: adoption.expires_at,
        attempts: doubt.attempts,
        model: doubt.model,
        duration_s: doubt.duration_s,
        relative: doubt.relative,
    };
    // If the poller has stopped already, the next start polls it.
    let _stopped = poller.send(pending);
    Ok(())
}

/// Of what was sent, if the file is still as it was recorded.
async fn hash(doubt: &Doubt) -> Option<String> {
    let Location::File(path) = doubt.location.clone() else {
        return None;
    };
    let recorded = Fingerprint {
        size_bytes: doubt.size_bytes,
        modified: doubt.modified,
    };
    let hashing = tokio::task::spawn_blocking(move || {
        let is_same = || fingerprint::of(&path).is_ok_and(|found| found == recorded);
        let hash = is_same().then(|| fingerprint::sha256(&path).ok()).flatten();
        hash.filter(|_| is_same())
    });
    hashing.await.ok().flatten()
}

/// What the service knows of a lost answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finding {
    /// It keeps no list.
    NoList,
    /// Nothing that can be told: its list shows nothing later either.
    Unlisted,
    /// Nothing, though it lists what was submitted later.
    NotAccepted,
}

impl Finding {
    const fn as_str(self) -> &'static str {
        match self {
            Self::NoList => {
                "its answer was lost and the service keeps no list of requests: it may have been accepted and paid"
            }
            Self::Unlisted => {
                "its answer was lost and the service does not list it: it may have been accepted and paid"
            }
            Self::NotAccepted => {
                "its answer was lost and the service lists later ones but not this: it was not accepted"
            }
        }
    }
}

async fn not_found(
    context: &Context,
    doubt: &Doubt,
    latest: Option<Timestamp>,
) -> Result<(), StoreError> {
    let finding = match latest {
        Some(latest) if latest > doubt.started_at => Finding::NotAccepted,
        _ => Finding::Unlisted,
    };
    let now = context.now();
    let since_start = now.since(doubt.started_at);
    match next_look(
        doubt.looks + 1,
        since_start,
        context.config.api.retention,
        context.backoff(),
    ) {
        Some(wait) => look_again(context, doubt, now.after(wait), true).await,
        None => give_up(context, doubt, finding).await,
    }
}

async fn look_again(
    context: &Context,
    doubt: &Doubt,
    due: Timestamp,
    counted: bool,
) -> Result<(), StoreError> {
    let again = || context.store.look_again(doubt.job, due, counted);
    context.persist(doubt.job, again).await.map(|_| ())
}

/// A list that cannot be read now is asked for again. What the service itself fails on counts as a look in vain, so
/// that a list that is always broken does not keep a recording for ever.
async fn failed(context: &Context, doubts: &[Doubt], error: &CallError) -> Result<(), StoreError> {
    let now = context.now();
    if error.kind == CallErrorKind::Auth {
        let message = error.failure.message.clone();
        let hold = Hold::new(HoldKind::Auth, context.now(), message);
        context.hold(hold).await;
        for doubt in doubts {
            look_again(context, doubt, now.after(REFUSED_AGAIN), false).await?;
        }
        return Ok(());
    }
    let Some(first) = doubts.first() else {
        return Ok(());
    };
    let due = context.slow_down(now, first.job, error);
    let unreachable = error.http_status.is_none() || error.kind == CallErrorKind::RateLimited;
    for doubt in doubts {
        if unreachable {
            look_again(context, doubt, due, false).await?;
        } else {
            not_found(context, doubt, None).await?;
        }
    }
    Ok(())
}

/// Nobody can say what became of it: submitted again, or left to a person.
async fn give_up(context: &Context, doubt: &Doubt, finding: Finding) -> Result<(), StoreError> {
    let now = context.now();
    let retry = &context.config.retry;
    let was_refused = finding == Finding::NotAccepted;
    let hold = retry.uncertain == Uncertain::Hold && !was_refused;
    let spent =
        verdict(Cause::Uncertain, doubt.attempts, retry.max_attempts, false) == Verdict::Fail;
    let failure = Failure::new(ErrorClass::Network, finding.as_str());
    let due = now.after(context.backoff().delay(doubt.attempts, context.jitter()));
    let outcome = if hold || spent {
        Err(failure.clone())
    } else {
        Ok(due)
    };
    let give_up = || {
        let store = &context.store;
        store.give_up_doubt(doubt.job, was_refused, outcome.clone(), now)
    };
    if context.persist(doubt.job, give_up).await?.is_none() {
        return Ok(());
    }
    if was_refused && doubt.started_at >= context.began {
        context.give_back(&context.amount(&doubt.model, doubt.duration_s));
    }
    let (job, name) = (doubt.job, doubt.relative.clone());
    match outcome {
        Ok(due) => context.notice(&Event::PutBack {
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
