//! Whole lives of jobs through the store, from queued to done: five steps, each durable before the next begins. They are
//! recorded as a scan records them, many in a commit, and go on one by one.

use crate::Failure;
use nightscribe::domain::{GenerationId, JobId, Request, RunId, Timestamp};
use nightscribe::output::naming;
use nightscribe::store::Store;
use nightscribe::store::claims::Claim;
use nightscribe::store::compress::pack;
use nightscribe::store::progress::{Acceptance, Completion, WrittenFile};
use nightscribe::store::queue::{Candidate, Reach};
use nightscribe::store::recordings::{Location, Seen};
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::task::JoinSet;

const SOURCE: &str = "clips";
/// As many as a scan records in one commit.
const BATCH: usize = 1000;
const HOUR: Duration = Duration::from_secs(3600);
/// Of the service's JSON for a clip, before it is packed.
const RESULT_BYTES: usize = 2048;

/// Lead jobs through the store from queued to done, and print how many a second
#[derive(clap::Args)]
pub(crate) struct Lives {
    /// The state folder
    state: PathBuf,
    /// Jobs in all
    #[arg(long)]
    jobs: usize,
    /// Jobs at once
    #[arg(long, default_value_t = 64)]
    tasks: usize,
}

impl Lives {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let store = Store::open(&self.state).await?;
        let (run, _) = store.begin_run(std::process::id(), now()).await?;
        let line = Arc::new(Line {
            store: store.clone(),
            run,
            request: Request::new("#g1_nova-2-general", []),
            raw: pack(&"{\"word\": 1.25}, ".repeat(RESULT_BYTES / 16)),
        });
        let began = Instant::now();
        let queued = Arc::new(line.record(self.jobs).await?);
        let mut tasks = JoinSet::new();
        for first in 0..self.tasks {
            let (line, queued, step) = (line.clone(), queued.clone(), self.tasks);
            tasks.spawn(async move {
                for candidate in queued.iter().skip(first).step_by(step) {
                    line.lead(candidate).await?;
                }
                Ok::<_, Failure>(())
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        let seconds = began.elapsed().as_secs_f64();
        store.close().await;
        println!("{}", self.jobs as f64 / seconds);
        Ok(())
    }
}

/// What every job goes through.
struct Line {
    store: Store,
    run: RunId,
    request: Request,
    raw: Vec<u8>,
}

impl Line {
    async fn record(&self, jobs: usize) -> Result<Vec<Candidate>, Failure> {
        let numbers: Vec<_> = (0..jobs).collect();
        for batch in numbers.chunks(BATCH) {
            let seen = batch.iter().copied().map(seen).collect();
            let recording = self.store.record(SOURCE, &self.request, seen, bases, now());
            recording.await?;
        }
        let reach = Reach {
            configured: vec![SOURCE.to_owned()],
            present: vec![SOURCE.to_owned()],
        };
        Ok(self
            .store
            .candidates(&reach, now(), &HashSet::new(), jobs)
            .await?)
    }

    async fn lead(&self, candidate: &Candidate) -> Result<(), Failure> {
        let (store, job @ JobId(number)) = (&self.store, candidate.job);
        let sha256 = Some(format!("{number:064x}"));
        let claim = Claim {
            job,
            run: self.run,
            client_request_id: format!("bench-{number}"),
            duration_s: Some(1.0),
            sha256: sha256.clone(),
            size_bytes: Some(candidate.size_bytes),
            now: now(),
        };
        let attempt = store.claim(claim).await?;
        let acceptance = Acceptance {
            job,
            attempt,
            generation: GenerationId::new(format!("generation-{number}")).ok_or("no ID")?,
            accepted_at: now(),
            expires_at: now().after(HOUR),
            sha256,
            http_status: 201,
            request_id: Some(format!("request-{number}")),
        };
        store.accept(acceptance).await?;
        let completion = Completion {
            job,
            attempt,
            raw: self.raw.clone(),
            duration_s: Some(1.0),
            words: 3,
            language: None,
            silent: false,
            sha256: None,
            now: now(),
        };
        store.complete(completion).await?;
        let file = |extension: &str| WrittenFile {
            path: PathBuf::from(format!("/transcripts/clips/{number}.{extension}")),
            size_bytes: 1,
        };
        let files = vec![file("txt"), file("json")];
        store.written(job, files, false, now()).await?;
        Ok(())
    }
}

fn seen(number: usize) -> Seen {
    let name = format!("{number}.wav");
    Seen {
        location: Location::File(PathBuf::from("/clips").join(&name)),
        relative: PathBuf::from(name),
        size_bytes: 32_768,
        modified: now(),
    }
}

fn bases(name: &OsStr) -> Box<dyn Iterator<Item = OsString> + Send> {
    Box::new(naming::bases(name))
}

fn now() -> Timestamp {
    SystemTime::now().into()
}
