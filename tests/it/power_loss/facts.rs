//! Content of the database after a power cut, compared with the effects before it.

use super::image::Image;
use super::recorder::Effect;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// State folder, relative to the root of the disk.
pub const STATE: &str = "var/lib/state";

/// A job in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// State name.
    pub state: String,
    /// Whether a submission may have been sent and its response is unknown.
    pub is_uncertain: bool,
    /// Whether the service accepted it.
    pub has_generation: bool,
    /// Whether its result is stored.
    pub has_result: bool,
    /// Transcripts, with paths relative to the root of the disk and sizes in bytes.
    pub outputs: Vec<(PathBuf, usize)>,
}

/// Content of the database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Jobs by the relative path of their recording.
    pub jobs: BTreeMap<String, Job>,
    client_request_ids: BTreeSet<String>,
    generation_ids: BTreeSet<String>,
}

impl Facts {
    /// Reads the database of an image, including its WAL. `root` is the folder that the image was recorded in.
    pub fn read(image: &Image, root: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        image.write_to(folder.path());
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
            let facts = read_facts(&mut database, root).await;
            database.close().await.unwrap();
            facts
        })
    }

    /// Asserts that the database contains the cause of each effect, and that the files of done jobs are complete.
    ///
    /// `files` has the transcripts as the recorded run wrote them.
    pub fn assert_effects_kept(&self, effects: &[Effect], image: &Image, files: &Image) {
        for effect in effects {
            let kept = match effect {
                Effect::Submitted(request) => self.client_request_ids.contains(request),
                Effect::Polled(generation) => self.generation_ids.contains(generation),
                Effect::TranscriptWritten(path) => self.has_result_of(path),
                Effect::LoggedSubmitted(name) => {
                    self.jobs.get(name).is_some_and(|job| job.has_generation)
                }
                Effect::LoggedDone(name) => {
                    self.jobs.get(name).is_some_and(|job| job.state == "done")
                }
            };
            assert!(kept, "no durable cause of {effect:?} in {self:#?}");
        }
        let done = self.jobs.values().filter(|job| job.state == "done");
        for (path, size) in done.flat_map(|job| &job.outputs) {
            let found = image.file(path);
            assert_eq!(found.map(<[u8]>::len), Some(*size), "{}", path.display());
            assert_eq!(found, files.file(path), "{}", path.display());
        }
    }

    /// Whether the result of a transcript is stored. The path is relative to the output folder.
    fn has_result_of(&self, transcript: &Path) -> bool {
        let name = transcript
            .strip_prefix("talks")
            .unwrap()
            .with_extension("wav");
        let job = self.jobs.get(name.to_str().unwrap());
        job.is_some_and(|job| job.has_result)
    }
}

async fn read_facts(database: &mut SqliteConnection, root: &Path) -> Facts {
    let integrity: String = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_one(&mut *database)
        .await
        .unwrap();
    assert_eq!(integrity, "ok");
    let has_schema: i64 =
        sqlx::query_scalar("SELECT count(*) FROM pragma_table_info('jobs') WHERE name = 'state'")
            .fetch_one(&mut *database)
            .await
            .unwrap();
    if has_schema == 0 {
        return Facts::default();
    }
    let texts = async |database: &mut SqliteConnection, query: &'static str| -> BTreeSet<String> {
        let rows: Vec<String> = sqlx::query_scalar(query).fetch_all(database).await.unwrap();
        rows.into_iter().collect()
    };
    Facts {
        client_request_ids: texts(database, "SELECT client_request_id FROM attempts").await,
        generation_ids: texts(
            database,
            "SELECT generation_id FROM attempts WHERE generation_id IS NOT NULL",
        )
        .await,
        jobs: read_jobs(database, root).await,
    }
}

async fn read_jobs(database: &mut SqliteConnection, root: &Path) -> BTreeMap<String, Job> {
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
            is_uncertain: row.get(2),
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
