//! Recovery of submissions whose answer was lost.
//!
//! The service may have accepted and billed such a submission. Before it is sent again, the service's request log is
//! searched for its client request ID.

use super::poll::Poller;
use crate::domain::{Failure, HoldKind, Location, RecordingHash, Timestamp};
use crate::media::recording_hash;
use crate::pipeline::ages::Ages;
use crate::pipeline::event::RunEvent;
use crate::pipeline::journal::Journal;
use crate::pipeline::lane::{Lane, Observation};
use crate::policy::outcome::{Answer, Call, JobChange, Reason, decide};
use crate::provider::{CallError, CallErrorKind, LogEntry, LogsResponse};
use crate::runtime::clock::sleep_until;
use crate::runtime::failpoint;
use crate::source::folder::fingerprint;
use crate::store::StoreError;
use crate::store::sqlite::queue::PendingJob;
use crate::store::sqlite::uncertain::{Adoption, UncertainSubmission};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// Maximum assumed difference between the service's clock and the local clock.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(600);
/// Maximum number of log pages read per search, which is ten thousand requests.
const MAX_PAGES: usize = 100;

/// Result of a search of the request log.
enum LogSearch {
    /// The log was read, or the pages before one that failed.
    Read {
        /// The accepted submissions by client request ID.
        found: HashMap<String, LogEntry>,
        /// The error of the page at which the search ended early.
        broken: Option<CallError>,
    },
    /// The service keeps no request log.
    Unsupported,
}

/// The recovery stage and what it shares with others.
pub struct Recover {
    /// Durable writes and events.
    pub journal: Arc<Journal>,
    /// Lane to the service.
    pub lane: Arc<Lane>,
    /// The poll stage, which takes recovered generations.
    pub poller: Poller,
    /// Ages of the uncertain submissions.
    pub ages: Arc<Ages>,
    /// Number of searches that failed in a row.
    pub failures: u32,
    /// Whether the service has listed requests in this run. A later 404 then does not mean that it keeps no log.
    pub has_log: bool,
}

/// Looks up uncertain submissions until the run stops. Sends the recovered ones to the poll stage.
///
/// # Errors
/// If the database fails permanently.
pub async fn recover_all(mut stage: Recover) -> Result<(), StoreError> {
    loop {
        let now = stage.journal.now();
        let count = stage.journal.store.uncertain_count().await?;
        stage.lane.admission.update_uncertain(count);
        let uncertain = stage.journal.store.uncertain_submissions(now).await?;
        if !uncertain.is_empty() {
            let search = tokio::select! {
                search = search_log(&stage, &uncertain) => search,
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
async fn search_log(stage: &Recover, uncertain: &[UncertainSubmission]) -> LogSearch {
    let oldest = uncertain
        .iter()
        .map(|submission| submission.started_at)
        .min()
        .unwrap_or_default();
    let (start, end) = (
        oldest.before(MAX_CLOCK_SKEW),
        stage.journal.now().after(MAX_CLOCK_SKEW),
    );
    let mut wanted: HashSet<_> = uncertain
        .iter()
        .map(|submission| submission.client_request_id.as_str())
        .collect();
    let (mut found, mut offset) = (HashMap::new(), 0);
    for _ in 0..MAX_PAGES {
        stage.lane.log_limiter.acquire().await;
        let request = stage.lane.client.logs(start, end, offset);
        let page = match failpoint::around("pipeline.lookup.request", request).await {
            Ok(LogsResponse::Page(page)) => page,
            Ok(LogsResponse::Unsupported) => return LogSearch::Unsupported,
            Err(error) => {
                let broken = Some(error);
                return LogSearch::Read { found, broken };
            }
        };
        for entry in page.entries {
            if wanted.remove(entry.client_request_id.as_str()) {
                found.insert(entry.client_request_id.clone(), entry);
            }
        }
        if wanted.is_empty() || !page.has_more || page.len == 0 {
            break;
        }
        offset += page.len;
    }
    LogSearch::Read {
        found,
        broken: None,
    }
}

impl Recover {
    /// Decides what the search means for each uncertain submission and applies it.
    ///
    /// A page that fails does not discard what earlier pages listed. Only the other submissions are searched for again.
    async fn apply(
        &mut self,
        uncertain: Vec<UncertainSubmission>,
        search: LogSearch,
    ) -> Result<(), StoreError> {
        let (mut found, answer, wait_until) = match search {
            LogSearch::Unsupported => {
                let answer = if self.has_log {
                    Answer::Unlisted
                } else {
                    Answer::NoRequestLog
                };
                (HashMap::new(), answer, self.journal.now())
            }
            LogSearch::Read { found, broken } => {
                let (answer, wait_until) = self.judge(broken.as_ref()).await;
                (found, answer, wait_until)
            }
        };
        for submission in uncertain {
            match found.remove(&submission.client_request_id) {
                Some(entry) => self.adopt(submission, entry).await?,
                None => self.not_found(submission, answer, wait_until).await?,
            }
        }
        Ok(())
    }

    /// Returns the answer for the submissions that a search did not find, and until when the next search waits if the
    /// service could not be asked.
    ///
    /// The back-off is that of the look-ups alone: a failing request log slows neither submissions nor polls. A `Retry-After`
    /// delays the next search by no more than the maximum of the back-off, because the transcription would expire meanwhile.
    async fn judge(&mut self, broken: Option<&CallError>) -> (Answer, Timestamp) {
        let now = self.journal.now();
        let Some(error) = broken else {
            self.failures = 0;
            self.has_log = true;
            self.journal.release(HoldKind::Auth).await;
            return (Answer::Unlisted, now);
        };
        self.failures += 1;
        let answer = answer_of(error);
        if answer == Answer::KeyRefused {
            let hold = self.journal.begin_hold_for(HoldKind::Auth, error);
            self.journal.store_hold(hold).await;
        }
        let backoff = self.lane.rules.backoff;
        let delays = backoff.capped_by_retention(self.lane.rules.polling.retention);
        let asked = error.retry_after.unwrap_or_default().min(delays.max);
        let wait = delays.delay(self.failures, rand::random()).max(asked);
        (answer, now.after(wait))
    }

    /// Applies the decision about a submission that the search did not find.
    async fn not_found(
        &self,
        submission: UncertainSubmission,
        answer: Answer,
        wait_until: Timestamp,
    ) -> Result<(), StoreError> {
        let seen = Observation {
            outage: false,
            wait_until,
        };
        let clock = &*self.journal.clock;
        let age = self
            .ages
            .age(submission.attempt, submission.started_at, clock);
        let call = Call::LookUp {
            age,
            lookups: submission.lookups,
        };
        let facts = self.lane.facts(seen, call, submission.attempts);
        let effect = decide(answer, &facts, self.journal.now(), rand::random());
        match effect.change {
            JobChange::LookUpAgain { due, counted } => {
                let job = submission.job;
                let change = || self.journal.store.schedule_lookup(job, due, counted);
                self.journal.record(job, change).await.map(|_| ())
            }
            JobChange::Requeue { due, reason, .. } => {
                self.give_up(submission, Ok(due), reason).await
            }
            JobChange::Fail { reason, .. } => {
                let failure = reason.failure(None);
                self.give_up(submission, Err(failure), reason).await
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
            hash: hash_if_unchanged(&submission).await,
            accepted_at,
            expires_at: accepted_at.after(self.lane.rules.polling.retention),
            now: self.journal.now(),
        };
        let change = || self.journal.store.adopt(adoption.clone());
        self.ages.forget(submission.attempt);
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
            sha256: submission
                .sent_sha256
                .or(adoption.hash.map(|hash| hash.sha256))
                .map(String::into_boxed_str),
            has_unusable_answer: false,
            relative: submission.recording.relative,
        };
        // If the poll stage has already stopped, the next start polls this generation.
        let _stopped = self.poller.send(pending);
        Ok(())
    }

    /// Ends the look-up without a match. The job is submitted again, or fails and is left to the operator. Its attempt stays
    /// uncertain: nothing proves that it was not accepted.
    async fn give_up(
        &self,
        submission: UncertainSubmission,
        next: Result<Timestamp, Failure>,
        reason: Reason,
    ) -> Result<(), StoreError> {
        let (job, now) = (submission.job, self.journal.now());
        self.ages.forget(submission.attempt);
        let change = || self.journal.store.give_up_lookup(job, next.clone(), now);
        if self.journal.record(job, change).await?.is_none() {
            return Ok(());
        }
        let (name, failure) = (submission.recording.relative, reason.failure(None));
        match next {
            Ok(due) => self.journal.requeued(job, name, failure, due),
            Err(failure) => self.journal.failed(job, name, failure),
        }
        Ok(())
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

/// Returns the hashes of the audio that was sent, if the file has not changed since.
async fn hash_if_unchanged(submission: &UncertainSubmission) -> Option<RecordingHash> {
    let Location::File(path) = submission.recording.location.clone() else {
        return None;
    };
    if submission.has_changed {
        return None;
    }
    let recorded = submission.recording.revision;
    let hashing = tokio::task::spawn_blocking(move || {
        let is_same = || fingerprint::of(&path).is_ok_and(|found| found == recorded);
        let hash = is_same().then(|| recording_hash::of_file(&path).ok());
        hash.flatten().filter(|_| is_same())
    });
    hashing.await.ok().flatten()
}
