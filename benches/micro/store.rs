//! Steps of the queue, each durable. What a disk takes for a sync is most of it.

use divan::Bencher;
use divan::counter::ItemsCount;
use nightscribe::domain::{GenerationId, JobId, Request, RunId, Timestamp};
use nightscribe::store::Store;
use nightscribe::store::claims::Claim;
use nightscribe::store::compress::pack;
use nightscribe::store::progress::{Acceptance, Completion, WrittenFile};
use nightscribe::store::recordings::{Location, Seen};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

/// Lives that run side by side.
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

    fn record(&self, jobs: usize) {
        let request = Request::new("m", []);
        let bases = |name: &std::ffi::OsStr| -> Box<dyn Iterator<Item = _> + Send> {
            Box::new(nightscribe::output::naming::bases(name))
        };
        let seen = (0..jobs).map(seen).collect();
        let recorded = self.store.record("talks", &request, seen, bases, NOW);
        self.runtime.block_on(recorded).unwrap();
    }
}

fn seen(number: usize) -> Seen {
    let relative = PathBuf::from(format!("{number}.mp3"));
    Seen {
        location: Location::File(Path::new("/talks").join(&relative)),
        relative,
        size_bytes: number as u64 + 1,
        modified: NOW,
    }
}

/// Queued to done: five durable steps with that of being recorded.
async fn live(store: &Store, run: RunId, job: JobId) {
    let attempt = store
        .claim(Claim {
            job,
            run,
            client_request_id: format!("ns-{job}"),
            duration_s: Some(60.0),
            sha256: None,
            size_bytes: None,
            now: NOW,
        })
        .await
        .unwrap();
    store
        .accept(Acceptance {
            job,
            attempt,
            generation: GenerationId::new(format!("g-{job}")).unwrap(),
            accepted_at: NOW,
            expires_at: NOW,
            sha256: Some(format!("{job}")),
            http_status: 201,
            request_id: None,
        })
        .await
        .unwrap();
    store
        .complete(Completion {
            job,
            attempt,
            raw: pack("{}"),
            duration_s: None,
            words: 3,
            language: None,
            silent: false,
            sha256: None,
            now: NOW,
        })
        .await
        .unwrap();
    let files = vec![WrittenFile {
        path: PathBuf::from(format!("/transcripts/{job}.txt")),
        size_bytes: 1,
    }];
    store.written(job, files, false, NOW).await.unwrap();
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn lives_of_jobs(bencher: Bencher) {
    let prepare = || {
        let queue = Queue::open();
        queue.record(JOBS);
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
                            live(&store, run, JobId(number as i64 + 1)).await;
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
        .bench_local_refs(|queue| queue.record(JOBS));
}
