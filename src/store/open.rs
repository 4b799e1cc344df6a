//! Opening the queue.

use super::error::{StoreError, is_corrupt};
use super::writer::Writer;
use crate::crash;
use crate::disk::folder::{PRIVATE, make_durable};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// The database's file in the state folder.
pub const DATABASE: &str = "nightscribe.db";
/// What `PRAGMA application_id` says of a database of ours: `nscr`.
const APPLICATION_ID: i64 = 0x6e73_6372;
/// How long a statement waits for another process that is writing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections that read beside the one that writes.
const READERS: u32 = 4;
/// Rows that a reader is ahead by, so that long answers do not go back and forth between two threads.
const ROWS_AHEAD: usize = 500;
/// Memory for pages of each connection that reads, in KiB: what was just written is in the system's memory anyway.
const READER_CACHE: u32 = 1 << 10;
/// Pages in the write-ahead log before they are carried over: 16 MiB, so that a page changed again and again is carried
/// over once.
const CHECKPOINT_AFTER: u32 = 4000;

/// The queue: one writer, a few readers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    path: PathBuf,
    readers: SqlitePool,
    writer: Writer,
}

impl Store {
    /// Opens the queue in `folder`, and makes it where there is none (folder 0700, file 0600). A crash meanwhile
    /// leaves an older schema or none, which the next opening completes.
    ///
    /// # Errors
    /// If the folder cannot be used, or the database is foreign, damaged, locked or from a newer version. Nothing is
    /// overwritten then.
    pub async fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(DATABASE);
        // Held until the database is open: SQLite lets nobody wait while another makes it or turns it to WAL.
        let _alone = alone(folder, &path)
            .await
            .map_err(|source| StoreError::Folder {
                path: folder.to_owned(),
                source,
            })?;
        let options = options(&path);
        let place = |error| {
            if is_corrupt(&error) {
                corrupt(&path, error)
            } else {
                error.into()
            }
        };
        let writing = options
            .clone()
            .pragma("wal_autocheckpoint", CHECKPOINT_AFTER.to_string())
            // What undoes a single statement is no file: it would be made and deleted for each.
            .pragma("temp_store", "memory");
        let mut connection = writing.connect().await.map_err(place)?;
        let is_new = refuse_foreign(&mut connection, &path).await?;
        crash::around("store.migrate", migrate(&mut connection, is_new, &path)).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            // A connection to a file does not go away; asking it first would double the cost of a question.
            .test_before_acquire(false)
            .connect_lazy_with(
                options
                    .pragma("cache_size", format!("-{READER_CACHE}"))
                    .read_only(true)
                    .create_if_missing(false)
                    .row_buffer_size(ROWS_AHEAD),
            );
        Ok(Self {
            path,
            readers,
            writer: Writer::start(connection, writing),
        })
    }

    /// The database's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) const fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    pub(super) const fn writer(&self) -> &Writer {
        &self.writer
    }

    /// Waits until everything handed to the writer is committed, and closes the database: where no other process has it
    /// open, all of it is in its one file then. Dropping the store without this loses nothing that was answered.
    pub async fn close(self) {
        self.readers.close().await;
        crash::around("store.close", self.writer.close()).await;
    }
}

/// Makes folder and file where they are missing, the folder for good (SQLite syncs what is in it), and waits until no
/// other process opens the database. The lock goes with the file that is returned, or with the process.
async fn alone(folder: &Path, path: &Path) -> std::io::Result<File> {
    let (folder, path) = (folder.to_owned(), path.to_owned());
    let waiting = tokio::task::spawn_blocking(move || {
        make_durable(&folder, PRIVATE)?;
        std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)?;
        let folder = File::open(folder)?;
        folder.lock()?;
        Ok(folder)
    });
    waiting.await?
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging()
}

fn corrupt(path: &Path, source: sqlx::Error) -> StoreError {
    StoreError::Corrupt {
        path: path.to_owned(),
        source,
    }
}

/// Says whether there is nothing in it yet.
async fn refuse_foreign(
    connection: &mut SqliteConnection,
    path: &Path,
) -> Result<bool, StoreError> {
    let place = |error| {
        if is_corrupt(&error) {
            corrupt(path, error)
        } else {
            error.into()
        }
    };
    let id: i64 = sqlx::query_scalar("PRAGMA application_id")
        .fetch_one(&mut *connection)
        .await
        .map_err(place)?;
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema")
        .fetch_one(&mut *connection)
        .await
        .map_err(place)?;
    if id == APPLICATION_ID || (id == 0 && tables == 0) {
        return Ok(tables == 0);
    }
    // A crash inside the very first migration leaves sqlx's own table and no application ID.
    let ours: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%_sqlx_migrations%'",
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(place)?;
    if id == 0 && ours == tables {
        Ok(false)
    } else {
        Err(StoreError::Foreign {
            path: path.to_owned(),
        })
    }
}

async fn migrate(
    connection: &mut SqliteConnection,
    is_new: bool,
    path: &Path,
) -> Result<(), StoreError> {
    let migrated = if is_new {
        make(connection).await
    } else {
        MIGRATIONS.run(connection).await
    };
    match migrated {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..)) => {
            Err(StoreError::Newer {
                path: path.to_owned(),
            })
        }
        Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _))
            if is_corrupt(&error) =>
        {
            Err(corrupt(path, error))
        }
        Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => {
            Err(error.into())
        }
        Err(error) => Err(StoreError::Database(sqlx::Error::Migrate(Box::new(error)))),
    }
}

/// All migrations in one commit, as each would wait for the disk twice.
async fn make(connection: &mut SqliteConnection) -> Result<(), MigrateError> {
    let mut whole = connection.begin_with("BEGIN IMMEDIATE").await?;
    MIGRATIONS.run(&mut *whole).await?;
    Ok(whole.commit().await?)
}
