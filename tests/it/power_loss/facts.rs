//! What a disk says after a power cut, and whether it keeps what had left the process before.

use super::image::Image;
use super::recorder::Outward;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The state folder, below the folder.
pub const STATE: &str = "var/lib/state";

/// What the database says of one recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub state: String,
    /// A request left for it whose answer is not known.
    pub in_doubt: bool,
    pub has_generation: bool,
    pub has_result: bool,
    /// Its files below the folder, with their sizes.
    pub outputs: Vec<(PathBuf, usize)>,
}

/// What the database says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    pub jobs: BTreeMap<String, Job>,
    requests: BTreeSet<String>,
    generations: BTreeSet<String>,
}

impl Facts {
    /// Opens the database as the next start would. `root` is where the image's paths begin.
    pub fn of(image: &Image, root: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        image.put(folder.path());
        let path = folder.path().join(STATE).join("nightscribe.db");
        if !path.exists() {
            return Self::default();
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let options = SqliteConnectOptions::new()
                .filename(path)
                .synchronous(SqliteSynchronous::Off);
            let mut database = options.connect().await.unwrap();
            let facts = read(&mut database, root).await;
            database.close().await.unwrap();
            facts
        })
    }

    /// Whether this is all true that was acted upon. `files` are the transcripts as they were written.
    pub fn keep(&self, outward: &[Outward], image: &Image, files: &Image) {
        for left in outward {
            let kept = match left {
                Outward::Submitted(request) => self.requests.contains(request),
                Outward::Polled(generation) => self.generations.contains(generation),
                Outward::Placed(path) => self.placed(path),
                Outward::SaidSubmitted(name) => {
                    self.jobs.get(name).is_some_and(|job| job.has_generation)
                }
                Outward::SaidDone(name) => {
                    self.jobs.get(name).is_some_and(|job| job.state == "done")
                }
            };
            assert!(kept, "{left:?} left, but the disk says {self:#?}");
        }
        let done = self.jobs.values().filter(|job| job.state == "done");
        for (path, size) in done.flat_map(|job| &job.outputs) {
            let found = image.file(path);
            assert_eq!(found.map(<[u8]>::len), Some(*size), "{}", path.display());
            assert_eq!(found, files.file(path), "{}", path.display());
        }
    }

    /// Whether the result is there that a transcript was made of.
    fn placed(&self, transcript: &Path) -> bool {
        let name = transcript
            .strip_prefix("talks")
            .unwrap()
            .with_extension("wav");
        let job = self.jobs.get(name.to_str().unwrap());
        job.is_some_and(|job| job.has_result)
    }
}

async fn read(database: &mut SqliteConnection, root: &Path) -> Facts {
    let whole: String = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_one(&mut *database)
        .await
        .unwrap();
    assert_eq!(whole, "ok");
    let begun: i64 =
        sqlx::query_scalar("SELECT count(*) FROM pragma_table_info('jobs') WHERE name = 'state'")
            .fetch_one(&mut *database)
            .await
            .unwrap();
    if begun == 0 {
        return Facts::default();
    }
    let texts =
        async |database: &mut SqliteConnection, question: &'static str| -> BTreeSet<String> {
            let rows: Vec<String> = sqlx::query_scalar(question)
                .fetch_all(database)
                .await
                .unwrap();
            rows.into_iter().collect()
        };
    Facts {
        requests: texts(database, "SELECT client_request_id FROM attempts").await,
        generations: texts(
            database,
            "SELECT generation_id FROM attempts WHERE generation_id IS NOT NULL",
        )
        .await,
        jobs: jobs(database, root).await,
    }
}

async fn jobs(database: &mut SqliteConnection, root: &Path) -> BTreeMap<String, Job> {
    let rows = sqlx::query(
        "SELECT relative, state, state = 'submitting' OR uncertain_attempt_id IS NOT NULL,
                generation_id IS NOT NULL, results.job_id IS NOT NULL, path, outputs.size_bytes
         FROM jobs JOIN recordings ON recordings.id = recording_id LEFT JOIN results ON results.job_id = jobs.id
                   LEFT JOIN outputs ON outputs.job_id = jobs.id",
    )
    .fetch_all(database)
    .await
    .unwrap();
    let mut jobs = BTreeMap::new();
    for row in rows {
        let name = String::from_utf8(row.get(0)).unwrap();
        let job = jobs.entry(name).or_insert_with(|| Job {
            state: row.get(1),
            in_doubt: row.get(2),
            has_generation: row.get(3),
            has_result: row.get(4),
            outputs: Vec::new(),
        });
        if let (Some(path), Some(size)) = (
            row.get::<Option<Vec<u8>>, _>(5),
            row.get::<Option<i64>, _>(6),
        ) {
            let path = Path::new(std::ffi::OsStr::from_bytes(&path));
            let path = path.strip_prefix(root).unwrap().to_owned();
            job.outputs.push((path, usize::try_from(size).unwrap()));
        }
    }
    jobs
}
