//! Durable steps of the queue. Most of the time is spent on disk syncs.

use divan::Bencher;
use divan::counter::ItemsCount;
use nightscribe::domain::Location;
use nightscribe::domain::search::entry::SearchEntry;
use nightscribe::domain::{
    GenerationId, JobId, RecordingHash, RecordingIdentity, Request, RunId, Timestamp, WrittenFile,
};
use nightscribe::store::Store;
use nightscribe::store::compress::pack;
use nightscribe::store::sqlite::claims::Claim;
use nightscribe::store::sqlite::recordings::FoundRecording;
use nightscribe::store::sqlite::transitions::{Acceptance, Completion};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

/// Jobs in flight.
const TASKS: usize = 64;
const JOBS: usize = 2048;
const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

struct Queue {
    store: Store,
    run: RunId,
    runtime: Runtime,
    _folder: TempDir,
}

impl Queue {
    fn open() -> Self {
        let runtime = Runtime::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let store = runtime.block_on(Store::open(folder.path())).unwrap();
        let (run, _) = runtime.block_on(store.begin_run(1, NOW)).unwrap();
        Self {
            store,
            run,
            runtime,
            _folder: folder,
        }
    }

    fn insert(&self, jobs: usize) {
        let request = Request::new("m", []);
        let bases = |name: &std::ffi::OsStr| -> Box<dyn Iterator<Item = _> + Send> {
            Box::new(nightscribe::output::naming::base_names(name))
        };
        let found = (0..jobs).map(recording).collect();
        let inserted = self.store.record("talks", &request, found, bases, NOW);
        self.runtime.block_on(inserted).unwrap();
    }
}

fn recording(number: usize) -> FoundRecording {
    let relative = PathBuf::from(format!("{number}.mp3"));
    FoundRecording {
        location: Location::File(Path::new("/talks").join(&relative)),
        relative,
        size_bytes: number as u64 + 1,
        modified: NOW,
    }
}

/// Moves a job from queued to done. With its insertion these are five durable steps.
async fn process(store: &Store, run: RunId, job: JobId) {
    let attempt = store
        .claim(Claim {
            job,
            run,
            client_request_id: format!("ns-{job}"),
            duration_s: Some(60.0),
            identity: RecordingIdentity::default(),
            size_bytes: None,
            sent_sha256: None,
            now: NOW,
        })
        .await
        .unwrap();
    store
        .accept(Acceptance {
            charged_usd: None,
            job,
            attempt,
            generation: GenerationId::new(format!("g-{job}")).unwrap(),
            accepted_at: NOW,
            expires_at: NOW,
            hash: Some(RecordingHash {
                sha256: format!("{job}"),
                sound: None,
            }),
            http_status: 201,
            request_id: None,
        })
        .await
        .unwrap();
    store
        .complete(Completion {
            charged_usd: None,
            job,
            attempt,
            raw: pack("{}").into(),
            duration_s: None,
            words: 3,
            language: None,
            silent: false,
            quality: nightscribe::domain::quality::Quality::default(),
            hash: None,
            now: NOW,
        })
        .await
        .unwrap();
    let files = vec![WrittenFile {
        path: PathBuf::from(format!("/transcripts/{job}.txt")),
        size_bytes: 1,
        sha256: [0; 32],
        changed_at_ns: Some(0),
    }];
    let entry = SearchEntry::new(
        job,
        ["three short words"].into_iter(),
        std::iter::empty(),
        None,
    );
    store
        .finish_job(job, files, Arc::new(entry), false, NOW)
        .await
        .unwrap();
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn complete_jobs(bencher: Bencher) {
    let prepare = || {
        let queue = Queue::open();
        queue.insert(JOBS);
        queue
    };
    bencher
        .counter(ItemsCount::new(JOBS))
        .with_inputs(prepare)
        .bench_local_refs(|queue| {
            let (store, run) = (queue.store.clone(), queue.run);
            queue.runtime.block_on(async {
                let mut tasks = JoinSet::new();
                for task in 0..TASKS {
                    let store = store.clone();
                    tasks.spawn(async move {
                        for number in (task..JOBS).step_by(TASKS) {
                            process(&store, run, JobId(number as i64 + 1)).await;
                        }
                    });
                }
                tasks.join_all().await;
            });
        });
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn recordings(bencher: Bencher) {
    bencher
        .counter(ItemsCount::new(JOBS))
        .with_inputs(Queue::open)
        .bench_local_refs(|queue| queue.insert(JOBS));
}
