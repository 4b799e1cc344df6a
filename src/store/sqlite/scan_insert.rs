//! Scan insert: stores recordings and their jobs, many rows to a statement.

use crate::domain::Location;
use crate::domain::{JobId, RecordingId, Request, Timestamp};
use crate::runtime::failpoint;
use crate::store::error::StoreError;
use crate::store::sqlite::budget::end_budget_wait;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::recordings::{BaseNames, FoundRecording, RecordOutcome};
use crate::store::sqlite::row;
use crate::store::sqlite::writer::Change;
use futures_util::future::join;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

/// Number of recordings inserted by one statement.
const ROWS_PER_INSERT: usize = 256;

/// Stores recordings, with a job for each that is new or changed.
pub(crate) struct InsertRecordings {
    pub(crate) source: String,
    pub(crate) request: Request,
    pub(crate) found: Vec<FoundRecording>,
    pub(crate) base_names: BaseNames,
    pub(crate) now: Timestamp,
}

impl Store {
    /// Stores recordings of `source`, with a queued job for `request` for each that is new or changed.
    ///
    /// `bases` returns the possible base names of the transcripts of a file, best first. The first one that is
    /// free in the folder is assigned. The batch is stored completely or not at all.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn record(
        &self,
        source: &str,
        request: &Request,
        seen: Vec<FoundRecording>,
        bases: BaseNames,
        now: Timestamp,
    ) -> Result<RecordOutcome, StoreError> {
        failpoint::around(
            "store.record",
            self.writer().write(InsertRecordings {
                source: source.to_owned(),
                request: request.clone(),
                found: seen,
                base_names: bases,
                now,
            }),
        )
        .await
    }
}

impl Change for InsertRecordings {
    type Reply = RecordOutcome;

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<RecordOutcome, StoreError> {
        let first: i64 = sqlx::query_scalar("SELECT coalesce(max(id), 0) + 1 FROM recordings")
            .fetch_one(&mut *connection)
            .await?;
        let new = self.insert_new(connection, first).await?;
        let mut recorded = RecordOutcome {
            new,
            ..RecordOutcome::default()
        };
        if new < self.found.len() as u64 {
            self.record_skipped(connection, first, &mut recorded)
                .await?;
        }
        if recorded.last_job.is_none() {
            let last = first + self.found.len() as i64 - 1;
            recorded.last_job = job_of(connection, last).await?;
        }
        Ok(recorded)
    }
}

impl InsertRecordings {
    /// Inserts new recordings whose preferred base name is free, each with a job. Returns their number.
    ///
    /// The IDs count up from `first` in the order of the recordings. Rows with a conflict are skipped: the
    /// recording is known, or its base name is taken. It uses few statements because a first scan may find a
    /// million recordings.
    async fn insert_new(
        &self,
        connection: &mut SqliteConnection,
        first: i64,
    ) -> Result<u64, StoreError> {
        let chunks = self
            .found
            .chunks(ROWS_PER_INSERT)
            .zip((first..).step_by(ROWS_PER_INSERT));
        let mut inserts = chunks.map(|(seen, id)| (seen.len(), self.insert_statement(id, seen)));
        let mut next = inserts.next();
        while let Some((rows, mut insert)) = next {
            let inserted = insert
                .build()
                .persistent(rows == ROWS_PER_INSERT)
                .execute(&mut *connection);
            // Build the next statement while SQLite's thread runs this one.
            let (inserted, following) = join(inserted, async { inserts.next() }).await;
            inserted?;
            next = following;
        }
        let jobs = sqlx::query(
            "INSERT INTO jobs (recording_id, model, options, state, due_at, created_at, updated_at)
             SELECT id, ?2, ?3, 'queued', ?4, ?4, ?4 FROM recordings WHERE id >= ?1 ORDER BY id",
        )
        .bind(first)
        .bind(self.request.model())
        .bind(self.request.options_json())
        .bind(self.now.millis())
        .execute(connection)
        .await?;
        Ok(jobs.rows_affected())
    }

    /// Stores the recordings that [`Self::insert_new`] skipped, one by one.
    async fn record_skipped(
        &self,
        connection: &mut SqliteConnection,
        first: i64,
        recorded: &mut RecordOutcome,
    ) -> Result<(), StoreError> {
        let inserted: Vec<i64> = sqlx::query_scalar("SELECT id FROM recordings WHERE id >= ?1")
            .bind(first)
            .fetch_all(&mut *connection)
            .await?;
        let inserted: HashSet<i64> = inserted.into_iter().collect();
        for (seen, id) in self.found.iter().zip(first..) {
            recorded.last_job = if inserted.contains(&id) {
                None
            } else {
                Some(self.record_one(connection, seen, recorded).await?)
            };
        }
        Ok(())
    }

    /// Builds the statement for recordings with IDs from `first` on.
    fn insert_statement(&self, first: i64, seen: &[FoundRecording]) -> QueryBuilder<Sqlite> {
        let mut insert = QueryBuilder::<Sqlite>::new(
            "INSERT INTO recordings (id, source, kind, location, relative, folder, base_name, size_bytes,
                                     modified_at, recorded_at, seen_at) ",
        );
        insert.push_values(seen.iter().zip(first..), |mut values, (seen, id)| {
            let (folder, name) = split_path(seen);
            let base = (self.base_names)(name).next().unwrap_or_default();
            values
                .push_bind(id)
                .push_bind(&self.source)
                .push_bind(row::location_kind(&seen.location))
                .push_bind(row::location_bytes(&seen.location))
                .push_bind(row::path_bytes(&seen.relative))
                .push_bind(row::path_bytes(folder))
                .push_bind(base.into_vec())
                .push_bind(row::to_integer(seen.size_bytes))
                .push_bind(seen.modified.millis())
                .push_bind(self.now.millis())
                .push_bind(self.now.millis());
        });
        insert.push(" ON CONFLICT DO NOTHING");
        insert
    }

    async fn record_one(
        &self,
        connection: &mut SqliteConnection,
        seen: &FoundRecording,
        recorded: &mut RecordOutcome,
    ) -> Result<JobId, StoreError> {
        let Some(existing) = find(connection, &self.source, &seen.location).await? else {
            let recording = self.insert(connection, seen).await?;
            recorded.new += 1;
            return self.enqueue(connection, recording).await;
        };
        if existing.is_same(seen) && !existing.missing {
            recorded.known += 1;
            return Ok(existing.job);
        }
        self.refresh(connection, existing.recording, seen).await?;
        recorded.changed += 1;
        match existing.state.as_str() {
            "queued" if !existing.uncertain => {
                // It may fit into the budget now.
                end_budget_wait(connection, existing.job).await?;
                self.forget_marks(connection, existing.job).await?;
                self.forget_retry(connection, existing.job).await?;
                Ok(existing.job)
            }
            "failed" | "excluded" => self.requeue(connection, existing.job).await,
            _ if existing.is_same(seen) => Ok(existing.job),
            _ => self.enqueue(connection, existing.recording).await,
        }
    }

    async fn insert(
        &self,
        connection: &mut SqliteConnection,
        seen: &FoundRecording,
    ) -> Result<RecordingId, StoreError> {
        let (folder, name) = split_path(seen);
        for base in (self.base_names)(name) {
            let inserted: Option<i64> = sqlx::query_scalar(
                "INSERT INTO recordings
                     (source, kind, location, relative, folder, base_name, size_bytes, modified_at, recorded_at,
                      seen_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)
                 ON CONFLICT (source, folder, base_name) DO NOTHING RETURNING id",
            )
            .bind(&self.source)
            .bind(row::location_kind(&seen.location))
            .bind(row::location_bytes(&seen.location))
            .bind(row::path_bytes(&seen.relative))
            .bind(row::path_bytes(folder))
            .bind(base.as_bytes())
            .bind(row::to_integer(seen.size_bytes))
            .bind(seen.modified.millis())
            .bind(self.now.millis())
            .fetch_optional(&mut *connection)
            .await?;
            if let Some(id) = inserted {
                return Ok(RecordingId(id));
            }
        }
        Err(StoreError::Content {
            column: "base_name",
        })
    }

    async fn refresh(
        &self,
        connection: &mut SqliteConnection,
        recording: RecordingId,
        seen: &FoundRecording,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE recordings SET size_bytes = ?2, modified_at = ?3, seen_at = ?4, duration_s = NULL, missing = 0,
                                   length_is_estimate = 0, length_unknown_to = NULL
             WHERE id = ?1",
        )
        .bind(recording.0)
        .bind(row::to_integer(seen.size_bytes))
        .bind(seen.modified.millis())
        .bind(self.now.millis())
        .execute(connection)
        .await?;
        Ok(())
    }

    /// Removes the evidence that a queued job is paid for, and the approval of a truncated file: they concern the earlier
    /// content.
    async fn forget_marks(
        &self,
        connection: &mut SqliteConnection,
        job: JobId,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE jobs SET as_is = 0, paid_mark = iif(paid_mark = 'approved', paid_mark, NULL) WHERE id = ?1",
        )
        .bind(job.0)
        .execute(connection)
        .await?;
        Ok(())
    }

    /// Makes a queued retry an ordinary job: the transcript that it was to improve is of another content. It gets the model
    /// and options of that transcript, because those of this change may be its own.
    async fn forget_retry(
        &self,
        connection: &mut SqliteConnection,
        job: JobId,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE jobs SET model = e.model, options = e.options, retry_of = NULL, keep_better = 0, paid_mark = NULL
             FROM jobs e WHERE jobs.id = ?1 AND e.id = jobs.retry_of",
        )
        .bind(job.0)
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
                             duplicate_of = NULL, sha256 = NULL, sound_hash = NULL, sound_head = NULL, sound_s = NULL,
                             generation_id = NULL, accepted_at = NULL,
                             expires_at = NULL, error_class = NULL, error_message = NULL, as_is = 0,
                             retry_of = NULL, keep_better = 0
             WHERE id = ?1 AND state IN ('failed', 'excluded')",
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

/// Returns the folder and the file name within the source.
fn split_path(seen: &FoundRecording) -> (&Path, &OsStr) {
    (
        seen.relative.parent().unwrap_or(Path::new("")),
        seen.relative.file_name().unwrap_or(OsStr::new("recording")),
    )
}

async fn job_of(
    connection: &mut SqliteConnection,
    recording: i64,
) -> Result<Option<JobId>, StoreError> {
    let job: Option<i64> = sqlx::query_scalar("SELECT max(id) FROM jobs WHERE recording_id = ?1")
        .bind(recording)
        .fetch_one(connection)
        .await?;
    Ok(job.map(JobId))
}

struct Existing {
    recording: RecordingId,
    size_bytes: i64,
    modified_at: i64,
    missing: bool,
    job: JobId,
    state: String,
    /// Whether its last submission is uncertain. The service may then have accepted it, so the job keeps its content.
    uncertain: bool,
}

impl Existing {
    fn is_same(&self, seen: &FoundRecording) -> bool {
        self.size_bytes == row::to_integer(seen.size_bytes)
            && self.modified_at == seen.modified.millis()
    }
}

/// Returns a recording with its latest job.
async fn find(
    connection: &mut SqliteConnection,
    source: &str,
    location: &Location,
) -> Result<Option<Existing>, StoreError> {
    let found = sqlx::query(
        "SELECT r.id, r.size_bytes, r.modified_at, r.missing, j.id AS job, j.state,
                j.uncertain_attempt_id NOT NULL AS uncertain
         FROM recordings r JOIN jobs j ON j.recording_id = r.id
         WHERE r.source = ?1 AND r.location = ?2 ORDER BY j.id DESC LIMIT 1",
    )
    .bind(source)
    .bind(row::location_bytes(location))
    .fetch_optional(connection)
    .await?;
    let Some(found) = found else { return Ok(None) };
    Ok(Some(Existing {
        recording: RecordingId(found.try_get("id")?),
        size_bytes: found.try_get("size_bytes")?,
        modified_at: found.try_get("modified_at")?,
        missing: row::is_set(&found, "missing")?,
        job: JobId(found.try_get("job")?),
        state: found.try_get("state")?,
        uncertain: row::is_set(&found, "uncertain")?,
    }))
}
