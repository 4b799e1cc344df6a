//! `received` → `done`: the files of a result are written, or set aside.

use crate::domain::search::entry::SearchEntry;
use crate::domain::{Failure, JobId, Timestamp, WrittenFile};
use crate::runtime::failpoint;
use crate::store::error::StoreError;
use crate::store::sqlite::batch::{apply_guarded, json_rows};
use crate::store::sqlite::open::Store;
use crate::store::sqlite::outputs::output_rows;
use crate::store::sqlite::search_index::{Replace, write_entries};
use crate::store::sqlite::writer::{BatchedChange, Change, Replies, check_guard};
use sqlx::SqliteConnection;
use std::sync::Arc;

impl Store {
    /// `received` → `done`.
    ///
    /// Call it only when the files are complete and synced to disk. Files that an earlier job of the recording
    /// wrote under the same names now belong to this job. The same commit writes the `entry` of the search index, which
    /// replaces that of an earlier job of the recording. With `hook`, it queues the hook of the job.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the job is no longer received.
    pub async fn finish_job(
        &self,
        job: JobId,
        files: Vec<WrittenFile>,
        entry: Arc<SearchEntry>,
        hook: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let written = Written {
            job,
            files,
            entry: Some(entry),
            hook,
            is_set_aside: false,
            now,
        };
        failpoint::around("store.written", self.writer().write(written)).await
    }

    /// `received` → `done`, without files: an earlier transcript of the recording is better, and its files stay.
    ///
    /// The result stays stored.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the job is no longer received.
    pub async fn set_aside(&self, job: JobId, now: Timestamp) -> Result<(), StoreError> {
        let written = Written {
            job,
            files: Vec::new(),
            entry: None,
            hook: false,
            is_set_aside: true,
            now,
        };
        failpoint::around("store.written", self.writer().write(written)).await
    }

    /// Records that the files of a received job could not be written.
    ///
    /// The job stays `received` and keeps its result. Writing is retried at `due`.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the job is no longer received.
    pub async fn postpone_write(
        &self,
        job: JobId,
        failure: Failure,
        due: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        failpoint::around(
            "store.not_written",
            self.writer().write(NotWritten {
                job,
                failure,
                due,
                now,
            }),
        )
        .await
    }
}

struct Written {
    job: JobId,
    files: Vec<WrittenFile>,
    /// Entry of the search index. `None` if the transcript is set aside.
    entry: Option<Arc<SearchEntry>>,
    hook: bool,
    is_set_aside: bool,
    now: Timestamp,
}

impl BatchedChange for Written {
    type Reply = ();

    fn conflicts_with(&self, other: &Self) -> bool {
        self.job == other.job || self.hook != other.hook
    }

    async fn apply_batch(
        saved: &[&Self],
        connection: &mut SqliteConnection,
    ) -> Result<Replies<()>, StoreError> {
        if saved.iter().any(|one| one.hook) {
            let jobs = saved.iter().map(|one| (one.job, one.now.millis()));
            sqlx::query(
                "INSERT OR IGNORE INTO hooks (job_id, created_at)
                 SELECT jobs.id, w.value ->> 1 FROM jsonb_each(?1) w CROSS JOIN jobs ON jobs.id = w.value ->> 0
                 WHERE state = 'received'",
            )
            .bind(json_rows(jobs))
            .execute(&mut *connection)
            .await?;
        }
        let entries: Vec<_> = saved
            .iter()
            .filter_map(|one| one.entry.as_deref())
            .collect();
        write_entries(&entries, Replace::Any, connection).await?;
        let text = "
            INSERT OR REPLACE INTO outputs (path, job_id, size_bytes, written_at, sha256, changed_at_ns)
            SELECT unhex(o.value ->> 0), jobs.id, o.value ->> 1, w.value ->> 1, unhex(o.value ->> 2), o.value ->> 3
            FROM jsonb_each(?1) w CROSS JOIN jobs ON jobs.id = w.value ->> 0 CROSS JOIN jsonb_each(jsonb_extract(w.value, '$[2]')) o
            WHERE state = 'received';
            UPDATE jobs SET state = 'done', set_aside = w.value ->> 3, error_class = NULL, error_message = NULL,
                            updated_at = w.value ->> 1
            FROM jsonb_each(?1) w WHERE jobs.id = w.value ->> 0 AND +jobs.state = 'received'";
        let saved = saved.iter().map(|one| {
            let set_aside = u8::from(one.is_set_aside);
            (
                one.job,
                one.now.millis(),
                output_rows(&one.files),
                set_aside,
            )
        });
        apply_guarded(text, saved, &[], connection).await
    }
}

struct NotWritten {
    job: JobId,
    failure: Failure,
    due: Timestamp,
    now: Timestamp,
}

impl Change for NotWritten {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let updated = sqlx::query(
            "UPDATE jobs SET due_at = ?2, error_class = ?3, error_message = ?4, updated_at = ?5
             WHERE id = ?1 AND state = 'received'",
        )
        .bind(self.job.0)
        .bind(self.due.millis())
        .bind(self.failure.class.as_str())
        .bind(&self.failure.message)
        .bind(self.now.millis())
        .execute(connection)
        .await?;
        check_guard(&updated)
    }
}
