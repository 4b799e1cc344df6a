//! What was found, and the jobs made of it.

use super::error::StoreError;
use super::open::Store;
use super::row;
use super::writer::Change;
use crate::crash;
use crate::domain::{JobId, RecordingId, Request, Timestamp};
use sqlx::{Row, SqliteConnection};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Where the audio of a recording is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Location {
    /// A file, by its absolute path.
    File(PathBuf),
    /// A URL that the service fetches itself.
    Url(String),
}

impl Location {
    const fn kind(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Url(_) => "url",
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::File(path) => row::path_bytes(path),
            Self::Url(url) => url.as_bytes(),
        }
    }

    pub(super) fn read(row: &sqlx::sqlite::SqliteRow) -> Result<Self, StoreError> {
        match row.try_get::<&str, _>("kind")? {
            "url" => String::from_utf8(row.try_get("location")?)
                .map(Self::Url)
                .map_err(|_| StoreError::Content { column: "location" }),
            _ => Ok(Self::File(row::path(row, "location")?)),
        }
    }
}

/// A recording as a scan or `add` saw it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Where it is.
    pub location: Location,
    /// Its path inside the source, or the name a URL suggests.
    pub relative: PathBuf,
    /// Size in bytes; 0 for a URL.
    pub size_bytes: u64,
    /// Time of its last change; the epoch for a URL.
    pub modified: Timestamp,
}

/// What became of what was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recorded {
    /// Recordings seen for the first time.
    pub new: u64,
    /// Recordings that are not what they were: their next transcript replaces the last one.
    pub changed: u64,
    /// Recordings that were there already.
    pub known: u64,
    /// The job of the last recording in the batch.
    pub last_job: Option<JobId>,
}

impl Store {
    /// Leaves of `seen` only what the queue does not know just so: an unchanged recording costs no write.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn unknown_of(&self, source: &str, seen: Vec<Seen>) -> Result<Vec<Seen>, StoreError> {
        let mut connection = self.readers().acquire().await?;
        let mut unknown = Vec::new();
        for one in seen {
            let known: Option<i64> = sqlx::query_scalar(
                "SELECT 1 FROM recordings
                 WHERE source = ?1 AND location = ?2 AND size_bytes = ?3 AND modified_at = ?4 AND gone = 0",
            )
            .bind(source)
            .bind(one.location.bytes())
            .bind(row::size(one.size_bytes))
            .bind(one.modified.millis())
            .fetch_optional(&mut *connection)
            .await?;
            if known.is_none() {
                unknown.push(one);
            }
        }
        Ok(unknown)
    }

    /// Records what was seen in `source`, each with a queued job for `request` where it is new or has changed. `bases`
    /// gives, for a file name, the names its transcripts may have, best first; the first that no other recording of
    /// the folder has is kept. All of the batch is durable afterwards, or nothing.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn record(
        &self,
        source: &str,
        request: &Request,
        seen: Vec<Seen>,
        bases: Bases,
        now: Timestamp,
    ) -> Result<Recorded, StoreError> {
        crash::around(
            "store.record",
            self.writer().write(Record {
                source: source.to_owned(),
                request: request.clone(),
                seen,
                bases,
                now,
            }),
        )
        .await
    }

    /// Gives the queued jobs of `source` its present model and options, so that a corrected configuration counts.
    /// Says how many were changed.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn reconfigure(
        &self,
        source: &str,
        request: &Request,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        crash::around(
            "store.reconfigure",
            self.writer().write(Reconfigure {
                source: source.to_owned(),
                request: request.clone(),
                now,
            }),
        )
        .await
    }
}

/// The names that the transcripts of a file may have, best first, without end.
pub type Bases = fn(&OsStr) -> Box<dyn Iterator<Item = OsString> + Send>;

struct Record {
    source: String,
    request: Request,
    seen: Vec<Seen>,
    bases: Bases,
    now: Timestamp,
}

impl Change for Record {
    type Reply = Recorded;

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<Recorded, StoreError> {
        let mut recorded = Recorded::default();
        for seen in &self.seen {
            recorded.last_job = Some(self.record(connection, seen, &mut recorded).await?);
        }
        Ok(recorded)
    }
}

impl Record {
    async fn record(
        &self,
        connection: &mut SqliteConnection,
        seen: &Seen,
        recorded: &mut Recorded,
    ) -> Result<JobId, StoreError> {
        let Some(known) = find(connection, &self.source, &seen.location).await? else {
            let recording = self.insert(connection, seen).await?;
            recorded.new += 1;
            return self.enqueue(connection, recording).await;
        };
        if known.is_same(seen) && !known.gone {
            recorded.known += 1;
            return Ok(known.job);
        }
        self.refresh(connection, known.recording, seen).await?;
        recorded.changed += 1;
        match known.state.as_str() {
            "queued" => Ok(known.job),
            "failed" => self.requeue(connection, known.job).await,
            _ if known.is_same(seen) => Ok(known.job),
            _ => self.enqueue(connection, known.recording).await,
        }
    }

    async fn insert(
        &self,
        connection: &mut SqliteConnection,
        seen: &Seen,
    ) -> Result<RecordingId, StoreError> {
        let folder = seen.relative.parent().unwrap_or(Path::new(""));
        let name = seen.relative.file_name().unwrap_or(OsStr::new("recording"));
        for base in (self.bases)(name) {
            let inserted: Option<i64> = sqlx::query_scalar(
                "INSERT INTO recordings
                     (source, kind, location, relative, folder, base, size_bytes, modified_at, recorded_at, seen_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)
                 ON CONFLICT (source, folder, base) DO NOTHING RETURNING id",
            )
            .bind(&self.source)
            .bind(seen.location.kind())
            .bind(seen.location.bytes())
            .bind(row::path_bytes(&seen.relative))
            .bind(row::path_bytes(folder))
            .bind(base.as_bytes())
            .bind(row::size(seen.size_bytes))
            .bind(seen.modified.millis())
            .bind(self.now.millis())
            .fetch_optional(&mut *connection)
            .await?;
            if let Some(id) = inserted {
                return Ok(RecordingId(id));
            }
        }
        Err(StoreError::Content { column: "base" })
    }

    async fn refresh(
        &self,
        connection: &mut SqliteConnection,
        recording: RecordingId,
        seen: &Seen,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE recordings SET size_bytes = ?2, modified_at = ?3, seen_at = ?4, duration_s = NULL, gone = 0
             WHERE id = ?1",
        )
        .bind(recording.0)
        .bind(row::size(seen.size_bytes))
        .bind(seen.modified.millis())
        .bind(self.now.millis())
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn enqueue(
        &self,
        connection: &mut SqliteConnection,
        recording: RecordingId,
    ) -> Result<JobId, StoreError> {
        let id = sqlx::query_scalar(
            "INSERT INTO jobs (recording_id, model, options, state, due_at, created_at, updated_at)
             VALUES (?1, ?2, ?3, 'queued', ?4, ?4, ?4) RETURNING id",
        )
        .bind(recording.0)
        .bind(self.request.model())
        .bind(self.request.options_json())
        .bind(self.now.millis())
        .fetch_one(connection)
        .await?;
        Ok(JobId(id))
    }

    async fn requeue(
        &self,
        connection: &mut SqliteConnection,
        job: JobId,
    ) -> Result<JobId, StoreError> {
        sqlx::query(
            "UPDATE jobs SET state = 'queued', model = ?3, options = ?4, due_at = ?2, updated_at = ?2, attempts = 0,
                             twin = NULL, sha256 = NULL, generation_id = NULL, accepted_at = NULL, expires_at = NULL,
                             error_class = NULL, error_message = NULL
             WHERE id = ?1 AND state = 'failed'",
        )
        .bind(job.0)
        .bind(self.now.millis())
        .bind(self.request.model())
        .bind(self.request.options_json())
        .execute(connection)
        .await?;
        Ok(job)
    }
}

struct Known {
    recording: RecordingId,
    size_bytes: i64,
    modified_at: i64,
    gone: bool,
    job: JobId,
    state: String,
}

impl Known {
    fn is_same(&self, seen: &Seen) -> bool {
        self.size_bytes == row::size(seen.size_bytes) && self.modified_at == seen.modified.millis()
    }
}

/// The recording with its latest job.
async fn find(
    connection: &mut SqliteConnection,
    source: &str,
    location: &Location,
) -> Result<Option<Known>, StoreError> {
    let found = sqlx::query(
        "SELECT r.id, r.size_bytes, r.modified_at, r.gone, j.id AS job, j.state
         FROM recordings r JOIN jobs j ON j.recording_id = r.id
         WHERE r.source = ?1 AND r.location = ?2 ORDER BY j.id DESC LIMIT 1",
    )
    .bind(source)
    .bind(location.bytes())
    .fetch_optional(connection)
    .await?;
    let Some(found) = found else { return Ok(None) };
    Ok(Some(Known {
        recording: RecordingId(found.try_get("id")?),
        size_bytes: found.try_get("size_bytes")?,
        modified_at: found.try_get("modified_at")?,
        gone: row::is_set(&found, "gone")?,
        job: JobId(found.try_get("job")?),
        state: found.try_get("state")?,
    }))
}

struct Reconfigure {
    source: String,
    request: Request,
    now: Timestamp,
}

impl Change for Reconfigure {
    type Reply = u64;

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<u64, StoreError> {
        let changed = sqlx::query(
            "UPDATE jobs SET model = ?2, options = ?3, updated_at = ?4
             WHERE state = 'queued' AND doubt IS NULL AND (model, options) <> (?2, ?3)
               AND recording_id IN (SELECT id FROM recordings WHERE source = ?1)",
        )
        .bind(&self.source)
        .bind(self.request.model())
        .bind(self.request.options_json())
        .bind(self.now.millis())
        .execute(connection)
        .await?;
        Ok(changed.rows_affected())
    }
}
