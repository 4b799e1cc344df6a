//! The one writer. It owns the only writing connection and commits what is waiting in one transaction, so that the
//! fsync of a commit is shared; every caller is answered after it. There is no timer: a lone change commits at once,
//! load makes the groups.

use super::error::StoreError;
use super::together::rounds;
use crate::crash;
use futures_util::future::BoxFuture;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::any::Any;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Changes that share a commit at the most.
const GROUP: usize = 256;
/// Changes that are not kept waiting for more: while they are committed, whoever else was answered works on.
const ENOUGH: usize = 64;

/// Something that is written in one piece: all of it or nothing.
pub(super) trait Change: Send + Sync + 'static {
    /// What the caller is told once it is on disk.
    type Reply: Send + 'static;

    /// Whether it writes nothing after all, but asks in its turn, by one statement.
    const IS_QUESTION: bool = false;

    /// Runs the statements. May be run again from the start, in a transaction of its own, if the group it was in
    /// could not be committed.
    fn apply<'a>(
        &'a self,
        connection: &'a mut SqliteConnection,
    ) -> impl Future<Output = Result<Self::Reply, StoreError>> + Send + 'a;
}

/// What each of several changes is answered, in their order: a guard that hit no row is the affair of one.
pub(super) type Replies<R> = Vec<Result<R, StoreError>>;

/// Changes of one kind that are committed together. A kind of which many come at once makes them by few statements, as
/// each statement costs a way to SQLite's thread and back; any other [`Change`] is made by itself.
pub(super) trait Changes: Send + Sync + Sized + 'static {
    /// What the caller of each is told once it is on disk.
    type Reply: Send + 'static;

    /// Whether they write nothing after all, but ask in their turn, by one statement.
    const IS_QUESTION: bool = false;

    /// Whether both must not stand in one statement.
    fn clashes(&self, other: &Self) -> bool;

    /// Runs the statements of a round in which no two clash. An error that is not one change's own undoes the group,
    /// of which each change is then made by itself.
    fn apply_round<'a>(
        round: &'a [&'a Self],
        connection: &'a mut SqliteConnection,
    ) -> impl Future<Output = Result<Replies<Self::Reply>, StoreError>> + Send + 'a;
}

impl<C: Change> Changes for C {
    type Reply = C::Reply;

    const IS_QUESTION: bool = C::IS_QUESTION;

    fn clashes(&self, _: &Self) -> bool {
        true
    }

    async fn apply_round(
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

/// A handle to the writer; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    queue: mpsc::Sender<Box<dyn Batch>>,
    stop: CancellationToken,
    task: TaskTracker,
}

impl Writer {
    /// Starts the writer on its connection, which `options` make again if it fails. It ends when it is closed, or when
    /// every handle is gone.
    pub(super) fn start(connection: SqliteConnection, options: SqliteConnectOptions) -> Self {
        let (queue, waiting) = mpsc::channel(4 * GROUP);
        let (stop, task) = (CancellationToken::new(), TaskTracker::new());
        let writing = Connected {
            options,
            connection: Some(connection),
        };
        task.spawn(write(writing, waiting, stop.clone()));
        task.close();
        Self { queue, stop, task }
    }

    /// Writes `change` and answers once it is durable. A caller that gives up waiting does not undo it.
    ///
    /// # Errors
    /// What the change itself reports ([`StoreError::Stale`] among it), or why the commit failed; nothing is written
    /// then.
    pub(super) async fn write<C: Changes>(&self, change: C) -> Result<C::Reply, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.queue
            .send(Alike::alone(change, answer))
            .await
            .map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Waits until everything sent before is committed and the connection is closed: its log is carried over into the
    /// database by then. What other handles send is [`StoreError::Closed`].
    pub(super) async fn close(self) {
        self.stop.cancel();
        self.task.wait().await;
    }
}

/// Changes of one kind, each with its caller.
struct Alike<C: Changes> {
    changes: Vec<C>,
    callers: Vec<oneshot::Sender<Result<C::Reply, StoreError>>>,
    /// As many as there are changes, once they were made or have failed.
    replies: Replies<C::Reply>,
}

impl<C: Changes> Alike<C> {
    fn alone(change: C, caller: oneshot::Sender<Result<C::Reply, StoreError>>) -> Box<dyn Batch> {
        Box::new(Self {
            changes: vec![change],
            callers: vec![caller],
            replies: Vec::new(),
        })
    }
}

/// Changes of some kind.
trait Batch: Any + Send {
    /// Takes in another one of the same kind.
    fn absorb(&mut self, other: Box<dyn Batch>);
    /// Whether nothing is written.
    fn is_question(&self) -> bool;
    /// Each change by itself.
    fn split(self: Box<Self>) -> Vec<Box<dyn Batch>>;
    /// Runs the changes. On an error the transaction must not be committed.
    fn apply<'a>(
        &'a mut self,
        connection: &'a mut SqliteConnection,
    ) -> BoxFuture<'a, Result<(), StoreError>>;
    /// Remembers why a change that stands alone could not be made.
    fn fail(&mut self, error: StoreError);
    /// Tells the callers. That one waits no more is no error.
    fn answer(self: Box<Self>);
}

impl<C: Changes> Batch for Alike<C> {
    fn absorb(&mut self, other: Box<dyn Batch>) {
        if let Ok(other) = (other as Box<dyn Any>).downcast::<Self>() {
            self.changes.extend(other.changes);
            self.callers.extend(other.callers);
        }
    }

    fn is_question(&self) -> bool {
        C::IS_QUESTION
    }

    fn split(self: Box<Self>) -> Vec<Box<dyn Batch>> {
        let each = self.changes.into_iter().zip(self.callers);
        each.map(|(change, caller)| Self::alone(change, caller))
            .collect()
    }

    fn apply<'a>(
        &'a mut self,
        connection: &'a mut SqliteConnection,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let mut replies = Vec::new();
            for places in rounds(&self.changes, C::clashes) {
                let round: Vec<_> = places.iter().map(|&place| &self.changes[place]).collect();
                let answered = C::apply_round(&round, connection).await?;
                replies.extend(places.into_iter().zip(answered));
            }
            replies.sort_by_key(|(place, _)| *place);
            self.replies = replies.into_iter().map(|(_, reply)| reply).collect();
            Ok(())
        })
    }

    fn fail(&mut self, error: StoreError) {
        self.replies = vec![Err(error)];
    }

    fn answer(self: Box<Self>) {
        for (caller, reply) in self.callers.into_iter().zip(self.replies) {
            let _nobody_waits = caller.send(reply);
        }
    }
}

/// The same changes by kind, in the order of the first of each. Whose turn comes first among changes that wait together
/// is nobody's concern: who needs an order waits for one before the next.
fn by_kind(waiting: impl Iterator<Item = Box<dyn Batch>>) -> Vec<Box<dyn Batch>> {
    let mut batches: Vec<Box<dyn Batch>> = Vec::new();
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

/// The writing connection; made anew after a failure, because a failed commit leaves it in no known state.
struct Connected {
    options: SqliteConnectOptions,
    connection: Option<SqliteConnection>,
}

impl Connected {
    /// Makes all changes in one transaction. On an error nothing of them is written.
    async fn commit(&mut self, batches: &mut [Box<dyn Batch>]) -> Result<(), StoreError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.options.connect().await?,
        };
        // An idle run asks once a second: it need not lock out other processes, nor wake SQLite's thread three times.
        if batches.iter().all(|batch| batch.is_question()) {
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
        crash::point("store.writer.applied");
        transaction.commit().await?;
        crash::point("store.writer.committed");
        self.connection = Some(connection);
        Ok(())
    }

    /// Makes all changes: in one transaction, or if that fails, each in its own.
    async fn commit_group(
        mut self,
        mut batches: Vec<Box<dyn Batch>>,
    ) -> (Self, Vec<Box<dyn Batch>>) {
        if let Err(error) = self.commit(&mut batches).await {
            batches = batches.into_iter().flat_map(Batch::split).collect();
            self.commit_each(&mut batches, &error).await;
        }
        (self, batches)
    }

    /// Makes each change by itself, as they could not be made together. A lock or a full disk is the same for each;
    /// anything else is the affair of one, which the others survive.
    async fn commit_each(&mut self, changes: &mut [Box<dyn Batch>], together: &StoreError) {
        for alone in changes {
            if let Some(error) = together.shared() {
                alone.fail(error);
            } else if let Err(error) = self.commit(std::slice::from_mut(alone)).await {
                alone.fail(error);
            }
        }
    }
}

async fn write(
    mut writing: Connected,
    mut waiting: mpsc::Receiver<Box<dyn Batch>>,
    stop: CancellationToken,
) {
    let mut group = Vec::with_capacity(GROUP);
    while next_group(&mut waiting, &stop, &mut group).await {
        let batches = by_kind(group.drain(..));
        // On a thread of its own: each statement's answer wakes a thread, and one that only waits for it costs less to
        // wake than the runtime's.
        let runtime = Handle::current();
        let committing = move || runtime.block_on(writing.commit_group(batches));
        match tokio::task::spawn_blocking(committing).await {
            Ok((connected, made)) => {
                writing = connected;
                made.into_iter().for_each(Batch::answer);
            }
            // It panicked, or the runtime ends; whoever waits is told that the store is closed.
            Err(_) => return,
        }
        gathered(&waiting).await;
    }
    let Some(connection) = writing.connection else {
        return;
    };
    if let Err(error) = connection.close().await {
        tracing::warn!(error = %error, "the database did not close cleanly; nothing is lost");
    }
}

/// Takes what waits. `false` once nothing more comes.
async fn next_group(
    waiting: &mut mpsc::Receiver<Box<dyn Batch>>,
    stop: &CancellationToken,
    group: &mut Vec<Box<dyn Batch>>,
) -> bool {
    tokio::select! {
        biased;
        // What was sent before is taken still.
        () = stop.cancelled() => waiting.close(),
        came = waiting.recv_many(group, GROUP) => return came > 0,
    }
    waiting.recv_many(group, GROUP).await > 0
}

/// Whoever was answered may have the next change at hand: as long as more of them come, and until there are [`ENOUGH`],
/// they join the next group instead of the one after.
async fn gathered(waiting: &mpsc::Receiver<Box<dyn Batch>>) {
    let mut came = 0;
    loop {
        tokio::task::yield_now().await;
        if waiting.len() == came || waiting.len() >= ENOUGH {
            return;
        }
        came = waiting.len();
    }
}

/// A changed row means that the guard held. Statements that go with it are sent in one text, as each text costs a way to
/// SQLite's thread and back; they hold `changes() = 1`, which is said of the statement before.
pub(super) fn guarded(result: &sqlx::sqlite::SqliteQueryResult) -> Result<(), StoreError> {
    if result.rows_affected() > 0 {
        Ok(())
    } else {
        Err(StoreError::Stale)
    }
}
