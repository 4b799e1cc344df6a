//! The functions of the store, on a real database file.

use crate::harness::{hash_of, identity_of};
use nightscribe::domain::Location;
use nightscribe::domain::quality::Quality;
use nightscribe::domain::search::entry::SearchEntry;
use nightscribe::domain::search::parse::parse;
use nightscribe::domain::transition::{JobEvent, next};
use nightscribe::domain::{
    AttemptId, ErrorClass, Failure, FileRecord, GenerationId, Hold, HoldKind, JobId, JobState,
    RecordingHash, RecordingIdentity, Request, RunId, SoundKey, Timestamp, WrittenFile,
};
use nightscribe::policy::outcome::AttemptOutcome;
use nightscribe::store::compress::{pack, unpack};
use nightscribe::store::sqlite::claims::Claim;
use nightscribe::store::sqlite::duplicates::Duplicate;
use nightscribe::store::sqlite::import::Import;
use nightscribe::store::sqlite::items::ItemFilter;
use nightscribe::store::sqlite::open::DATABASE_FILE;
use nightscribe::store::sqlite::operator::{CancelOutcome, RetryFilter};
use nightscribe::store::sqlite::outputs::Replacement;
use nightscribe::store::sqlite::queue::{Candidate, PendingJob, ReachableSources};
use nightscribe::store::sqlite::recordings::{FoundRecording, RecordOutcome};
use nightscribe::store::sqlite::search::SearchRequest;
use nightscribe::store::sqlite::transitions::{Acceptance, Completion, FailedAttempt, NextState};
use nightscribe::store::sqlite::uncertain::Adoption;
use nightscribe::store::{Store, StoreError};
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

const RAW: &str = "{\"n\": 1.50, \"t\":\"h\\u00e9\"}";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn base_names(name: &OsStr) -> Box<dyn Iterator<Item = OsString> + Send> {
    Box::new(nightscribe::output::naming::base_names(name))
}

/// A store in a temporary folder, with a run in progress.
struct Queue {
    store: Store,
    run: RunId,
    folder: TempDir,
}

impl Queue {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let (run, _) = store.begin_run(1, at(0)).await.unwrap();
        Self { store, run, folder }
    }

    /// Opens another connection to the database.
    async fn database(&self) -> SqliteConnection {
        let path = self.folder.path().join(DATABASE_FILE);
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
        options.connect().await.unwrap()
    }

    /// Reopens the store and starts another run, as after a crash.
    async fn reopened(self) -> (Self, nightscribe::store::sqlite::recovery::Recovered) {
        self.store.close().await;
        let store = Store::open(self.folder.path()).await.unwrap();
        let (run, recovered) = store.begin_run(2, at(500)).await.unwrap();
        (
            Self {
                store,
                run,
                folder: self.folder,
            },
            recovered,
        )
    }

    async fn record(&self, found: FoundRecording) -> RecordOutcome {
        self.store
            .record("talks", &request(), vec![found], base_names, at(0))
            .await
            .unwrap()
    }

    /// Records a file and returns its job.
    async fn job(&self, name: &str) -> JobId {
        self.record(file(name, 100, 1)).await.last_job.unwrap()
    }

    async fn raw(&self, job: JobId) -> String {
        let mut stored = self.store.results(&[job]).await.unwrap();
        let packed = stored.remove(&job).unwrap().into_packed();
        String::from_utf8(unpack(&packed).unwrap()).unwrap()
    }

    async fn claim(&self, job: JobId) -> Result<AttemptId, StoreError> {
        self.claim_with(job, None).await
    }

    async fn claim_with(&self, job: JobId, sha256: Option<&str>) -> Result<AttemptId, StoreError> {
        let identity = sha256.map(identity_of).unwrap_or_default();
        self.claim_as(job, identity).await
    }

    async fn claim_as(
        &self,
        job: JobId,
        identity: RecordingIdentity,
    ) -> Result<AttemptId, StoreError> {
        let request_id = format!(
            "ns-{}-{}",
            job.0,
            self.store.attempts(job).await.unwrap().len()
        );
        self.store
            .claim(Claim {
                job,
                run: self.run,
                client_request_id: request_id,
                duration_s: Some(12.5),
                identity,
                size_bytes: None,
                sent_sha256: None,
                now: at(10),
            })
            .await
    }

    /// Returns the last attempt of a job, or an ID that does not exist.
    async fn last_attempt(&self, job: JobId) -> AttemptId {
        let attempts = self.store.attempts(job).await.unwrap();
        attempts.last().map_or(AttemptId(0), |last| last.id)
    }

    async fn accept(&self, job: JobId, sha256: &str) -> Result<(), StoreError> {
        let attempt = self.last_attempt(job).await;
        self.store
            .accept(Acceptance {
                charged_usd: None,
                job,
                attempt,
                generation: GenerationId::new(format!("g-{}", job.0)).unwrap(),
                accepted_at: at(20),
                expires_at: at(3620 + job.0),
                hash: Some(hash_of(sha256)),
                http_status: 201,
                request_id: Some("r".to_owned()),
            })
            .await
    }

    async fn complete(&self, job: JobId) -> Result<(), StoreError> {
        let attempt = self.last_attempt(job).await;
        self.store
            .complete(Completion {
                charged_usd: None,
                job,
                attempt,
                raw: pack(RAW).into(),
                duration_s: Some(12.6),
                words: 3,
                language: Some("en".to_owned()),
                silent: false,
                quality: Quality::default(),
                hash: None,
                now: at(30),
            })
            .await
    }

    async fn fail_attempt(
        &self,
        job: JobId,
        outcome: AttemptOutcome,
        next_state: NextState,
    ) -> Result<(), StoreError> {
        let attempt = self.last_attempt(job).await;
        let failure = Failure::new(ErrorClass::Server, "it failed");
        let failed_attempt = FailedAttempt {
            job,
            attempt,
            outcome,
            next_state,
            failure,
            http_status: Some(503),
            request_id: None,
            now: at(40),
        };
        self.store.fail_attempt(failed_attempt).await
    }

    /// Claims a job and loses the response.
    async fn make_uncertain(&self, job: JobId) {
        self.claim_with(job, Some(&job.to_string())).await.unwrap();
        self.fail_attempt(
            job,
            AttemptOutcome::Uncertain,
            NextState::Queued {
                due: at(60),
                spent: true,
            },
        )
        .await
        .unwrap();
    }

    async fn adopt(&self, job: JobId) -> Result<(), StoreError> {
        self.adopt_with(job, hash_of("sha")).await
    }

    async fn adopt_with(&self, job: JobId, hash: RecordingHash) -> Result<(), StoreError> {
        let attempt = self.last_attempt(job).await;
        self.store
            .adopt(Adoption {
                job,
                attempt,
                run: self.run,
                generation: GenerationId::new("found").unwrap(),
                hash: Some(hash),
                accepted_at: at(12),
                expires_at: at(3612),
                now: at(70),
            })
            .await
    }

    async fn finish(&self, job: JobId) -> Result<(), StoreError> {
        let files = vec![WrittenFile {
            path: PathBuf::from(format!("/out/{}.txt", job.0)),
            size_bytes: 9,
            sha256: [9; 32],
            changed_at_ns: Some(-1),
        }];
        let words = ["The first words.", "COVID-19"].into_iter();
        let entry = SearchEntry::new(job, words, ["Anna"].into_iter(), None);
        let entry = Arc::new(entry);
        self.store
            .finish_job(job, files, entry, false, at(50))
            .await
    }

    /// Creates a job and brings it into a state in the same way as a run.
    async fn job_in(&self, state: JobState, name: &str) -> JobId {
        let job = self.job(name).await;
        let steps = match state {
            JobState::Queued => 0,
            JobState::Submitting => 1,
            JobState::Pending => 2,
            JobState::Received => 3,
            JobState::Done => 4,
            JobState::Failed => {
                self.store
                    .fail_unsent(
                        job,
                        Failure::new(ErrorClass::Unreadable, "empty"),
                        false,
                        at(5),
                    )
                    .await
                    .unwrap();
                0
            }
            JobState::Cancelled => {
                self.store.cancel(vec![job], at(5)).await.unwrap();
                0
            }
            JobState::Excluded => {
                let failure = Failure::new(ErrorClass::Skipped, "too long");
                let excluded = self.store.exclude(job, failure, None, at(5));
                excluded.await.unwrap();
                0
            }
        };
        if steps > 0 {
            self.claim_with(job, Some(name)).await.unwrap();
        }
        if steps > 1 {
            self.accept(job, name).await.unwrap();
        }
        if steps > 2 {
            self.complete(job).await.unwrap();
        }
        if steps > 3 {
            self.finish(job).await.unwrap();
        }
        job
    }

    async fn state(&self, job: JobId) -> JobState {
        self.store.state_of(job).await.unwrap().unwrap()
    }

    /// Applies an event to a job. Returns whether the store accepted it.
    async fn apply(&self, event: JobEvent, job: JobId, paid: JobId) -> bool {
        let outcome = match event {
            JobEvent::Claimed => self.claim_with(job, Some("own content")).await.map(|_| ()),
            JobEvent::Accepted => self.accept(job, "sha").await,
            JobEvent::Completed => self.complete(job).await,
            JobEvent::Recovered => {
                if self.state(job).await == JobState::Queued {
                    self.make_uncertain(job).await;
                }
                self.adopt(job).await
            }
            JobEvent::Deduplicated => {
                self.store
                    .share_result(job, paid, &identity_of("sha"), at(15))
                    .await
            }
            JobEvent::Imported => self.store.import(import(job, None)).await,
            JobEvent::Written => self.finish(job).await,
            JobEvent::Requeued => {
                self.fail_attempt(
                    job,
                    AttemptOutcome::Deferred,
                    NextState::Queued {
                        due: at(60),
                        spent: false,
                    },
                )
                .await
            }
            JobEvent::Failed => match self
                .fail_attempt(job, AttemptOutcome::Refused, NextState::Failed)
                .await
            {
                Err(StoreError::Stale) => {
                    self.store
                        .fail_unsent(
                            job,
                            Failure::new(ErrorClass::Unreadable, "gone"),
                            true,
                            at(60),
                        )
                        .await
                }
                other => other,
            },
            JobEvent::Cancelled => {
                let outcomes = self.store.cancel(vec![job], at(60)).await.unwrap();
                return outcomes[0].1 == CancelOutcome::Cancelled;
            }
            JobEvent::Excluded => {
                let failure = Failure::new(ErrorClass::Skipped, "too long");
                self.store.exclude(job, failure, None, at(60)).await
            }
            JobEvent::Included => {
                let was_excluded = self.state(job).await == JobState::Excluded;
                self.store.end_exclusions(vec![job], at(60)).await.unwrap();
                return was_excluded;
            }
            JobEvent::Retried => {
                let filter = RetryFilter {
                    jobs: vec![job],
                    ..RetryFilter::default()
                };
                return self.store.retry(filter, at(60)).await.unwrap() == [job];
            }
            JobEvent::Uncancelled => {
                return self.state(job).await == JobState::Cancelled && self.uncancel(job).await;
            }
        };
        match outcome {
            Ok(()) => true,
            Err(StoreError::Stale) => false,
            Err(error) => panic!("{event:?}: {error:?}"),
        }
    }

    /// Cancels a job while it is pending, and retries it. Returns whether it was changed.
    async fn uncancel(&self, cancelled: JobId) -> bool {
        let filter = || RetryFilter {
            jobs: vec![cancelled],
            ..RetryFilter::default()
        };
        self.store.retry(filter(), at(6)).await.unwrap();
        self.claim_with(cancelled, Some("sha")).await.unwrap();
        self.accept(cancelled, "sha").await.unwrap();
        self.store.cancel(vec![cancelled], at(25)).await.unwrap();
        self.store.retry(filter(), at(30)).await.unwrap() == [cancelled]
    }

    async fn candidates(&self, now: i64) -> Vec<Candidate> {
        self.store
            .candidates(&reachable(), at(now), &HashSet::new(), &[], 100)
            .await
            .unwrap()
    }

    async fn candidate(&self, job: JobId) -> Candidate {
        self.candidates(1_000_000)
            .await
            .into_iter()
            .find(|candidate| candidate.job.id == job)
            .unwrap()
    }
}

/// Returns the reachable sources: `talks`, configured and present.
/// Returns the import of a result, with the files that the job then owns.
fn import(job: JobId, files: Option<Vec<WrittenFile>>) -> Import {
    Import {
        job,
        request: request(),
        identity: identity_of("sha"),
        generation: GenerationId::new("g"),
        accepted_at: Some(at(1)),
        received_at: at(2),
        raw: pack("{}").into(),
        duration_s: Some(3.0),
        words: 0,
        language: None,
        silent: true,
        quality: Quality::default(),
        files,
        now: at(15),
    }
}

async fn pending(store: &Store) -> Vec<PendingJob> {
    let (sender, mut pages) = tokio::sync::mpsc::channel(9);
    store.read_pending(&sender).await.unwrap();
    drop(sender);
    let mut all = Vec::new();
    while let Some(page) = pages.recv().await {
        all.extend(page.unwrap());
    }
    all
}

fn reachable() -> ReachableSources {
    ReachableSources {
        configured: vec!["talks".to_owned()],
        present: vec!["talks".to_owned()],
        only: None,
    }
}

fn request() -> Request {
    Request::new("m", [("diarize".to_owned(), true.into())])
}

fn file(name: &str, size_bytes: u64, modified: i64) -> FoundRecording {
    FoundRecording {
        location: Location::File(Path::new("/talks").join(name)),
        relative: PathBuf::from(name),
        size_bytes,
        modified: at(modified),
    }
}

#[tokio::test]
async fn the_commit_of_done_writes_the_search_entry() {
    let queue = Queue::open().await;
    let received = queue.job_in(JobState::Received, "received.wav").await;
    let done = queue.job_in(JobState::Done, "done.wav").await;
    assert_eq!(queue.store.search_backlog_size().await.unwrap(), 0);
    let request = |max_ranked| SearchRequest {
        query: parse("covid-19 speaker:anna").unwrap(),
        from: None,
        until: None,
        max_ranked,
    };
    let found = queue.store.search(&request(9)).await.unwrap();
    assert_eq!((found.jobs, found.is_limited), (vec![done], false));
    queue.finish(received).await.unwrap();
    let found = queue.store.search(&request(1)).await.unwrap();
    assert_eq!((found.jobs, found.is_limited), (vec![done], true));
}

#[tokio::test]
async fn events_apply_only_in_the_allowed_states() {
    for state in JobState::ALL {
        for event in JobEvent::ALL {
            let queue = Queue::open().await;
            let paid = queue.job_in(JobState::Done, "paid.wav").await;
            let job = queue.job_in(state, "job.wav").await;
            assert_eq!(queue.state(job).await, state);
            let expected = next(state, event);
            let applied = queue.apply(event, job, paid).await;
            assert_eq!(applied, expected.is_ok(), "{event:?} in state {state}");
            assert_eq!(
                queue.state(job).await,
                expected.unwrap_or(state),
                "{event:?} in state {state}"
            );
        }
    }
}

#[tokio::test]
async fn an_imported_job_with_its_files_is_done() {
    let queue = Queue::open().await;
    let job = queue.job_in(JobState::Queued, "a.wav").await;
    let paths = ["/out/a.txt", "/out/b.txt"].map(PathBuf::from);
    assert_eq!(queue.store.unrecorded(&paths).await.unwrap(), [0, 1]);
    let written = WrittenFile {
        path: paths[1].clone(),
        size_bytes: 3,
        sha256: [1; 32],
        changed_at_ns: None,
    };
    let import = import(job, Some(vec![written]));
    queue.store.import(import.clone()).await.unwrap();
    assert_eq!(queue.state(job).await, JobState::Done);
    assert_eq!(queue.raw(job).await, "{}");
    assert_eq!(queue.store.unrecorded(&paths).await.unwrap(), [0]);
    assert!(matches!(
        queue.store.import(import).await,
        Err(StoreError::Stale)
    ));
    // It was paid for, but not by this queue.
    let summary = queue
        .store
        .summary_between(at(0), at(1000), 1)
        .await
        .unwrap();
    assert_eq!((summary.done, summary.billed), (1, Vec::new()));
}

#[tokio::test]
async fn a_recorded_file_is_known_until_it_changes() {
    let queue = Queue::open().await;
    let found = file("a.wav", 100, 1);
    assert_eq!(
        queue
            .store
            .new_or_changed("talks", vec![found.clone()])
            .await
            .unwrap()
            .unknown
            .len(),
        1
    );
    let first = queue.record(found.clone()).await;
    assert_eq!((first.new, first.changed, first.known), (1, 0, 0));
    assert!(
        queue
            .store
            .new_or_changed("talks", vec![found.clone()])
            .await
            .unwrap()
            .unknown
            .is_empty()
    );
    assert_eq!(queue.record(found.clone()).await.known, 1);
    let changed = file("a.wav", 200, 1);
    assert_eq!(
        queue
            .store
            .new_or_changed("talks", vec![changed.clone()])
            .await
            .unwrap()
            .changed,
        1
    );
    let second = queue.record(changed).await;
    assert_eq!(
        (second.changed, second.last_job),
        (1, first.last_job),
        "a queued job takes the new revision"
    );
    assert_eq!(
        queue
            .candidate(first.last_job.unwrap())
            .await
            .recording
            .revision
            .size_bytes,
        200
    );
}

#[tokio::test]
async fn only_a_done_job_gets_a_successor_when_its_file_changes() {
    let queue = Queue::open().await;
    let done = queue.job_in(JobState::Done, "done.wav").await;
    let failed = queue.job_in(JobState::Failed, "failed.wav").await;
    let new = queue
        .record(file("done.wav", 100, 2))
        .await
        .last_job
        .unwrap();
    assert_ne!(new, done);
    assert_eq!(queue.state(done).await, JobState::Done);
    assert_eq!(
        queue.record(file("failed.wav", 100, 2)).await.last_job,
        Some(failed)
    );
    assert_eq!(queue.state(failed).await, JobState::Queued);
}

#[tokio::test]
async fn base_names_are_unique_in_a_folder() {
    let queue = Queue::open().await;
    for name in ["talk.mp3", "talk.wav", "other/talk.ogg"] {
        queue.job_in(JobState::Received, name).await;
    }
    let received = queue
        .store
        .received(at(100), &HashSet::new(), 10)
        .await
        .unwrap();
    let base_names: Vec<_> = received
        .iter()
        .map(|received| received.base_name.to_str().unwrap().to_owned())
        .collect();
    assert_eq!(base_names, ["talk", "talk.wav", "talk"]);
}

#[tokio::test]
async fn jobs_in_flight_are_excluded() {
    let queue = Queue::open().await;
    let (first, second) = (queue.job("a.wav").await, queue.job("b.wav").await);
    let (reachable, in_flight) = (reachable(), HashSet::from([first]));
    let candidates = queue
        .store
        .candidates(&reachable, at(500), &in_flight, &[], 1);
    assert_eq!(candidates.await.unwrap()[0].job.id, second);

    queue.job_in(JobState::Received, "c.wav").await;
    let other = queue.job_in(JobState::Received, "d.wav").await;
    let received = async |in_flight: &HashSet<_>| {
        let received = queue.store.received(at(500), in_flight, 1);
        received.await.unwrap().remove(0)
    };
    let in_flight = HashSet::from([received(&HashSet::new()).await.recording_id]);
    assert_eq!(received(&in_flight).await.job, other);
}

#[tokio::test]
async fn candidates_are_due_reachable_and_not_duplicates() {
    let queue = Queue::open().await;
    let (now, later, gone) = (
        queue.job("now.wav").await,
        queue.job("later.wav").await,
        queue.job("gone.wav").await,
    );
    queue
        .store
        .postpone(later, at(500), None, None, at(1))
        .await
        .unwrap();
    let other = queue
        .store
        .record(
            "other",
            &request(),
            vec![file("o.wav", 1, 1)],
            base_names,
            at(0),
        )
        .await
        .unwrap();
    let in_flight = queue.job_in(JobState::Pending, "in-flight.wav").await;
    queue
        .store
        .postpone(gone, at(0), Some(in_flight), None, at(1))
        .await
        .unwrap();
    let jobs = |candidates: Vec<Candidate>| {
        candidates
            .into_iter()
            .map(|candidate| candidate.job.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(jobs(queue.candidates(100).await), [now]);
    assert_eq!(
        queue.store.next_due(&reachable(), at(100)).await.unwrap(),
        Some(at(500))
    );
    assert_eq!(jobs(queue.candidates(500).await), [now, later]);
    assert_eq!(
        queue.store.next_due(&reachable(), at(500)).await.unwrap(),
        None
    );
    queue.complete(in_flight).await.unwrap();
    let mut free = jobs(queue.candidates(500).await);
    free.sort();
    assert_eq!(free, [now, later, gone]);
    let all = ReachableSources {
        configured: vec![],
        present: vec!["talks".to_owned(), "other".to_owned()],
        only: None,
    };
    assert!(
        jobs(
            queue
                .store
                .candidates(&all, at(500), &HashSet::new(), &[], 9)
                .await
                .unwrap()
        )
        .contains(&other.last_job.unwrap())
    );
}

#[tokio::test]
async fn a_url_needs_only_a_configured_source() {
    let queue = Queue::open().await;
    let found = FoundRecording {
        location: Location::Url("https://a.org/b.mp3".to_owned()),
        relative: "b.mp3".into(),
        size_bytes: 0,
        modified: at(0),
    };
    let job = queue.record(found).await.last_job.unwrap();
    let reachable = ReachableSources {
        configured: vec!["talks".to_owned()],
        present: Vec::new(),
        only: None,
    };
    assert_eq!(
        queue
            .store
            .candidates(&reachable, at(9), &HashSet::new(), &[], 9)
            .await
            .unwrap()[0]
            .job
            .id,
        job
    );
    assert!(
        queue
            .store
            .remaining_work(&reachable, &[])
            .await
            .unwrap()
            .queued
    );
    assert!(
        queue
            .store
            .candidates(&ReachableSources::default(), at(9), &HashSet::new(), &[], 9)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn every_spelling_of_a_model_is_a_duplicate() {
    let queue = Queue::open().await;
    let paid = queue.job_in(JobState::Done, "paid.wav").await;
    let job = queue.job("mine.wav").await;
    for spelling in ["m", "Vendor/M", "#g1_m", " #G1_M"] {
        let request = Request::from_json(spelling, &request().options_json()).unwrap();
        let changed = queue
            .store
            .reconfigure(vec![("talks".to_owned(), request.clone())], at(1));
        changed.await.unwrap();
        let candidate = queue.candidate(job).await;
        assert_eq!(candidate.job.request.model(), spelling);
        assert!(
            queue
                .store
                .may_have_duplicate(&candidate, None)
                .await
                .unwrap()
        );
        let found = queue
            .store
            .find_duplicate(&candidate, &identity_of("paid.wav"))
            .await;
        assert_eq!(found.unwrap(), Some(Duplicate::Paid(paid)), "{spelling}");
    }
}

#[tokio::test]
async fn the_database_and_the_program_name_a_model_alike() {
    let queue = Queue::open().await;
    let job = queue.job("a.wav").await;
    for model in [
        "#g1_nova-2-general",
        "deepgram/nova-2",
        "Nova-3",
        "Deepgram/NOVA-3",
        "#g1_deepgram/whisper-large",
        "aai/universal",
        "a/b/c",
        "openai/nova-2",
        "",
    ] {
        let request = Request::new(model, []);
        let changed = queue
            .store
            .reconfigure(vec![("talks".to_owned(), request.clone())], at(1));
        changed.await.unwrap();
        let closed = [request.model_key()];
        let reach = reachable();
        let seen = HashSet::new();
        let others = queue.store.candidates(&reach, at(9), &seen, &closed, 9);
        assert!(others.await.unwrap().is_empty(), "{model}");
        let left = queue.store.remaining_work(&reach, &closed).await.unwrap();
        assert!(!left.queued, "{model}");
    }
    assert!(
        queue
            .candidates(9)
            .await
            .iter()
            .any(|found| found.job.id == job)
    );
}

#[tokio::test]
async fn duplicates_are_found_when_paid_or_in_flight() {
    let queue = Queue::open().await;
    let job = queue.job("mine.wav").await;
    let candidate = queue.candidate(job).await;
    assert!(
        !queue
            .store
            .may_have_duplicate(&candidate, None)
            .await
            .unwrap()
    );
    let duplicate = queue.job_in(JobState::Submitting, "duplicate.wav").await;
    assert!(
        queue
            .store
            .may_have_duplicate(&candidate, None)
            .await
            .unwrap()
    );
    assert_eq!(
        queue
            .store
            .find_duplicate(&candidate, &identity_of("duplicate.wav"))
            .await
            .unwrap(),
        Some(Duplicate::InFlight(duplicate))
    );
    assert_eq!(
        queue
            .store
            .find_duplicate(&candidate, &identity_of("other"))
            .await
            .unwrap(),
        None
    );
    queue.accept(duplicate, "duplicate.wav").await.unwrap();
    queue.complete(duplicate).await.unwrap();
    assert_eq!(
        queue
            .store
            .find_duplicate(&candidate, &identity_of("duplicate.wav"))
            .await
            .unwrap(),
        Some(Duplicate::Paid(duplicate))
    );
    queue
        .store
        .share_result(job, duplicate, &identity_of("duplicate.wav"), at(31))
        .await
        .unwrap();
    assert_eq!(queue.raw(job).await, RAW);
    assert_eq!(
        queue.store.item(job).await.unwrap().unwrap().paid_by,
        Some(duplicate)
    );
}

#[tokio::test]
async fn possible_duplicates_are_not_claimed_together() {
    let queue = Queue::open().await;
    let jobs = [
        queue.job("a.wav").await,
        queue.job("b.wav").await,
        queue.job("c.wav").await,
    ];
    queue.claim_with(jobs[0], Some("same")).await.unwrap();
    assert!(matches!(
        queue.claim_with(jobs[1], Some("same")).await,
        Err(StoreError::Stale)
    ));
    assert!(
        matches!(
            queue.claim_with(jobs[1], None).await,
            Err(StoreError::Stale)
        ),
        "its hash is unknown, so it may be a duplicate"
    );
    queue.claim_with(jobs[2], Some("other")).await.unwrap();
    queue.accept(jobs[0], "same").await.unwrap();
    assert!(
        matches!(
            queue.claim_with(jobs[1], Some("same")).await,
            Err(StoreError::Stale)
        ),
        "the first is still in flight"
    );
}

#[tokio::test]
async fn an_unspent_attempt_is_not_counted() {
    let queue = Queue::open().await;
    let job = queue.job("a.wav").await;
    for (spent, attempts) in [(false, 0), (true, 1), (true, 2)] {
        queue.claim(job).await.unwrap();
        queue
            .fail_attempt(
                job,
                AttemptOutcome::Deferred,
                NextState::Queued { due: at(60), spent },
            )
            .await
            .unwrap();
        assert_eq!(queue.candidate(job).await.job.attempts, attempts);
    }
    let history = queue.store.attempts(job).await.unwrap();
    assert_eq!(history.len(), 3);
    assert!(
        history
            .iter()
            .all(|attempt| attempt.outcome == "deferred" && attempt.http_status == Some(503))
    );
}

#[tokio::test]
async fn pending_jobs_are_ordered_by_expiry() {
    let queue = Queue::open().await;
    let (first, second) = (
        queue.job_in(JobState::Pending, "a.wav").await,
        queue.job_in(JobState::Pending, "b.wav").await,
    );
    let pending = pending(&queue.store).await;
    assert_eq!([pending[0].job, pending[1].job], [first, second]);
    assert_eq!(
        (pending[0].generation.as_str(), pending[0].attempts),
        (format!("g-{first}").as_str(), 1)
    );
    assert_eq!(
        (pending[0].duration_s, pending[0].expires_at),
        (Some(12.5), at(3620 + first.0))
    );
    assert_eq!(pending.len(), 2);
    assert_eq!(
        queue.store.overview(at(0)).await.unwrap().next_expiry,
        Some(at(3620 + first.0))
    );
    let snapshot = queue.store.tick_snapshot().await.unwrap();
    assert_eq!(snapshot.next_expiry, Some(at(3620 + first.0)));
    assert_eq!(snapshot.counts[&JobState::Pending], 2);
    assert_eq!(snapshot.counts[&JobState::Failed], 0);
}

#[tokio::test]
async fn pending_jobs_with_equal_expiry_are_listed_once() {
    let queue = Queue::open().await;
    let first = queue.job_in(JobState::Pending, "a.wav").await;
    let mut database = queue.database().await;
    // More jobs with the same expiry than one page holds.
    let numbers =
        "WITH RECURSIVE n (i) AS (VALUES (2) UNION ALL SELECT i + 1 FROM n WHERE i < 3500)";
    for (table, columns, values) in [
        (
            "recordings",
            "id, source, kind, location, relative, base_name, folder, recorded_at, seen_at",
            "i, source, kind, CAST(i AS BLOB), relative, CAST(i AS BLOB), folder, recorded_at, seen_at",
        ),
        (
            "jobs",
            "id, recording_id, model, options, state, due_at, run_id, generation_id, accepted_at, expires_at, created_at, updated_at",
            "i, i, model, options, state, due_at, run_id, 'g-' || i, accepted_at, expires_at + 100 * (i / 1500), created_at, updated_at",
        ),
        (
            "attempts",
            "job_id, run_id, client_request_id, started_at, outcome, generation_id",
            "i, run_id, 'r-' || i, started_at, outcome, 'g-' || i",
        ),
    ] {
        let insert = format!(
            "{numbers} INSERT INTO {table} ({columns}) SELECT {values} FROM {table}, n WHERE {table}.id = 1"
        );
        let inserted = sqlx::query(sqlx::AssertSqlSafe(insert)).execute(&mut database);
        inserted.await.unwrap();
    }
    let pending = pending(&queue.store).await;
    assert_eq!(first, JobId(1));
    let jobs: Vec<_> = pending.iter().map(|pending| pending.job.0).collect();
    assert_eq!(jobs, (1..=3500).collect::<Vec<_>>());
    assert_eq!(pending[3499].generation.as_str(), "g-3500");
}

#[tokio::test]
async fn a_result_is_stored_unchanged_with_its_files() {
    let queue = Queue::open().await;
    let job = queue.job_in(JobState::Received, "a.wav").await;
    assert_eq!(queue.raw(job).await, RAW);
    let received = queue
        .store
        .received(at(30), &HashSet::new(), 9)
        .await
        .unwrap()
        .remove(0);
    assert_eq!(
        (received.job, received.generation.unwrap().as_str()),
        (job, format!("g-{job}").as_str())
    );
    let failure = Failure::new(ErrorClass::Output, "full");
    queue
        .store
        .postpone_write(job, failure, at(90), at(31))
        .await
        .unwrap();
    assert!(
        queue
            .store
            .received(at(89), &HashSet::new(), 9)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(queue.store.next_write().await.unwrap(), Some(at(90)));
    queue.finish(job).await.unwrap();
    let path = PathBuf::from(format!("/out/{job}.txt"));
    let other = queue.job_in(JobState::Done, "b.wav").await;
    assert_ne!(other, job);
    // Paths are bytes and need not be UTF-8.
    let non_utf8 = PathBuf::from(OsStr::from_bytes(b"/out/odd\xff"));
    let export = WrittenFile {
        path: non_utf8.clone(),
        size_bytes: 1,
        sha256: [1; 32],
        changed_at_ns: None,
    };
    queue
        .store
        .record_export(job, vec![export], at(60))
        .await
        .unwrap();
    assert_eq!(
        queue.store.outputs(job).await.unwrap(),
        [path.clone(), non_utf8.clone()]
    );
    let outputs = queue
        .store
        .outputs_of(&[received.recording_id])
        .await
        .unwrap();
    let finished = FileRecord {
        size_bytes: 9,
        sha256: Some([9; 32]),
        changed_at_ns: Some(-1),
        replacing: None,
    };
    let exported = FileRecord {
        size_bytes: 1,
        sha256: Some([1; 32]),
        ..FileRecord::default()
    };
    let records = [(path, finished), (non_utf8, exported)].into();
    assert_eq!(outputs, [(received.recording_id, records)].into());
    assert_eq!(queue.store.jobs_with_result().await.unwrap(), [job, other]);
    let received = queue.store.with_results(&[job, JobId(99)]).await.unwrap();
    assert_eq!(Vec::from_iter(received.keys()), [&job]);
}

#[tokio::test]
async fn a_replacement_is_recorded_until_the_file_is() {
    let queue = Queue::open().await;
    let job = queue.job_in(JobState::Done, "a.wav").await;
    let path = PathBuf::from(OsStr::from_bytes(b"/out/odd\xff"));
    let written = |sha256| WrittenFile {
        path: path.clone(),
        size_bytes: 1,
        sha256,
        changed_at_ns: Some(7),
    };
    let record = async || {
        let received = queue.store.with_results(&[job]).await.unwrap();
        let received = &received[&job];
        let recordings = [received.recording_id];
        let outputs = queue.store.outputs_of(&recordings).await;
        outputs.unwrap()[&received.recording_id][&path].clone()
    };
    let export = |sha256| {
        queue
            .store
            .record_export(job, vec![written(sha256)], at(60))
    };
    export([1; 32]).await.unwrap();
    let replacement = Replacement {
        path: path.clone(),
        present_size_bytes: 2,
        present: [2; 32],
        new: [3; 32],
    };
    let replacing = queue.store.record_replacing(vec![replacement]);
    replacing.await.unwrap();
    let expected = FileRecord {
        size_bytes: 2,
        sha256: Some([2; 32]),
        changed_at_ns: Some(7),
        replacing: Some([3; 32]),
    };
    assert_eq!(record().await, expected);
    export([3; 32]).await.unwrap();
    assert_eq!(record().await.replacing, None);
    assert_eq!(record().await.sha256, Some([3; 32]));
}

#[tokio::test]
async fn a_start_recovers_the_jobs_of_a_crashed_run() {
    let queue = Queue::open().await;
    let mut jobs = Vec::new();
    for state in [
        JobState::Submitting,
        JobState::Pending,
        JobState::Received,
        JobState::Done,
    ] {
        jobs.push(queue.job_in(state, &format!("{state}.wav")).await);
    }
    let (queue, recovered) = queue.reopened().await;
    assert_eq!(
        (recovered.uncertain, recovered.pending, recovered.received),
        (1, 1, 1)
    );
    let expected = [
        JobState::Queued,
        JobState::Pending,
        JobState::Received,
        JobState::Done,
    ];
    for (job, state) in jobs.iter().zip(expected) {
        assert_eq!(queue.state(*job).await, state);
    }
    assert_eq!(
        queue.store.attempts(jobs[0]).await.unwrap()[0].outcome,
        "uncertain"
    );
    assert_eq!(
        queue.store.uncertain_submissions(at(500)).await.unwrap()[0].job,
        jobs[0]
    );
    assert!(
        queue.candidates(1000).await.is_empty(),
        "an uncertain submission is looked up before a retry"
    );
}

#[tokio::test]
async fn a_lost_response_is_uncertain_until_recovered() {
    let queue = Queue::open().await;
    let job = queue.job("a.wav").await;
    assert_eq!(queue.store.next_lookup().await.unwrap(), None);
    queue.make_uncertain(job).await;
    assert_eq!(queue.store.next_lookup().await.unwrap(), Some(at(60)));
    assert!(
        queue
            .store
            .uncertain_submissions(at(59))
            .await
            .unwrap()
            .is_empty()
    );
    assert!(matches!(queue.claim(job).await, Err(StoreError::Stale)));
    queue
        .store
        .schedule_lookup(job, at(90), true)
        .await
        .unwrap();
    queue
        .store
        .schedule_lookup(job, at(95), false)
        .await
        .unwrap();
    let uncertain = queue
        .store
        .uncertain_submissions(at(95))
        .await
        .unwrap()
        .remove(0);
    assert_eq!(
        (uncertain.lookups, uncertain.attempts, uncertain.started_at),
        (1, 1, at(10))
    );
    assert_eq!(
        uncertain.client_request_id,
        queue.store.attempts(job).await.unwrap()[0].client_request_id
    );
    queue.adopt(job).await.unwrap();
    let pending = pending(&queue.store).await.remove(0);
    assert_eq!(
        (
            pending.generation.as_str(),
            pending.expires_at,
            pending.attempts
        ),
        ("found", at(3612), 1)
    );
    assert_eq!(queue.store.overview(at(0)).await.unwrap().perhaps_paid, 0);
    assert!(matches!(queue.adopt(job).await, Err(StoreError::Stale)));
}

#[tokio::test]
async fn an_unanswered_lookup_requeues_or_fails_the_job() {
    let queue = Queue::open().await;
    let (requeued, failed) = (queue.job("a.wav").await, queue.job("b.wav").await);
    for job in [requeued, failed] {
        queue.make_uncertain(job).await;
    }
    queue
        .store
        .give_up_lookup(requeued, Ok(at(80)), at(70))
        .await
        .unwrap();
    let failure = Failure::new(ErrorClass::Network, "lost");
    queue
        .store
        .give_up_lookup(failed, Err(failure), at(70))
        .await
        .unwrap();
    assert_eq!(queue.candidates(80).await[0].job.id, requeued);
    assert_eq!(queue.state(failed).await, JobState::Failed);
    assert_eq!(queue.store.overview(at(0)).await.unwrap().perhaps_paid, 2);
    assert!(matches!(
        queue
            .store
            .give_up_lookup(requeued, Ok(at(80)), at(70))
            .await,
        Err(StoreError::Stale)
    ));
    queue.make_uncertain(requeued).await;
    assert_eq!(
        queue.store.cancel(vec![requeued], at(90)).await.unwrap()[0].1,
        CancelOutcome::Cancelled
    );
    assert!(
        queue
            .store
            .uncertain_submissions(at(1000))
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn only_queued_jobs_follow_the_configuration() {
    let queue = Queue::open().await;
    let (queued, done) = (
        queue.job("q.wav").await,
        queue.job_in(JobState::Done, "d.wav").await,
    );
    let newer = Request::new("newer", []);
    assert_eq!(
        queue
            .store
            .reconfigure(vec![("talks".to_owned(), newer.clone())], at(1))
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        queue
            .store
            .reconfigure(vec![("talks".to_owned(), newer.clone())], at(1))
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        queue.store.item(queued).await.unwrap().unwrap().job.request,
        newer
    );
    assert_eq!(
        queue.store.item(done).await.unwrap().unwrap().job.request,
        request()
    );
}

#[tokio::test]
async fn a_repeated_hold_keeps_its_start() {
    let queue = Queue::open().await;
    queue
        .store
        .hold(Hold::new(HoldKind::Credit, at(1), "first".to_owned()))
        .await
        .unwrap();
    queue
        .store
        .hold(Hold::new(HoldKind::Credit, at(2), "again".to_owned()))
        .await
        .unwrap();
    let holds = queue.store.holds().await.unwrap();
    assert_eq!(
        (holds.len(), holds[0].since, holds[0].message.as_str()),
        (1, at(1), "again")
    );
    assert!(queue.store.release(HoldKind::Credit).await.unwrap());
    assert!(!queue.store.release(HoldKind::Credit).await.unwrap());
}

#[tokio::test]
async fn lists_are_newest_first_and_filtered() {
    let queue = Queue::open().await;
    let (failed, done) = (
        queue.job_in(JobState::Failed, "f.wav").await,
        queue.job_in(JobState::Done, "d.wav").await,
    );
    let ids = |filter: ItemFilter| {
        let store = queue.store.clone();
        async move {
            store
                .list(&filter)
                .await
                .unwrap()
                .into_iter()
                .map(|item| item.job.id)
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(ids(ItemFilter::default()).await, [done, failed]);
    assert_eq!(
        ids(ItemFilter {
            states: vec![JobState::Failed],
            ..ItemFilter::default()
        })
        .await,
        [failed]
    );
    assert_eq!(
        ids(ItemFilter {
            source: Some("none".to_owned()),
            ..ItemFilter::default()
        })
        .await,
        []
    );
    assert_eq!(
        ids(ItemFilter {
            before: Some(done),
            ..ItemFilter::default()
        })
        .await,
        [failed]
    );
    assert_eq!(
        ids(ItemFilter {
            limit: Some(1),
            ..ItemFilter::default()
        })
        .await,
        [done]
    );
    assert_eq!(
        queue
            .store
            .items_at(Path::new("/talks/d.wav"))
            .await
            .unwrap()[0]
            .job
            .id,
        done
    );
    let counts = queue.store.counts().await.unwrap();
    assert_eq!(
        (
            counts[&JobState::Done],
            counts[&JobState::Failed],
            counts[&JobState::Queued]
        ),
        (1, 1, 0)
    );
}

#[tokio::test]
async fn only_other_processes_change_the_version() {
    let queue = Queue::open().await;
    let before = queue.store.tick_snapshot().await.unwrap().version;
    queue.job("a.wav").await;
    assert_eq!(queue.store.tick_snapshot().await.unwrap().version, before);
    let other = Store::open(queue.folder.path()).await.unwrap();
    other
        .hold(Hold::new(HoldKind::Operator, at(1), "paused".to_owned()))
        .await
        .unwrap();
    assert_ne!(queue.store.tick_snapshot().await.unwrap().version, before);
}

#[tokio::test]
async fn concurrent_claims_get_separate_results() {
    let queue = Queue::open().await;
    let jobs: Vec<_> = {
        let mut jobs = Vec::new();
        for number in 0..200 {
            jobs.push(queue.job(&format!("{number}.wav")).await);
        }
        jobs
    };
    let claims = jobs.iter().chain(&jobs).map(|job| {
        let (store, run, job) = (queue.store.clone(), queue.run, *job);
        async move {
            let claim = Claim {
                job,
                run,
                client_request_id: format!("ns-{}-{:?}", job.0, std::time::Instant::now()),
                duration_s: None,
                identity: identity_of(job.to_string()),
                size_bytes: None,
                sent_sha256: None,
                now: at(1),
            };
            store.claim(claim).await
        }
    });
    let outcomes = futures_util::future::join_all(claims).await;
    let (claimed, stale): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!((claimed.len(), stale.len()), (200, 200));
    assert!(
        stale
            .iter()
            .all(|outcome| matches!(outcome, Err(StoreError::Stale)))
    );
    assert_eq!(
        queue.store.counts().await.unwrap()[&JobState::Submitting],
        200
    );
}

#[tokio::test]
async fn the_tick_snapshot_does_not_wait_for_writers() {
    let queue = Queue::open().await;
    let mut other = queue.database().await;
    let writing = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    assert_eq!(queue.store.tick_snapshot().await.unwrap().next_expiry, None);
    drop(writing);
}

#[tokio::test]
async fn a_commit_of_any_process_changes_the_mark_of_the_files() {
    let queue = Queue::open().await;
    let mut other = queue.database().await;
    let mut last = queue.store.file_mark();
    for _ in 0..3 {
        // File systems round the times.
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert_eq!(queue.store.file_mark(), last);
        sqlx::query("UPDATE runs SET pid = pid + 1")
            .execute(&mut other)
            .await
            .unwrap();
        assert_ne!(queue.store.file_mark(), last);
        last = queue.store.file_mark();
    }
}

#[tokio::test]
async fn each_source_gets_its_own_configuration() {
    let queue = Queue::open().await;
    assert!(!queue.store.has_queued().await.unwrap());
    let first = queue.job("a.wav").await;
    let found = vec![file("a.wav", 100, 1)];
    let other = queue
        .store
        .record("other", &request(), found, base_names, at(0))
        .await
        .unwrap();
    let requests = [("talks", "x"), ("other", "y"), ("unused", "z")];
    let requests = requests.map(|(source, model)| (source.to_owned(), Request::new(model, [])));
    let changed = queue.store.reconfigure(requests.to_vec(), at(1)).await;
    assert_eq!(changed.unwrap(), 2);
    for (job, model) in [(first, "x"), (other.last_job.unwrap(), "y")] {
        let item = queue.store.item(job).await.unwrap().unwrap();
        assert_eq!(item.job.request.model(), model);
    }
    assert!(queue.store.has_queued().await.unwrap());
}

#[tokio::test]
async fn a_closed_store_is_one_file_and_rejects_changes() {
    let queue = Queue::open().await;
    let job = queue.job("a.wav").await;
    let other = queue.store.clone();
    queue.store.close().await;
    let files = std::fs::read_dir(queue.folder.path()).unwrap();
    let files: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, [DATABASE_FILE]);
    let late = other.cancel(vec![job], at(1)).await;
    assert!(matches!(late, Err(StoreError::Closed)), "{late:?}");
}

#[tokio::test]
async fn a_foreign_or_newer_database_is_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(DATABASE_FILE);
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true);
    let mut foreign = options.connect().await.unwrap();
    sqlx::query("CREATE TABLE foreign_table (x)")
        .execute(&mut foreign)
        .await
        .unwrap();
    sqlx::Connection::close(foreign).await.unwrap();
    assert!(matches!(
        Store::open(folder.path()).await,
        Err(StoreError::Foreign { .. })
    ));
    std::fs::remove_file(&path).unwrap();
    Store::open(folder.path()).await.unwrap().close().await;
    let mut database = options.connect().await.unwrap();
    sqlx::query("UPDATE _sqlx_migrations SET version = 99999999 WHERE version = 1")
        .execute(&mut database)
        .await
        .unwrap();
    sqlx::Connection::close(database).await.unwrap();
    assert!(matches!(
        Store::open(folder.path()).await,
        Err(StoreError::Newer { .. })
    ));
}

#[tokio::test]
async fn a_stale_change_does_not_fail_its_batch() {
    let queue = Queue::open().await;
    let [first, second, third] = [
        queue.job_in(JobState::Pending, "a.wav").await,
        queue.job_in(JobState::Pending, "b.wav").await,
        queue.job_in(JobState::Pending, "c.wav").await,
    ];
    queue.store.cancel(vec![second], at(5)).await.unwrap();
    let (a, b, c) = tokio::join!(
        queue.complete(first),
        queue.complete(second),
        queue.complete(third)
    );
    assert!(a.is_ok() && c.is_ok(), "{a:?} {c:?}");
    assert!(matches!(b, Err(StoreError::Stale)), "{b:?}");
    let (a, b, c) = tokio::join!(
        queue.finish(first),
        queue.finish(second),
        queue.finish(third)
    );
    assert!(a.is_ok() && c.is_ok(), "{a:?} {c:?}");
    assert!(matches!(b, Err(StoreError::Stale)), "{b:?}");
}

#[tokio::test]
async fn unknown_states_are_rejected_without_a_temporary_table() {
    let queue = Queue::open().await;
    queue.job_in(JobState::Done, "a.wav").await;
    let mut database = queue.database().await;
    for step in [
        "UPDATE jobs SET state = 'lost' WHERE id = 1",
        "UPDATE attempts SET outcome = 'done' WHERE id = 1",
    ] {
        let explain = sqlx::AssertSqlSafe(format!("EXPLAIN {step}"));
        let program = sqlx::query(explain).fetch_all(&mut database).await.unwrap();
        // SQLite fills an ephemeral table per row for an IN list of more than two values in a CHECK.
        let mut codes = program.iter().map(|row| row.get::<String, _>("opcode"));
        assert!(codes.all(|code| code != "OpenEphemeral"), "{step}");
        let error = sqlx::query(step).execute(&mut database).await.unwrap_err();
        assert!(error.to_string().contains("CHECK constraint"), "{error}");
    }
}

#[tokio::test]
async fn the_overview_counts_recent_completions() {
    let queue = Queue::open().await;
    queue.job_in(JobState::Done, "a.wav").await;
    let since = |seconds| queue.store.overview(at(seconds));
    assert_eq!(since(30).await.unwrap().done_since, 1);
    assert_eq!(since(31).await.unwrap().done_since, 0);
    let runner = since(0).await.unwrap().active_run.unwrap();
    assert_eq!((runner.pid, runner.since), (1, at(0)));
    queue.store.end_run(queue.run, at(9)).await.unwrap();
    assert_eq!(since(0).await.unwrap().active_run, None);
}

#[tokio::test]
async fn a_retried_job_whose_transcription_has_expired_is_queued() {
    let queue = Queue::open().await;
    let job = queue.job_in(JobState::Pending, "a.wav").await;
    queue.store.cancel(vec![job], at(25)).await.unwrap();
    let filter = RetryFilter {
        jobs: vec![job],
        ..RetryFilter::default()
    };
    let retried = queue.store.retry(filter, at(100_000)).await.unwrap();
    assert_eq!(retried, [job]);
    assert_eq!(queue.state(job).await, JobState::Queued);
}

#[tokio::test]
async fn a_recording_that_changes_while_uncertain_gets_a_job_of_its_own() {
    let queue = Queue::open().await;
    let first = queue.job("a.wav").await;
    queue.make_uncertain(first).await;
    let uncertain = async || {
        let due = queue.store.uncertain_submissions(at(1000)).await;
        due.unwrap().remove(0)
    };
    assert!(!uncertain().await.has_changed);
    let changed = vec![file("a.wav", 120, 9)];
    let request = request();
    let record = queue
        .store
        .record("talks", &request, changed, base_names, at(20));
    let second = record.await.unwrap().last_job.unwrap();
    assert_ne!(second, first);
    assert!(uncertain().await.has_changed);
    // The earlier content may be transcribed. The new one waits, so that its transcript is the last one written.
    assert!(queue.candidates(30).await.is_empty());
    queue.adopt(first).await.unwrap();
    queue.complete(first).await.unwrap();
    assert!(queue.candidates(30).await.is_empty());
    assert_eq!(queue.state(second).await, JobState::Queued);
}

#[tokio::test]
async fn equal_content_waits_for_an_uncertain_submission() {
    let queue = Queue::open().await;
    let (first, second) = (queue.job("a.wav").await, queue.job("b.wav").await);
    queue.make_uncertain(first).await;
    let (sha256, waiting) = (first.to_string(), queue.candidate(second).await);
    let found = queue
        .store
        .find_duplicate(&waiting, &identity_of(&sha256))
        .await
        .unwrap();
    assert_eq!(found, Some(Duplicate::InFlight(first)));
    let claim = queue.claim_with(second, Some(&sha256)).await;
    assert!(matches!(claim, Err(StoreError::Stale)));
    let postponed = queue
        .store
        .postpone(second, at(60), Some(first), None, at(60));
    postponed.await.unwrap();
    assert!(queue.candidates(1000).await.is_empty());
    queue.adopt(first).await.unwrap();
    assert!(queue.candidates(1000).await.is_empty());
    queue.complete(first).await.unwrap();
    let ready = queue.candidates(1000).await;
    assert_eq!(ready[0].job.id, second);
}

/// Returns the identity of a recording with this sound. Without a hash, it was not read as a whole.
fn sound(head: &str, length_s: f64, hash: Option<(&str, &str)>) -> RecordingIdentity {
    RecordingIdentity {
        hash: hash.map(|(sha256, sound)| RecordingHash {
            sha256: sha256.to_owned(),
            sound: Some(sound.to_owned()),
        }),
        sound_key: Some(SoundKey {
            head: head.to_owned(),
            length_s: Some(length_s),
        }),
    }
}

#[tokio::test]
async fn the_same_sound_is_a_duplicate() {
    let queue = Queue::open().await;
    let first = queue.record(file("a.mp3", 100, 1)).await.last_job.unwrap();
    let second = queue.record(file("b.mka", 200, 1)).await.last_job.unwrap();
    let candidate = queue.candidate(second).await;
    let key = |identity: &RecordingIdentity| identity.sound_key.clone().unwrap();
    let own = sound("h", 60.0, Some(("b", "s")));
    let longer = sound("h", 61.5, Some(("b", "s")));
    let other = sound("h", 60.0, Some(("b", "t")));
    let find = async |identity| {
        let found = queue.store.find_duplicate(&candidate, identity).await;
        found.unwrap()
    };
    let may_have = async |identity| {
        let key = key(identity);
        let found = queue.store.may_have_duplicate(&candidate, Some(&key)).await;
        found.unwrap()
    };
    assert!(!may_have(&own).await);
    // Sent without a hash: its sound may be any with this key.
    queue.claim_as(first, sound("h", 60.4, None)).await.unwrap();
    assert!(may_have(&own).await && !may_have(&longer).await);
    for (identity, expected) in [(&own, true), (&other, true), (&longer, false)] {
        let found = find(identity).await;
        assert_eq!(found, expected.then_some(Duplicate::InFlight(first)));
    }
    let lost = NextState::Queued {
        due: at(60),
        spent: true,
    };
    queue
        .fail_attempt(first, AttemptOutcome::Uncertain, lost)
        .await
        .unwrap();
    assert_eq!(find(&own).await, Some(Duplicate::InFlight(first)));
    for identity in [own.clone(), sound("h", 60.0, None)] {
        let claim = queue.claim_as(second, identity).await;
        assert!(matches!(claim, Err(StoreError::Stale)));
    }
    // Found by a look-up, with the hashes of the file.
    let hashed = sound("h", 60.4, Some(("a", "s")));
    let hash = hashed.hash.unwrap();
    queue.adopt_with(first, hash).await.unwrap();
    for (identity, expected) in [(&own, true), (&other, false), (&longer, false)] {
        let found = find(identity).await;
        assert_eq!(found, expected.then_some(Duplicate::InFlight(first)));
    }
    for identity in [own.clone(), sound("h", 60.0, None)] {
        let claim = queue.claim_as(second, identity).await;
        assert!(matches!(claim, Err(StoreError::Stale)));
    }
    queue.complete(first).await.unwrap();
    assert_eq!(find(&own).await, Some(Duplicate::Paid(first)));
    let shared = queue.store.share_result(second, first, &own, at(31));
    shared.await.unwrap();
    // A third recording is a duplicate of either.
    let third = queue.record(file("c.mp4", 300, 1)).await.last_job.unwrap();
    let candidate = queue.candidate(third).await;
    let third_sound = sound("h", 60.0, Some(("c", "s")));
    let found = queue.store.find_duplicate(&candidate, &third_sound).await;
    assert_eq!(found.unwrap(), Some(Duplicate::Paid(first)));
    let new_sound = sound("h", 60.0, Some(("c", "t")));
    queue.claim_as(third, new_sound).await.unwrap();
}
