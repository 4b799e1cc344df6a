//! Recovery of submissions whose answer was lost.
//!
//! The service may have accepted and billed such a submission. Before it is sent again, the service's request log is
//! searched for its client request ID.

use super::poll::Poller;
use crate::domain::Location;
use crate::domain::{Failure, HoldKind, Timestamp};
use crate::pipeline::event::RunEvent;
use crate::pipeline::journal::Journal;
use crate::pipeline::lane::{Answered, Lane, Observation};
use crate::policy::outcome::{Answer, AttemptOutcome, Call, JobChange, Reason, decide};
use crate::provider::{CallError, CallErrorKind, LogEntry, LogsResponse};
use crate::runtime::clock::sleep_until;
use crate::runtime::failpoint;
use crate::source::folder::fingerprint;
use crate::store::StoreError;
use crate::store::sqlite::queue::PendingJob;
use crate::store::sqlite::uncertain::{Adoption, UncertainSubmission};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Maximum assumed difference between the service's clock and the local clock.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(600);
/// Maximum number of log pages read per search, which is ten thousand requests.
const MAX_PAGES: usize = 100;
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

/// The recovery stage and what it shares with others.
pub struct Recover {
    /// Durable writes and events.
    pub journal: Arc<Journal>,
    /// Lane to the service.
    pub lane: Arc<Lane>,
    /// The poll stage, which takes recovered generations.
    pub poller: Poller,
}

/// Looks up uncertain submissions until the run stops. Sends the recovered ones to the poll stage.
///
/// # Errors
/// If the database fails permanently.
pub async fn recover_all(stage: Recover) -> Result<(), StoreError> {
    loop {
        let now = stage.journal.now();
        let count = stage.journal.store.uncertain_count().await?;
        stage.lane.admission.update_uncertain(count);
        let uncertain = stage.journal.store.uncertain_submissions(now).await?;
        if !uncertain.is_empty() {
            let search = tokio::select! {
                search = search_log(&stage, &uncertain) => search?,
                () = stage.journal.signals.stop.cancelled() => return Ok(()),
            };
            stage.apply(uncertain, search).await?;
            stage.journal.signals.progress.notify_one();
            continue;
        }
        let next = stage
            .journal
            .store
            .next_lookup()
            .await?
            .unwrap_or(Timestamp::MAX);
        tokio::select! {
            () = stage.journal.signals.stop.cancelled() => return Ok(()),
            () = stage.journal.signals.wake_recover.notified() => {}
            () = sleep_until(&*stage.journal.clock, next) => {}
        }
    }
}

/// Reads the log from now back to the oldest uncertain submission, or until all of them are found.
async fn search_log(
    stage: &Recover,
    uncertain: &[UncertainSubmission],
) -> Result<LogSearch, StoreError> {
    let oldest = uncertain
        .iter()
        .map(|submission| submission.started_at)
        .min()
        .unwrap_or_default();
    let (start, end) = (
        oldest.before(MAX_CLOCK_SKEW),
        stage.journal.now().after(MAX_CLOCK_SKEW),
    );
    let mut wanted: Vec<_> = uncertain
        .iter()
        .map(|submission| submission.client_request_id.as_str())
        .collect();
    let (mut found, mut all, mut offset) = (HashMap::new(), Vec::new(), 0);
    for _ in 0..MAX_PAGES {
        sleep_until(&*stage.journal.clock, stage.lane.admission.opens_at()).await;
        stage.lane.log_limiter.acquire().await;
        let request = stage.lane.client.logs(start, end, offset);
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
    let latest = stage.journal.store.latest_started(&all).await?;
    Ok(LogSearch::Listed { found, latest })
}

impl Recover {
    /// Decides what the search means for each uncertain submission and applies it.
    async fn apply(
        &self,
        uncertain: Vec<UncertainSubmission>,
        search: LogSearch,
    ) -> Result<(), StoreError> {
        match search {
            LogSearch::Listed { mut found, latest } => {
                self.journal.release(HoldKind::Auth).await;
                for submission in uncertain {
                    match found.remove(&submission.client_request_id) {
                        Some(entry) => self.adopt(submission, entry).await?,
                        None => {
                            let lists_later = latest.is_some_and(|at| at > submission.started_at);
                            let answer = Answer::Unlisted { lists_later };
                            self.not_found(submission, answer, self.unchanged()).await?;
                        }
                    }
                }
            }
            LogSearch::Unsupported => {
                for submission in uncertain {
                    let seen = self.unchanged();
                    self.not_found(submission, Answer::NoRequestLog, seen)
                        .await?;
                }
            }
            LogSearch::Failed(error) => self.search_failed(uncertain, &error).await?,
        }
        Ok(())
    }

    /// One failed search counts once for the lane, however many submissions it was for.
    async fn search_failed(
        &self,
        uncertain: Vec<UncertainSubmission>,
        error: &CallError,
    ) -> Result<(), StoreError> {
        let Some(first) = uncertain.first() else {
            return Ok(());
        };
        let answered = Answered {
            answer: answer_of(error),
            call: call_of(first),
            job: first.job,
            model: &first.model,
            started_at: self.journal.now(),
            retry_after: error.retry_after,
        };
        let seen = self.lane.observe(&self.journal, &answered, Some(error));
        let answer = answered.answer;
        if answer == Answer::KeyRefused {
            let hold = self.journal.begin_hold_for(HoldKind::Auth, error);
            self.journal.store_hold(hold).await;
        }
        for submission in uncertain {
            self.not_found(submission, answer, seen).await?;
        }
        Ok(())
    }

    /// Applies the decision about a submission that the search did not find.
    async fn not_found(
        &self,
        submission: UncertainSubmission,
        answer: Answer,
        seen: Observation,
    ) -> Result<(), StoreError> {
        let facts = self
            .lane
            .facts(seen, call_of(&submission), submission.attempts);
        let effect = decide(answer, &facts, self.journal.now(), rand::random());
        match effect.change {
            JobChange::LookUpAgain { due, counted } => {
                let job = submission.job;
                let change = || self.journal.store.schedule_lookup(job, due, counted);
                self.journal.record(job, change).await.map(|_| ())
            }
            JobChange::Requeue {
                outcome,
                due,
                reason,
                ..
            } => self.give_up(submission, outcome, Ok(due), reason).await,
            JobChange::Fail { outcome, reason } => {
                let failure = reason.failure(None);
                self.give_up(submission, outcome, Err(failure), reason)
                    .await
            }
            _ => Ok(()),
        }
    }

    /// Records that the service accepted the submission, and sends it to the poll stage.
    async fn adopt(
        &self,
        submission: UncertainSubmission,
        entry: LogEntry,
    ) -> Result<(), StoreError> {
        // Retention counts from the earlier of the two times, so that a wrong clock cannot extend it.
        let now = self.journal.now();
        let accepted_at = entry
            .created
            .map_or(submission.started_at, |created| created.min(now));
        let adoption = Adoption {
            job: submission.job,
            attempt: submission.attempt,
            run: self.journal.messages.run,
            generation: entry.generation.clone(),
            sha256: sha256_if_unchanged(&submission).await,
            accepted_at,
            expires_at: accepted_at.after(self.lane.rules.polling.retention),
            now: self.journal.now(),
        };
        let change = || self.journal.store.adopt(adoption.clone());
        if self.journal.record(submission.job, change).await?.is_none() {
            return Ok(());
        }
        self.journal.emit(&RunEvent::AnswerRecovered {
            job: submission.job,
            name: submission.recording.relative.clone(),
        });
        self.lane.admission.add_pending();
        let pending = PendingJob {
            job: submission.job,
            attempt: submission.attempt,
            generation: entry.generation,
            accepted_at,
            expires_at: adoption.expires_at,
            attempts: submission.attempts,
            model: submission.model,
            duration_s: submission.duration_s,
            sha256: adoption.sha256.map(String::into_boxed_str),
            relative: submission.recording.relative,
        };
        // If the poll stage has already stopped, the next start polls this generation.
        let _stopped = self.poller.send(pending);
        Ok(())
    }

    /// Ends the look-up without a match. The job is submitted again, or fails and is left to the operator.
    async fn give_up(
        &self,
        submission: UncertainSubmission,
        outcome: AttemptOutcome,
        next: Result<Timestamp, Failure>,
        reason: Reason,
    ) -> Result<(), StoreError> {
        let (job, now, free) = (submission.job, self.journal.now(), outcome.is_free());
        let change = || {
            let store = &self.journal.store;
            store.give_up_lookup(job, free, next.clone(), now)
        };
        if self.journal.record(job, change).await?.is_none() {
            return Ok(());
        }
        if free && submission.started_at >= self.journal.messages.began {
            let spend = &self.lane.spend;
            spend.refund(&spend.amount(&submission.model, submission.duration_s));
        }
        let (name, failure) = (submission.recording.relative, reason.failure(None));
        match next {
            Ok(due) => self.journal.requeued(job, name, failure, due),
            Err(failure) => self.journal.failed(job, name, failure),
        }
        Ok(())
    }

    /// A search that succeeded tells nothing about the service's load.
    fn unchanged(&self) -> Observation {
        Observation {
            outage: false,
            wait_until: self.journal.now(),
        }
    }
}

const fn call_of(submission: &UncertainSubmission) -> Call {
    Call::LookUp {
        started_at: submission.started_at,
        lookups: submission.lookups,
    }
}

/// A search changes nothing at the service, so only two things matter: whether the key was refused or too many requests
/// came, and otherwise whether the service answered at all.
const fn answer_of(error: &CallError) -> Answer {
    match error.kind {
        CallErrorKind::Auth => Answer::KeyRefused,
        CallErrorKind::RateLimited => Answer::RateLimited,
        _ if error.http_status.is_none() => Answer::Unreachable,
        _ => Answer::ServerError,
    }
}

/// Returns the SHA-256 of the audio that was sent, if the file has not changed since.
async fn sha256_if_unchanged(submission: &UncertainSubmission) -> Option<String> {
    let Location::File(path) = submission.recording.location.clone() else {
        return None;
    };
    let recorded = submission.recording.revision;
    let hashing = tokio::task::spawn_blocking(move || {
        let is_same = || fingerprint::of(&path).is_ok_and(|found| found == recorded);
        let sha256 = is_same().then(|| fingerprint::sha256(&path).ok()).flatten();
        sha256.filter(|_| is_same())
    });
    hashing.await.ok().flatten()
}
