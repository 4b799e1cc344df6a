//! The only writer.
//!
//! It owns the writing connection and commits waiting changes in one transaction, so that they share an fsync.
//! Callers are answered after the commit. There is no timer: a single change commits immediately, and groups
//! form under load.

use crate::runtime::failpoint;
use crate::store::error::StoreError;
pub(crate) use crate::store::sqlite::batch::Replies;
use crate::store::sqlite::batch::split_into_batches;
use futures_util::future::BoxFuture;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::any::Any;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Maximum number of changes in a commit.
const MAX_GROUP: usize = 256;
/// Number of waiting changes that start a commit without waiting for more.
///
/// During a commit, answered callers can enqueue their next change.
const GATHER_LIMIT: usize = 64;

/// A change that is stored completely or not at all.
pub(crate) trait Change: Send + Sync + 'static {
    /// Answer to the caller, sent after the commit.
    type Reply: Send + 'static;

    /// Whether the change is a read-only query of one statement.
    const IS_READ_ONLY: bool = false;

    /// Runs the statements.
    ///
    /// It may run again in a transaction of its own, if its group could not be committed.
    fn apply<'a>(
        &'a self,
        connection: &'a mut SqliteConnection,
    ) -> impl Future<Output = Result<Self::Reply, StoreError>> + Send + 'a;
}

/// A change that can be batched with others of its kind.
///
/// Each statement costs a round trip to SQLite's thread, so a frequent kind applies a batch by few statements.
/// Any other [`Change`] forms a batch of one.
pub(crate) trait BatchedChange: Send + Sync + Sized + 'static {
    /// Answer to each caller, sent after the commit.
    type Reply: Send + 'static;

    /// Whether the changes are read-only queries of one statement.
    const IS_READ_ONLY: bool = false;

    /// Whether the two must not be in the same batch.
    fn conflicts_with(&self, other: &Self) -> bool;

    /// Runs the statements of a batch without conflicts.
    ///
    /// An error that is not specific to one change rolls back the group. Each of its changes is then applied
    /// alone.
    fn apply_batch<'a>(
        round: &'a [&'a Self],
        connection: &'a mut SqliteConnection,
    ) -> impl Future<Output = Result<Replies<Self::Reply>, StoreError>> + Send + 'a;
}

impl<C: Change> BatchedChange for C {
    type Reply = C::Reply;

    const IS_READ_ONLY: bool = C::IS_READ_ONLY;

    fn conflicts_with(&self, _: &Self) -> bool {
        true
    }

    async fn apply_batch(
        round: &[&Self],
        connection: &mut SqliteConnection,
    ) -> Result<Replies<Self::Reply>, StoreError> {
        let mut replies = Vec::with_capacity(round.len());
        for change in round {
            replies.push(match change.apply(connection).await {
                Err(error) if !matches!(error, StoreError::Stale) => return Err(error),
                reply => reply,
            });
        }
        Ok(replies)
    }
}

/// Handle to the writer. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Box<dyn ErasedChanges>>,
    stop: CancellationToken,
    task: TaskTracker,
}

impl Writer {
    /// Starts the writer. Without a connection, it connects for the first change.
    ///
    /// It reconnects with `options` after a failure. It stops when it is closed, or when all handles are
    /// dropped.
    pub(crate) fn start(
        connection: Option<SqliteConnection>,
        options: SqliteConnectOptions,
    ) -> Self {
        let (queue, waiting) = mpsc::channel(4 * MAX_GROUP);
        let (stop, task) = (CancellationToken::new(), TaskTracker::new());
        let writing = WritingConnection {
            options,
            connection,
        };
        task.spawn(write(writing, waiting, stop.clone()));
        task.close();
        Self { queue, stop, task }
    }

    /// Applies `change` and returns when it is durable.
    ///
    /// The change is not undone if the caller stops waiting.
    ///
    /// # Errors
    /// The error of the change itself (such as [`StoreError::Stale`]) or of the commit. Nothing is written
    /// then.
    pub(crate) async fn write<C: BatchedChange>(&self, change: C) -> Result<C::Reply, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.queue
            .send(SameKind::single(change, answer))
            .await
            .map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Commits everything sent before, merges the write-ahead log into the database, and closes the connection.
    ///
    /// Later changes of other handles fail with [`StoreError::Closed`].
    pub(crate) async fn close(self) {
        self.stop.cancel();
        self.task.wait().await;
    }
}

/// Changes of one kind, with their callers.
struct SameKind<C: BatchedChange> {
    changes: Vec<C>,
    callers: Vec<oneshot::Sender<Result<C::Reply, StoreError>>>,
    /// Results of the changes; empty until they were applied or failed.
    replies: Replies<C::Reply>,
}

impl<C: BatchedChange> SameKind<C> {
    fn single(
        change: C,
        caller: oneshot::Sender<Result<C::Reply, StoreError>>,
    ) -> Box<dyn ErasedChanges> {
        Box::new(Self {
            changes: vec![change],
            callers: vec![caller],
            replies: Vec::new(),
        })
    }
}

/// Type-erased [`SameKind`].
trait ErasedChanges: Any + Send {
    /// Adds changes of the same kind.
    fn absorb(&mut self, other: Box<dyn ErasedChanges>);
    /// Whether the changes are read-only.
    fn is_read_only(&self) -> bool;
    /// Splits into single changes.
    fn split(self: Box<Self>) -> Vec<Box<dyn ErasedChanges>>;
    /// Runs the changes. On an error the transaction must not be committed.
    fn apply<'a>(
        &'a mut self,
        connection: &'a mut SqliteConnection,
    ) -> BoxFuture<'a, Result<(), StoreError>>;
    /// Sets the error of a single change.
    fn fail(&mut self, error: StoreError);
    /// Sends the replies. Callers that no longer wait are ignored.
    fn answer(self: Box<Self>);
}

impl<C: BatchedChange> ErasedChanges for SameKind<C> {
    fn absorb(&mut self, other: Box<dyn ErasedChanges>) {
        if let Ok(other) = (other as Box<dyn Any>).downcast::<Self>() {
            self.changes.extend(other.changes);
            self.callers.extend(other.callers);
        }
    }

    fn is_read_only(&self) -> bool {
        C::IS_READ_ONLY
    }

    fn split(self: Box<Self>) -> Vec<Box<dyn ErasedChanges>> {
        let each = self.changes.into_iter().zip(self.callers);
        each.map(|(change, caller)| Self::single(change, caller))
            .collect()
    }

    fn apply<'a>(
        &'a mut self,
        connection: &'a mut SqliteConnection,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let mut replies = Vec::new();
            for indices in split_into_batches(&self.changes, C::conflicts_with) {
                let round: Vec<_> = indices.iter().map(|&index| &self.changes[index]).collect();
                let answered = C::apply_batch(&round, connection).await?;
                replies.extend(indices.into_iter().zip(answered));
            }
            replies.sort_by_key(|(index, _)| *index);
            self.replies = replies.into_iter().map(|(_, reply)| reply).collect();
            Ok(())
        })
    }

    fn fail(&mut self, error: StoreError) {
        self.replies = vec![Err(error)];
    }

    fn answer(self: Box<Self>) {
        for (caller, reply) in self.callers.into_iter().zip(self.replies) {
            let _caller_gone = caller.send(reply);
        }
    }
}

/// Groups changes by kind, ordered by the first of each kind.
///
/// The order among waiting changes does not matter: a caller that needs an order waits for one change before it
/// sends the next.
fn by_kind(waiting: impl Iterator<Item = Box<dyn ErasedChanges>>) -> Vec<Box<dyn ErasedChanges>> {
    let mut batches: Vec<Box<dyn ErasedChanges>> = Vec::new();
    for one in waiting {
        let kind = (*one).type_id();
        match batches
            .iter_mut()
            .find(|batch| (***batch).type_id() == kind)
        {
            Some(batch) => batch.absorb(one),
            None => batches.push(one),
        }
    }
    batches
}

/// The writing connection.
///
/// It is reopened after a failure, because a failed commit leaves it in an unknown state.
struct WritingConnection {
    options: SqliteConnectOptions,
    connection: Option<SqliteConnection>,
}

impl WritingConnection {
    /// Applies all changes in one transaction. On an error none of them is written.
    async fn commit(&mut self, batches: &mut [Box<dyn ErasedChanges>]) -> Result<(), StoreError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.options.connect().await?,
        };
        // An idle run queries every second. A transaction would lock out other processes and wake SQLite's
        // thread three times.
        if batches.iter().all(|batch| batch.is_read_only()) {
            for batch in batches {
                batch.apply(&mut connection).await?;
            }
            self.connection = Some(connection);
            return Ok(());
        }
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        for batch in batches {
            if let Err(error) = batch.apply(&mut transaction).await {
                transaction.rollback().await?;
                return Err(error);
            }
        }
        failpoint::hit("store.writer.applied");
        transaction.commit().await?;
        failpoint::hit("store.writer.committed");
        self.connection = Some(connection);
        Ok(())
    }

    /// Applies all changes in one transaction or, if that fails, each in its own.
    async fn commit_group(
        mut self,
        mut batches: Vec<Box<dyn ErasedChanges>>,
    ) -> (Self, Vec<Box<dyn ErasedChanges>>) {
        if let Err(error) = self.commit(&mut batches).await {
            batches = batches.into_iter().flat_map(ErasedChanges::split).collect();
            self.commit_each(&mut batches, &error).await;
        }
        (self, batches)
    }

    /// Applies each change in its own transaction, after their common one failed.
    ///
    /// A lock or a full disk fails all of them. Any other error fails only its own change.
    async fn commit_each(&mut self, changes: &mut [Box<dyn ErasedChanges>], common: &StoreError) {
        for change in changes {
            if let Some(error) = common.clone_for_group() {
                change.fail(error);
            } else if let Err(error) = self.commit(std::slice::from_mut(change)).await {
                change.fail(error);
            }
        }
    }
}

async fn write(
    mut writing: WritingConnection,
    mut waiting: mpsc::Receiver<Box<dyn ErasedChanges>>,
    stop: CancellationToken,
) {
    let mut group = Vec::with_capacity(MAX_GROUP);
    while next_group(&mut waiting, &stop, &mut group).await {
        let batches = by_kind(group.drain(..));
        // On a blocking thread: each answer of a statement wakes a thread, and waking a waiting thread costs
        // less than waking one of the runtime.
        let runtime = Handle::current();
        let committing = move || runtime.block_on(writing.commit_group(batches));
        match tokio::task::spawn_blocking(committing).await {
            Ok((connected, made)) => {
                writing = connected;
                made.into_iter().for_each(ErasedChanges::answer);
            }
            // It panicked, or the runtime shuts down. Waiting callers get `Closed`.
            Err(_) => return,
        }
        gather(&waiting).await;
    }
    let Some(connection) = writing.connection else {
        return;
    };
    if let Err(error) = connection.close().await {
        tracing::warn!(error = %error, "the database did not close cleanly; nothing is lost");
    }
}

/// Receives the next group. Returns `false` when there are no more changes.
async fn next_group(
    waiting: &mut mpsc::Receiver<Box<dyn ErasedChanges>>,
    stop: &CancellationToken,
    group: &mut Vec<Box<dyn ErasedChanges>>,
) -> bool {
    tokio::select! {
        biased;
        // Changes sent before are still received.
        () = stop.cancelled() => waiting.close(),
        count = waiting.recv_many(group, MAX_GROUP) => return count > 0,
    }
    waiting.recv_many(group, MAX_GROUP).await > 0
}

/// Lets answered callers run, so that their next changes join the next group.
///
/// Returns when no more changes arrive, or when [`GATHER_LIMIT`] are waiting.
async fn gather(waiting: &mpsc::Receiver<Box<dyn ErasedChanges>>) {
    let mut waited = 0;
    loop {
        tokio::task::yield_now().await;
        if waiting.len() == waited || waiting.len() >= GATHER_LIMIT {
            return;
        }
        waited = waiting.len();
    }
}

/// Checks that the guard of a statement held, which means that it changed a row.
pub(crate) fn check_guard(result: &sqlx::sqlite::SqliteQueryResult) -> Result<(), StoreError> {
    if result.rows_affected() > 0 {
        Ok(())
    } else {
        Err(StoreError::Stale)
    }
}
