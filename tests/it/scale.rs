//! The store with many recordings: batches behave like single changes, and long queues stay fast.

use crate::harness::identity_of;
use governor::clock::FakeRelativeClock;
use nightscribe::domain::Location;
use nightscribe::domain::quality::Quality;
use nightscribe::domain::{
    AttemptId, ErrorClass, Failure, GenerationId, JobId, JobState, RecordingIdentity, Request,
    RunId, Timestamp,
};
use nightscribe::pipeline::stages::poll::schedule::{PollSchedule, PolledGeneration};
use nightscribe::policy::outcome::AttemptOutcome;
use nightscribe::policy::polling::PollPolicy;
use nightscribe::runtime::clock::Reading;
use nightscribe::runtime::rate_limiter::RateLimiter;
use nightscribe::store::Store;
use nightscribe::store::sqlite::activity::{
    Activity, HEAD_LIMIT, InFlightRecording, RecentFailure, WaitingJobs,
};
use nightscribe::store::sqlite::claims::Claim;
use nightscribe::store::sqlite::items::ItemFilter;
use nightscribe::store::sqlite::open::DATABASE_FILE;
use nightscribe::store::sqlite::queue::PendingJob;
use nightscribe::store::sqlite::recordings::{FoundRecording, RecordOutcome};
use nightscribe::store::sqlite::transitions::{Acceptance, Completion, FailedAttempt, NextState};
use sqlx::{ConnectOptions, Row};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::num::NonZeroU32;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn request() -> Request {
    Request::new("m", [])
}

fn base_names(name: &OsStr) -> Box<dyn Iterator<Item = OsString> + Send> {
    Box::new(nightscribe::output::naming::base_names(name))
}

fn file(name: impl AsRef<OsStr>, modified: i64) -> FoundRecording {
    let relative = PathBuf::from(name.as_ref());
    FoundRecording {
        location: Location::File(Path::new("/talks").join(&relative)),
        relative,
        size_bytes: 100,
        modified: at(modified),
    }
}

fn names(recordings: &[FoundRecording]) -> Vec<String> {
    let name = |recording: &FoundRecording| recording.relative.to_string_lossy().into_owned();
    recordings.iter().map(name).collect()
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

    async fn record(&self, source: &str, recordings: Vec<FoundRecording>) -> RecordOutcome {
        self.store
            .record(source, &request(), recordings, base_names, at(0))
            .await
            .unwrap()
    }

    /// Returns the new or changed recordings of the source `talks`.
    async fn new_or_changed(&self, recordings: Vec<FoundRecording>) -> Vec<String> {
        names(
            &self
                .store
                .new_or_changed("talks", recordings)
                .await
                .unwrap()
                .unknown,
        )
    }

    /// Returns the transcript path of each recording, without extension.
    async fn base_names(&self) -> BTreeMap<String, String> {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        self.rows("SELECT relative, folder || '/' || base_name FROM recordings")
            .await
            .iter()
            .map(|row| (text(row.get(0)), text(row.get(1))))
            .collect()
    }

    /// Runs a statement on another connection.
    async fn rows(&self, query: &'static str) -> Vec<sqlx::sqlite::SqliteRow> {
        let mut connection = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(self.folder.path().join(DATABASE_FILE))
            .connect()
            .await
            .unwrap();
        sqlx::query(query).fetch_all(&mut connection).await.unwrap()
    }

    /// Asserts that the maintained counts match the table of jobs.
    async fn assert_counts(&self) {
        let counted: BTreeMap<JobState, u64> = self
            .rows("SELECT state, count(*) FROM jobs GROUP BY state")
            .await
            .iter()
            .map(|row| {
                let state: JobState = row.get::<&str, _>(0).parse().unwrap();
                (state, row.get::<i64, _>(1).unsigned_abs())
            })
            .collect();
        let stored = self.store.counts().await.unwrap();
        assert_eq!(stored.len(), JobState::ALL.len());
        let stored: BTreeMap<_, _> = stored.into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(stored, counted);
    }
}

#[tokio::test]
async fn a_large_scan_finds_only_new_and_changed_files() {
    let queue = Queue::open().await;
    let name = |number: usize| format!("{:02}/{number:05}.mp3", number / 700);
    let known: Vec<_> = (0..5000).map(|number| file(name(number), 1)).collect();
    assert_eq!(queue.record("talks", known.clone()).await.new, 5000);
    assert_eq!(queue.new_or_changed(known).await, <[String; 0]>::default());
    // Half of the known files are gone. Some of the others have changed, and some files are new.
    let mut expected = BTreeSet::new();
    let mut recordings = Vec::new();
    for number in (0..6000).filter(|number| number / 1300 % 2 == 0) {
        let changed = number % 97 == 0;
        recordings.push(file(name(number), if changed { 2 } else { 1 }));
        if changed || number >= 5000 {
            expected.insert(name(number));
        }
    }
    for new in ["!.mp3", "03/!", "99/z.mp3"] {
        recordings.push(file(new, 1));
        expected.insert(new.to_owned());
    }
    recordings.reverse();
    let expected: Vec<_> = expected.into_iter().collect();
    assert_eq!(queue.new_or_changed(recordings.clone()).await, expected);
    let other = queue
        .store
        .new_or_changed("other", recordings.clone())
        .await
        .unwrap();
    assert_eq!(other.unknown.len(), recordings.len());
    assert_eq!(other.changed, 0);
}

#[tokio::test]
async fn unusual_names_and_times_are_recognized() {
    let queue = Queue::open().await;
    let unusual_names: [&[u8]; 6] = [
        b" 1 2 three.mp3",
        b"0 0 /4 5 6.mp3",
        b"new\nline.mp3",
        b"not\xffutf8.mp3",
        b"\x01.mp3",
        "\u{1f399}.mp3".as_bytes(),
    ];
    let recordings = |modified| unusual_names.map(|name| file(OsStr::from_bytes(name), modified));
    queue.record("talks", recordings(-1).to_vec()).await;
    assert_eq!(
        queue.new_or_changed(recordings(-1).to_vec()).await,
        <[String; 0]>::default()
    );
    for changed in [1, 0, -11] {
        assert_eq!(
            queue
                .new_or_changed(recordings(changed).to_vec())
                .await
                .len(),
            unusual_names.len()
        );
    }
    let larger = recordings(-1).map(|recording| FoundRecording {
        size_bytes: recording.size_bytes * 10,
        ..recording
    });
    assert_eq!(
        queue.new_or_changed(larger.to_vec()).await.len(),
        unusual_names.len()
    );
}

#[tokio::test]
async fn a_batch_counts_new_changed_and_known_recordings() {
    let queue = Queue::open().await;
    let non_utf8 = OsStr::from_bytes(b"x/not\xffutf8.mp3");
    queue
        .record("talks", vec![file("x/1.mp3", 1), file("x/2.mp3", 1)])
        .await;
    let mut batch: Vec<_> = (1..=150)
        .map(|number| file(format!("x/{number}.mp3"), i64::from(number != 2)))
        .collect();
    batch.extend([file("x/3.wav", 1), file(non_utf8, 1), file("y/3.wav", 1)]);
    let recorded = queue.record("talks", batch.clone()).await;
    assert_eq!(
        (recorded.new, recorded.changed, recorded.known),
        (151, 1, 1)
    );
    let job = recorded.last_job.unwrap();
    let last = queue.store.item(job).await.unwrap().unwrap();
    assert_eq!(last.relative, Path::new("y/3.wav"));
    let listed = queue.store.list(&ItemFilter::default()).await.unwrap();
    assert_eq!(listed.len(), 153);
    assert!(
        listed
            .iter()
            .any(|item| item.relative == Path::new(non_utf8))
    );
    batch.truncate(150);
    assert_eq!(queue.new_or_changed(batch).await, <[String; 0]>::default());
    queue.assert_counts().await;
}

#[tokio::test]
async fn base_names_are_unique_in_a_batch() {
    let queue = Queue::open().await;
    let batch = ["a.mp3", "a.wav", "b/a.mp3", "c.mp3", "c.ogg", "c.wav"].map(|name| file(name, 1));
    queue.record("talks", batch.to_vec()).await;
    let again = queue.record("talks", vec![file("a.ogg", 1)]).await;
    assert_eq!(again.new, 1);
    let found = queue.base_names().await;
    let expected = [
        ("a.mp3", "/a"),
        ("a.ogg", "/a.ogg"),
        ("a.wav", "/a.wav"),
        ("b/a.mp3", "b/a"),
        ("c.mp3", "/c"),
        ("c.ogg", "/c.ogg"),
        ("c.wav", "/c.wav"),
    ];
    let expected = expected.map(|(name, base)| (name.to_owned(), base.to_owned()));
    assert_eq!(found, BTreeMap::from(expected));
}

#[tokio::test]
async fn a_path_is_found_in_every_source() {
    let queue = Queue::open().await;
    let path = Path::new("/talks/a.mp3");
    assert!(queue.store.items_at(path).await.unwrap().is_empty());
    for source in ["one", "two", "three"] {
        queue.record(source, vec![file("a.mp3", 1)]).await;
    }
    queue.record("two", vec![file("b.mp3", 1)]).await;
    let found = queue.store.items_at(path).await.unwrap();
    let sources: Vec<_> = found.iter().map(|item| item.source.as_str()).collect();
    assert_eq!(sources, ["three", "two", "one"]);
}

#[tokio::test]
async fn counts_follow_changes_and_rollbacks() {
    let queue = Queue::open().await;
    queue.assert_counts().await;
    let batch = (0..10).map(|number| file(format!("{number}.mp3"), 1));
    let last = queue
        .record("talks", batch.collect())
        .await
        .last_job
        .unwrap();
    let claim = |number: u32| Claim {
        job: last,
        run: queue.run,
        client_request_id: format!("ns-{number}"),
        duration_s: None,
        identity: RecordingIdentity::default(),
        size_bytes: None,
        sent_sha256: None,
        now: at(1),
    };
    queue.store.claim(claim(1)).await.unwrap();
    queue.assert_counts().await;
    assert!(queue.store.claim(claim(2)).await.is_err());
    queue.assert_counts().await;
    queue.store.begin_run(2, at(2)).await.unwrap();
    queue.assert_counts().await;
    queue.store.cancel(vec![last], at(3)).await.unwrap();
    queue.assert_counts().await;
    queue.rows("DELETE FROM jobs WHERE id = 1").await;
    queue.assert_counts().await;
}

fn pending(number: i64, expires_at: Timestamp) -> PendingJob {
    PendingJob {
        job: JobId(number),
        attempt: AttemptId(number),
        generation: GenerationId::new(format!("g-{number}")).unwrap(),
        accepted_at: at(0),
        expires_at,
        attempts: 1,
        model: "m".to_owned(),
        duration_s: None,
        sha256: None,
        has_unusable_answer: false,
        relative: PathBuf::from("a.mp3"),
    }
}

#[test]
fn a_hundred_thousand_generations_are_polled_on_time() {
    let clock = FakeRelativeClock::default();
    let limiter = RateLimiter::with_clock(NonZeroU32::new(600_000).unwrap(), clock.clone());
    let polling = PollPolicy {
        interval: Duration::from_millis(10_500),
        max_interval: Duration::from_millis(10_500),
        retention: Duration::from_secs(3600),
    };
    const CLOCKS: Reading = Reading {
        now: Timestamp::from_millis(0),
        steady: Timestamp::from_millis(0),
    };
    let mut schedule = PollSchedule::default();
    let mut due = Vec::new();
    // A constant 9,524 polls per second. The first generations expire during the simulation.
    for number in 0..100_000 {
        let expires_at = Timestamp::from_millis(30_000 + number * 40);
        let first = Timestamp::from_millis(number * 105 / 1000);
        schedule.insert(
            PolledGeneration::new(pending(number, expires_at), false, CLOCKS),
            first,
        );
        due.push(first);
    }
    let mut delays = Vec::new();
    for millis in 0..32_000 {
        let now = Timestamp::from_millis(millis);
        schedule.advance_to(now);
        while schedule.due_count() > 0 && limiter.try_acquire().is_ok() {
            let mut generation = schedule.take_nearest_expiry().unwrap();
            let (attempt, expires_at) = (generation.pending.attempt, generation.expires_at);
            let due = &mut due[usize::try_from(attempt.0).unwrap()];
            delays.push(now.since(*due));
            assert!(now < expires_at || *due >= expires_at);
            generation.polls += 1;
            *due = polling.next_poll(
                now,
                generation.polls,
                None,
                limiter.time_for(schedule.due_count()),
                expires_at,
            );
            schedule.finish(attempt);
            schedule.insert(generation, *due);
        }
        clock.advance(Duration::from_millis(1));
    }
    delays.sort_unstable();
    assert!(delays.len() > 200_000, "{} polls", delays.len());
    let percentile_99 = delays[delays.len() * 99 / 100];
    assert!(percentile_99 < Duration::from_secs(1), "{percentile_99:?}");
}

#[tokio::test]
async fn activity_describes_the_queue() {
    let queue = Queue::open().await;
    let store = &queue.store;
    let names = ["a", "b", "c", "d", "e", "f", "g"].map(|name| file(name, 1));
    queue.record("talks", names.into()).await;
    queue.record("others", vec![file("x", 1)]).await;
    let claim = async |job: i64, second: i64| {
        let claim = Claim {
            job: JobId(job),
            run: queue.run,
            client_request_id: format!("ns-{job}"),
            duration_s: Some(60.0),
            identity: identity_of(format!("{job}")),
            size_bytes: Some(100),
            sent_sha256: None,
            now: at(second),
        };
        store.claim(claim).await.unwrap()
    };
    let failure = Failure::new(ErrorClass::Unreadable, "empty");
    // a is pending, b is being sent, c is not due, d waits for its duplicate a, e failed, f and x are due, g is uncertain.
    let accepted = Acceptance {
        charged_usd: None,
        job: JobId(1),
        attempt: claim(1, 5).await,
        generation: GenerationId::new("g-1").unwrap(),
        accepted_at: at(6),
        expires_at: at(3606),
        hash: None,
        http_status: 200,
        request_id: None,
    };
    store.accept(accepted).await.unwrap();
    claim(2, 7).await;
    let postpone =
        |job, due, duplicate_of| store.postpone(JobId(job), at(due), duplicate_of, None, at(8));
    postpone(3, 100, None).await.unwrap();
    postpone(4, 8, Some(JobId(1))).await.unwrap();
    let failed = store.fail_unsent(JobId(5), failure.clone(), false, at(9));
    failed.await.unwrap();
    let lost = FailedAttempt {
        job: JobId(7),
        attempt: claim(7, 9).await,
        outcome: AttemptOutcome::Uncertain,
        next_state: NextState::Queued {
            due: at(50),
            spent: true,
        },
        failure: failure.clone(),
        http_status: None,
        request_id: None,
        now: at(10),
    };
    store.fail_attempt(lost).await.unwrap();

    let activity = store.activity(at(20), at(0), 10).await.unwrap();
    let in_flight = |job, name: &str, since, expires: Option<i64>| InFlightRecording {
        job: JobId(job),
        relative: PathBuf::from(name),
        size_bytes: 100,
        duration_s: Some(60.0),
        since: at(since),
        expires_at: expires.map(at),
    };
    let waiting = |source: &str, have_duplicate| WaitingJobs {
        source: source.to_owned(),
        are_files: true,
        have_duplicate,
        look_paid: false,
        jobs: 1,
    };
    let expected = Activity {
        sending: vec![in_flight(2, "b", 7, None)],
        pending: vec![in_flight(1, "a", 6, Some(3606))],
        waiting: vec![
            waiting("others", false),
            waiting("talks", false),
            waiting("talks", true),
        ],
        not_due: 1,
        next_due: Some(at(100)),
        uncertain: 1,
        transcripts: 0,
        audio_s: 0.0,
        failures: vec![RecentFailure {
            job: JobId(5),
            relative: PathBuf::from("e"),
            failure,
            at: at(9),
        }],
    };
    assert_eq!(activity, expected);

    let completed = Completion {
        charged_usd: None,
        job: JobId(1),
        attempt: AttemptId(1),
        raw: nightscribe::store::compress::pack("{}").into(),
        duration_s: Some(90.0),
        words: 0,
        language: None,
        silent: true,
        quality: Quality::default(),
        hash: None,
        now: at(21),
    };
    store.complete(completed).await.unwrap();
    let completed_since = async |since| {
        let activity = store.activity(at(22), at(since), 10).await.unwrap();
        (activity.transcripts, activity.audio_s)
    };
    assert_eq!(completed_since(21).await, (1, 90.0));
    assert_eq!(completed_since(22).await, (0, 0.0));
}

#[tokio::test]
async fn activity_examines_only_the_head_of_the_queue() {
    let queue = Queue::open().await;
    let names = (0..2500).map(|number| file(format!("{number:04}"), 1));
    queue.record("talks", names.collect()).await;
    let activity = queue.store.activity(at(1), at(0), 10).await.unwrap();
    assert_eq!(activity.waiting[0].jobs, HEAD_LIMIT);
    // No job is due, at any priority.
    queue
        .rows("UPDATE jobs SET due_at = 99000 + id, priority = id % 3 - 1")
        .await;
    let activity = queue.store.activity(at(1), at(0), 10).await.unwrap();
    assert_eq!((activity.waiting.len(), activity.not_due), (0, HEAD_LIMIT));
    queue.rows("UPDATE jobs SET due_at = 0 WHERE id > 30").await;
    let activity = queue.store.activity(at(1), at(0), 10).await.unwrap();
    assert_eq!(activity.not_due, 30);
    assert_eq!(activity.next_due, Some(Timestamp::from_millis(99_001)));
}
