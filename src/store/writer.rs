//! The one writer. It owns the only writing connection and commits what is waiting in one transaction, so that the
//! fsync of a commit is shared; every caller is answered after it. There is no timer: a lone change commits at once,
//! load makes the groups.

use super::error::StoreError;
use crate::crash;
use futures_util::future::BoxFuture;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

/// Changes that share a commit at the most.
const GROUP: usize = 256;

/// Something that is written in one piece: all of it or nothing.
pub(super) trait Change: Send + Sync + 'static {
    /// What the caller is told once it is on disk.
    type Reply: Send + 'static;

    /// Runs the statements. May be run again from the start, in a transaction of its own, if the group it was in
    /// could not be committed.
    fn apply<'a>(
        &'a self,
        connection: &'a mut SqliteConnection,
    ) -> impl Future<Output = Result<Self::Reply, StoreError>> + Send + 'a;
}

/// A handle to the writer; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    queue: mpsc::Sender<Box<dyn Entry>>,
}

impl Writer {
    /// Starts the writer on its connection, which `options` make again if it fails. It ends when every handle is gone.
    pub(super) fn start(connection: SqliteConnection, options: SqliteConnectOptions) -> Self {
        let (queue, waiting) = mpsc::channel(4 * GROUP);
        tokio::spawn(write(
            Connected {
                options,
                connection: Some(connection),
            },
            waiting,
        ));
        Self { queue }
    }

    /// Writes `change` and answers once it is durable. A caller that gives up waiting does not undo it.
    ///
    /// # Errors
    /// What the change itself reports ([`StoreError::Stale`] among it), or why the commit failed; nothing is written
    /// then.
    pub(super) async fn write<C: Change>(&self, change: C) -> Result<C::Reply, StoreError> {
        let (answer, answered) = oneshot::channel();
        let entry = Box::new(Waiting {
            change,
            outcome: None,
            answer,
        });
        self.queue
            .send(entry)
            .await
            .map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Waits until everything sent before is committed, and closes the connection once every handle is gone.
    pub(super) async fn close(self) {
        let Self { queue } = self;
        let flushed = Self { queue }.write(Flush).await;
        debug_assert!(
            flushed.is_ok()
                || matches!(
                    flushed,
                    Err(StoreError::Closed | StoreError::Locked(_) | StoreError::Disk(_))
                )
        );
    }
}

struct Flush;

impl Change for Flush {
    type Reply = ();

    async fn apply(&self, _: &mut SqliteConnection) -> Result<(), StoreError> {
        Ok(())
    }
}

struct Waiting<C: Change> {
    change: C,
    outcome: Option<Result<C::Reply, StoreError>>,
    answer: oneshot::Sender<Result<C::Reply, StoreError>>,
}

/// A change of any kind, with its caller.
trait Entry: Send {
    /// Runs the change. `false` if a statement failed, so that the transaction must not be committed; a guard that
    /// hit no row writes nothing and is no such failure.
    fn apply<'a>(&'a mut self, connection: &'a mut SqliteConnection) -> BoxFuture<'a, bool>;
    /// Remembers that the commit failed.
    fn fail(&mut self, error: StoreError);
    /// Tells the caller. That nobody waits any more is no error.
    fn answer(self: Box<Self>);
}

impl<C: Change> Entry for Waiting<C> {
    fn apply<'a>(&'a mut self, connection: &'a mut SqliteConnection) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            let outcome = self.change.apply(connection).await;
            let commit = matches!(outcome, Ok(_) | Err(StoreError::Stale));
            self.outcome = Some(outcome);
            commit
        })
    }

    fn fail(&mut self, error: StoreError) {
        self.outcome = Some(Err(error));
    }

    fn answer(self: Box<Self>) {
        let outcome = self.outcome.unwrap_or(Err(StoreError::Closed));
        let _nobody_waits = self.answer.send(outcome);
    }
}

/// The writing connection; made anew after a failure, because a failed commit leaves it in no known state.
struct Connected {
    options: SqliteConnectOptions,
    connection: Option<SqliteConnection>,
}

impl Connected {
    async fn commit(&mut self, group: &mut [Box<dyn Entry>]) -> Result<(), StoreError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.options.connect().await?,
        };
        commit_together(&mut connection, group).await?;
        self.connection = Some(connection);
        Ok(())
    }
}

async fn write(mut writing: Connected, mut waiting: mpsc::Receiver<Box<dyn Entry>>) {
    let mut group = Vec::with_capacity(GROUP);
    while waiting.recv_many(&mut group, GROUP).await > 0 {
        if let Err(error) = writing.commit(&mut group).await {
            for entry in &mut group {
                // A lock or a full disk is the same for each; anything else is one entry's own, which the others survive.
                if let Some(error) = error.shared() {
                    entry.fail(error);
                    continue;
                }
                let alone = std::slice::from_mut(entry);
                if let Err(error) = writing.commit(alone).await {
                    alone[0].fail(error);
                }
            }
        }
        group.drain(..).for_each(Entry::answer);
    }
    let Some(connection) = writing.connection else {
        return;
    };
    if let Err(error) = connection.close().await {
        tracing::warn!(error = %error, "the database did not close cleanly; nothing is lost");
    }
}

/// Runs the group in one transaction. On an error nothing of it is written. A statement's own error is kept with its
/// entry when it stands alone.
async fn commit_together(
    connection: &mut SqliteConnection,
    group: &mut [Box<dyn Entry>],
) -> Result<(), StoreError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let alone = group.len() == 1;
    for entry in group.iter_mut() {
        if !entry.apply(&mut transaction).await {
            transaction.rollback().await?;
            return if alone {
                Ok(())
            } else {
                Err(StoreError::Stale)
            };
        }
    }
    crash::point("store.writer.applied");
    transaction.commit().await?;
    crash::point("store.writer.committed");
    Ok(())
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
