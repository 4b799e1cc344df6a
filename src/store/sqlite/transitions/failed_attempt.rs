//! `submitting` or `pending` → `queued` or `failed`: an attempt has ended without a result.

use crate::domain::{AttemptId, Failure, JobId, Timestamp};
use crate::policy::outcome::{AttemptOutcome, JobChange, Reason};
use crate::runtime::failpoint;
use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::writer::{Change, check_guard};
use sqlx::SqliteConnection;

/// State of a job after an attempt without a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextState {
    /// `queued`. The attempt is not counted unless it is `spent`.
    Queued {
        /// Earliest time of the next attempt.
        due: Timestamp,
        /// Whether the attempt counts.
        spent: bool,
    },
    /// `failed`.
    Failed,
}

/// An attempt that ended without a result.
#[derive(Debug, Clone)]
pub struct FailedAttempt {
    /// Job ID.
    pub job: JobId,
    /// Attempt that ended.
    pub attempt: AttemptId,
    /// Outcome of the attempt.
    pub outcome: AttemptOutcome,
    /// State of the job afterwards.
    pub next_state: NextState,
    /// Cause.
    pub failure: Failure,
    /// HTTP status of the answer, if any.
    pub http_status: Option<u16>,
    /// `x-request-id` of the answer, if any.
    pub request_id: Option<String>,
    /// Time of the end.
    pub now: Timestamp,
}

impl FailedAttempt {
    /// Returns the end of an attempt that `change` asks for; `None` if it does not end one. `answer` is the failure that
    /// the answer carries.
    #[must_use]
    pub fn of(
        change: JobChange,
        job: JobId,
        attempt: AttemptId,
        answer: Option<Failure>,
        now: Timestamp,
    ) -> Option<Self> {
        let (outcome, next_state, reason) = match change {
            JobChange::LookUp => {
                let next = NextState::Queued {
                    due: now,
                    spent: true,
                };
                (AttemptOutcome::Uncertain, next, Reason::Answer)
            }
            JobChange::Requeue {
                outcome,
                due,
                spent,
                reason,
            } => (outcome, NextState::Queued { due, spent }, reason),
            JobChange::Fail { outcome, reason } => (outcome, NextState::Failed, reason),
            JobChange::Accept
            | JobChange::Complete
            | JobChange::PollAgain { .. }
            | JobChange::LookUpAgain { .. }
            | JobChange::Nothing => return None,
        };
        Some(Self {
            job,
            attempt,
            outcome,
            next_state,
            failure: reason.failure(answer),
            http_status: None,
            request_id: None,
            now,
        })
    }
}

impl Store {
    /// `submitting` or `pending` → `queued` or `failed`.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the job is in neither state.
    pub async fn fail_attempt(&self, ended: FailedAttempt) -> Result<(), StoreError> {
        failpoint::around("store.set_back", self.writer().write(ended)).await
    }
}

impl Change for FailedAttempt {
    type Reply = ();

    async fn apply(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let (state, due, refund) = match self.next_state {
            NextState::Queued { due, spent } => ("queued", due, i64::from(!spent)),
            NextState::Failed => ("failed", self.now, 0),
        };
        let is_uncertain = self.outcome == AttemptOutcome::Uncertain
            && matches!(self.next_state, NextState::Queued { .. });
        let updated = sqlx::query(
            "UPDATE jobs SET state = ?2, run_id = NULL, due_at = ?3, attempts = max(attempts - ?4, 0),
                             generation_id = NULL, accepted_at = NULL, expires_at = NULL,
                             error_class = ?5, error_message = ?6, updated_at = ?7,
                             uncertain_attempt_id = ?8, lookups = 0
             WHERE id = ?1 AND state IN ('submitting', 'pending')",
        )
        .bind(self.job.0)
        .bind(state)
        .bind(due.millis())
        .bind(refund)
        .bind(self.failure.class.as_str())
        .bind(&self.failure.message)
        .bind(self.now.millis())
        .bind(is_uncertain.then_some(self.attempt.0))
        .execute(&mut *connection)
        .await?;
        check_guard(&updated)?;
        sqlx::query(
            "UPDATE attempts SET outcome = ?2, ended_at = ?3, error_class = ?4, error_message = ?5,
                                 http_status = coalesce(?6, http_status), request_id = coalesce(?7, request_id)
             WHERE id = ?1",
        )
        .bind(self.attempt.0)
        .bind(self.outcome.as_str())
        .bind(self.now.millis())
        .bind(self.failure.class.as_str())
        .bind(&self.failure.message)
        .bind(self.http_status)
        .bind(&self.request_id)
        .execute(connection)
        .await?;
        Ok(())
    }
}
