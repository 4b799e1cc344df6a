//! Records of the output files.

use crate::domain::{ContentHash, FileRecord, JobId, RecordingId, Timestamp, WrittenFile};
use crate::runtime::failpoint;
use crate::store::error::StoreError;
use crate::store::sqlite::batch::json_rows;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use crate::store::sqlite::writer::Change;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use std::collections::HashMap;
use std::path::PathBuf;

/// A replacement of the content of an output file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// Absolute path of the file.
    pub path: PathBuf,
    /// Size of the present file in bytes.
    pub present_size_bytes: u64,
    /// SHA-256 of its present content.
    pub present: ContentHash,
    /// SHA-256 of its new content.
    pub new: ContentHash,
}

/// Records of the files of one recording, by path.
pub type FileRecords = HashMap<PathBuf, FileRecord>;

impl Store {
    /// Returns the records of the output files of these recordings, written by any of their jobs.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn outputs_of(
        &self,
        recordings: &[RecordingId],
    ) -> Result<HashMap<RecordingId, FileRecords>, StoreError> {
        let rows = sqlx::query(
            "SELECT j.recording_id, o.path, o.size_bytes, o.sha256, o.changed_at_ns, o.replacing_sha256
             FROM jobs j JOIN outputs o ON o.job_id = j.id
             WHERE j.recording_id IN (SELECT value FROM json_each(?1))",
        )
        .bind(row::json_ids(
            recordings.iter().map(|recording| recording.0),
        ))
        .fetch_all(self.readers())
        .await?;
        let mut outputs: HashMap<_, FileRecords> = HashMap::new();
        for found in &rows {
            let recording = RecordingId(found.try_get("recording_id")?);
            let path = row::path(found, "path")?;
            outputs
                .entry(recording)
                .or_default()
                .insert(path, record(found)?);
        }
        Ok(outputs)
    }

    /// Records the content that is about to replace each file.
    ///
    /// Call it before the files are renamed into place. A crash after this leaves files that are recognised with their
    /// present and with their new content.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn record_replacing(&self, files: Vec<Replacement>) -> Result<(), StoreError> {
        failpoint::around("store.replacing", self.writer().write(Replacing(files))).await
    }

    /// Returns the output files of a job.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn outputs(&self, job: JobId) -> Result<Vec<PathBuf>, StoreError> {
        let rows = sqlx::query("SELECT path FROM outputs WHERE job_id = ?1 ORDER BY path")
            .bind(job.0)
            .fetch_all(self.readers())
            .await?;
        rows.iter().map(|found| row::path(found, "path")).collect()
    }

    /// Returns the output files of `jobs`.
    ///
    /// # Errors
    /// If the database fails.
    pub(super) async fn outputs_by_job(
        &self,
        jobs: &[i64],
    ) -> Result<HashMap<JobId, Vec<PathBuf>>, StoreError> {
        let mut outputs: HashMap<_, Vec<_>> = HashMap::new();
        let rows = sqlx::query(
            "SELECT job_id, path FROM outputs WHERE job_id IN (SELECT value FROM json_each(?1)) ORDER BY path",
        )
        .bind(serde_json::Value::from(jobs).to_string())
        .fetch_all(self.readers())
        .await?;
        for found in &rows {
            let job = JobId(found.try_get("job_id")?);
            outputs
                .entry(job)
                .or_default()
                .push(row::path(found, "path")?);
        }
        Ok(outputs)
    }

    /// Records files that were rendered again from a stored result as output of the job.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn record_export(
        &self,
        job: JobId,
        files: Vec<WrittenFile>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        failpoint::around(
            "store.exported",
            self.writer().write(Exported { job, files, now }),
        )
        .await
    }
}

fn record(found: &SqliteRow) -> Result<FileRecord, StoreError> {
    Ok(FileRecord {
        size_bytes: row::count(found, "size_bytes")?,
        sha256: hash(found, "sha256")?,
        changed_at_ns: found.try_get("changed_at_ns")?,
        replacing: hash(found, "replacing_sha256")?,
    })
}

fn hash(found: &SqliteRow, column: &'static str) -> Result<Option<ContentHash>, StoreError> {
    let bytes: Option<&[u8]> = found.try_get(column)?;
    let hash = bytes.map(ContentHash::try_from).transpose();
    hash.map_err(|_| StoreError::Content { column })
}

struct Replacing(Vec<Replacement>);

impl Change for Replacing {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let files = self.0.iter().map(|file| {
            (
                // Hex, because a path need not be UTF-8.
                hex::encode(row::path_bytes(&file.path)),
                row::to_integer(file.present_size_bytes),
                hex::encode(file.present),
                hex::encode(file.new),
            )
        });
        // The present content is recorded, too. It may be that of an earlier replacement that was interrupted.
        sqlx::query(
            "UPDATE outputs SET size_bytes = f.value ->> 1, sha256 = unhex(f.value ->> 2),
                                replacing_sha256 = unhex(f.value ->> 3)
             FROM jsonb_each(?1) f WHERE outputs.path = unhex(f.value ->> 0)",
        )
        .bind(json_rows(files))
        .execute(connection)
        .await?;
        Ok(())
    }
}

struct Exported {
    job: JobId,
    files: Vec<WrittenFile>,
    now: Timestamp,
}

impl Change for Exported {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        insert_outputs(connection, self.job, &self.files, self.now).await
    }
}

/// Records the output files of a job.
pub(super) async fn insert_outputs(
    connection: &mut SqliteConnection,
    job: JobId,
    files: &[WrittenFile],
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT OR REPLACE INTO outputs (path, job_id, size_bytes, written_at, sha256, changed_at_ns)
         SELECT unhex(value ->> 0), ?1, value ->> 1, ?2, unhex(value ->> 2), value ->> 3 FROM jsonb_each(?3)",
    )
    .bind(job.0)
    .bind(now.millis())
    .bind(json_rows(output_rows(files)))
    .execute(connection)
    .await?;
    Ok(())
}

/// A row of `outputs`: path in hex, size, hash in hex, change time.
pub(super) type OutputRow = (String, i64, String, Option<i64>);

pub(super) fn output_rows(files: &[WrittenFile]) -> Vec<OutputRow> {
    let files = files.iter().map(|file| {
        (
            // Hex, because a path need not be UTF-8.
            hex::encode(row::path_bytes(&file.path)),
            row::to_integer(file.size_bytes),
            hex::encode(file.sha256),
            file.changed_at_ns,
        )
    });
    files.collect()
}
