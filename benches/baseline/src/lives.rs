//! Throughput of complete jobs through the store, from queued to done.
//!
//! A job takes five steps, each durable before the next begins. Jobs are inserted in batches, like a scan does, and then
//! processed one by one.

use crate::Failure;
use nightscribe::domain::Location;
use nightscribe::domain::search::entry::SearchEntry;
use nightscribe::domain::{
    GenerationId, JobId, RecordingHash, RecordingIdentity, Request, RunId, Timestamp, WrittenFile,
};
use nightscribe::output::naming;
use nightscribe::store::Store;
use nightscribe::store::compress::pack;
use nightscribe::store::sqlite::claims::Claim;
use nightscribe::store::sqlite::queue::{Candidate, ReachableSources};
use nightscribe::store::sqlite::recordings::FoundRecording;
use nightscribe::store::sqlite::transitions::{Acceptance, Completion};
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::task::JoinSet;

const SOURCE: &str = "clips";
/// Jobs inserted in one commit, as by a scan.
const BATCH: usize = 1000;
const HOUR: Duration = Duration::from_secs(3600);
/// Size of the service's JSON for a clip before compression, in bytes.
const RESULT_BYTES: usize = 2048;

/// Move jobs through the store from queued to done, and print the jobs per second
#[derive(clap::Args)]
pub(crate) struct Lives {
    /// State folder
    state: PathBuf,
    /// Total number of jobs
    #[arg(long)]
    jobs: usize,
    /// Jobs in flight
    #[arg(long, default_value_t = 64)]
    tasks: usize,
}

impl Lives {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let store = Store::open(&self.state).await?;
        let (run, _) = store.begin_run(std::process::id(), now()).await?;
        let fixture = Arc::new(Fixture {
            store: store.clone(),
            run,
            request: Request::new("#g1_nova-2-general", []),
            raw: pack(&"{\"word\": 1.25}, ".repeat(RESULT_BYTES / 16)),
        });
        let began = Instant::now();
        let queued = Arc::new(fixture.insert(self.jobs).await?);
        let mut tasks = JoinSet::new();
        for first in 0..self.tasks {
            let (fixture, queued, step) = (fixture.clone(), queued.clone(), self.tasks);
            tasks.spawn(async move {
                for candidate in queued.iter().skip(first).step_by(step) {
                    fixture.process(candidate).await?;
                }
                Ok::<_, Failure>(())
            });
        }
        while let Some(result) = tasks.join_next().await {
            result??;
        }
        let seconds = began.elapsed().as_secs_f64();
        store.close().await;
        println!("{}", self.jobs as f64 / seconds);
        Ok(())
    }
}

/// Store and data shared by all jobs.
struct Fixture {
    store: Store,
    run: RunId,
    request: Request,
    raw: Vec<u8>,
}

impl Fixture {
    async fn insert(&self, jobs: usize) -> Result<Vec<Candidate>, Failure> {
        let numbers: Vec<_> = (0..jobs).collect();
        for batch in numbers.chunks(BATCH) {
            let found = batch.iter().copied().map(recording).collect();
            let inserted = self
                .store
                .record(SOURCE, &self.request, found, bases, now());
            inserted.await?;
        }
        let reach = ReachableSources {
            configured: vec![SOURCE.to_owned()],
            present: vec![SOURCE.to_owned()],
            only: None,
        };
        Ok(self
            .store
            .candidates(&reach, now(), &HashSet::new(), &[], jobs)
            .await?)
    }

    async fn process(&self, candidate: &Candidate) -> Result<(), Failure> {
        let (store, job @ JobId(number)) = (&self.store, candidate.job.id);
        let hash = RecordingHash {
            sha256: format!("{number:064x}"),
            sound: None,
        };
        let identity = RecordingIdentity {
            hash: Some(hash.clone()),
            sound_key: None,
        };
        let claim = Claim {
            job,
            run: self.run,
            client_request_id: format!("bench-{number}"),
            duration_s: Some(1.0),
            identity,
            size_bytes: Some(candidate.recording.revision.size_bytes),
            now: now(),
            sent_sha256: None,
        };
        let attempt = store.claim(claim).await?;
        let acceptance = Acceptance {
            charged_usd: None,
            job,
            attempt,
            generation: GenerationId::new(format!("generation-{number}")).ok_or("no ID")?,
            accepted_at: now(),
            expires_at: now().after(HOUR),
            hash: Some(hash),
            http_status: 201,
            request_id: Some(format!("request-{number}")),
        };
        store.accept(acceptance).await?;
        let completion = Completion {
            charged_usd: None,
            job,
            attempt,
            raw: self.raw.clone().into(),
            duration_s: Some(1.0),
            words: 3,
            language: None,
            silent: false,
            quality: nightscribe::domain::quality::Quality::default(),
            hash: None,
            now: now(),
        };
        store.complete(completion).await?;
        let file = |extension: &str| WrittenFile {
            path: PathBuf::from(format!("/transcripts/clips/{number}.{extension}")),
            size_bytes: 1,
            sha256: [0; 32],
            changed_at_ns: Some(0),
        };
        let files = vec![file("txt"), file("json")];
        let words = ["three", "short", "words"].into_iter();
        let entry = SearchEntry::new(job, words, std::iter::empty(), None);
        let entry = Arc::new(entry);
        store.finish_job(job, files, entry, false, now()).await?;
        Ok(())
    }
}

fn recording(number: usize) -> FoundRecording {
    let name = format!("{number}.wav");
    FoundRecording {
        location: Location::File(PathBuf::from("/clips").join(&name)),
        relative: PathBuf::from(name),
        size_bytes: 32_768,
        modified: now(),
    }
}

fn bases(name: &OsStr) -> Box<dyn Iterator<Item = OsString> + Send> {
    Box::new(naming::base_names(name))
}

fn now() -> Timestamp {
    SystemTime::now().into()
}
