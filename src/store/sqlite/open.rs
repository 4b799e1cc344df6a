//! Opening and closing the database.

use crate::disk::folder::{PRIVATE_MODE, create_durable};
use crate::disk::identity::PlacedFile;
use crate::disk::mount::record_mount;
use crate::runtime::failpoint;
use crate::store::error::{StoreError, is_corrupt};
use crate::store::sqlite::batch::json_rows;
use crate::store::sqlite::migrations::migrator;
use crate::store::sqlite::writer::Writer;
use rustix::fs::Access;
use sqlx::migrate::MigrateError;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Name of the database file in the state folder.
pub const DATABASE_FILE: &str = "nightscribe.db";
/// `PRAGMA application_id` of a nightscribe database: `nscr`. The first migration sets it.
const APPLICATION_ID: i64 = 0x6e73_6372;
/// First bytes of every database of SQLite.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Time that a statement waits for the lock of another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Number of reading connections.
const READERS: u32 = 4;
/// Number of rows that a reader buffers, so that long answers do not alternate between two threads.
const ROW_BUFFER: usize = 500;
/// Page cache of each reader in KiB.
///
/// It is small because recently written pages are in the cache of the operating system.
const READER_CACHE_KIB: u32 = 1 << 10;
/// Pages in the write-ahead log before a checkpoint: 16 MiB.
///
/// A page that changes repeatedly is then copied only once.
const CHECKPOINT_PAGES: u32 = 4000;
/// Switches a database to WAL. The setting is stored in the file.
const USE_WAL: &str = "PRAGMA journal_mode = WAL";

/// The queue: one writer and a few readers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    file: PlacedFile,
    is_shared: bool,
    readers: SqlitePool,
    writer: Writer,
}

impl Store {
    /// Opens the queue in `folder`, and creates it if it does not exist (folder 0700, file 0600).
    ///
    /// An empty file counts as no database. The database of another program is not changed.
    ///
    /// A crash in the middle leaves an older schema or none. The next call completes it.
    ///
    /// # Errors
    /// If the folder cannot be used, or the database is foreign, incomplete, damaged, locked or from a newer version.
    /// Nothing is overwritten then.
    pub async fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(DATABASE_FILE);
        // Held until the database is open: SQLite does not wait for a process that creates it or switches it to
        // WAL.
        let failed = |source| StoreError::Folder {
            path: folder.to_owned(),
            source,
        };
        let (file, _lock) = lock_folder(folder, &path).await.map_err(failed)?;
        let file = file.ok_or_else(|| StoreError::Incomplete { path: path.clone() })?;
        if path.is_dir() {
            return Err(StoreError::Foreign { path });
        }
        let with_path = |error| with_path(&path, error);
        let writer_options = writer_options(&path);
        let mut connection = writer_options.connect().await.map_err(with_path)?;
        let is_new = refuse_foreign(&mut connection, &path).await?;
        sqlx::query(USE_WAL)
            .execute(&mut connection)
            .await
            .map_err(with_path)?;
        failpoint::around("store.migrate", migrate(&mut connection, is_new, &path)).await?;
        Ok(Self {
            file,
            is_shared: false,
            readers: readers(&path),
            writer: Writer::start(Some(connection), writer_options),
        })
    }

    /// Opens the queue in `folder` for a use case that mostly reads. The writing connection is made by the first change, which
    /// saves half of the time. A database that needs more than that is opened as by [`open`](Self::open).
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub async fn open_for_reading(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(DATABASE_FILE);
        if let Ok((Some(file), _lock)) = lock_folder(folder, &path).await {
            let readers = readers(&path);
            if is_current(&readers).await.unwrap_or(false) {
                return Ok(Self {
                    file,
                    is_shared: false,
                    readers,
                    writer: Writer::start(None, writer_options(&path)),
                });
            }
            readers.close().await;
        }
        Self::open(folder).await
    }

    /// Returns a handle whose [`close`](Self::close) leaves the database open.
    #[must_use]
    pub fn shared(&self) -> Self {
        Self {
            is_shared: true,
            ..self.clone()
        }
    }

    /// Path of the database file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Checks that the path of the database still leads to the open file. Blocks for a `stat`.
    ///
    /// # Errors
    /// [`StoreError::Replaced`] if it does not.
    pub fn require_in_place(&self) -> Result<(), StoreError> {
        match self.file.is_in_place() {
            true => Ok(()),
            false => Err(StoreError::Replaced {
                path: self.path().to_owned(),
            }),
        }
    }

    pub(crate) const fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    pub(crate) const fn writer(&self) -> &Writer {
        &self.writer
    }

    /// Commits everything sent to the writer and closes the database. Does nothing for a [shared](Self::shared) handle, whose
    /// changes are committed when they are acknowledged.
    ///
    /// If no other process has it open, all data is in the one file afterwards. Dropping the store instead
    /// loses nothing that was acknowledged.
    pub async fn close(self) {
        if self.is_shared {
            return;
        }
        self.readers.close().await;
        failpoint::around("store.close", self.writer.close()).await;
    }
}

/// Creates the folder and the file if missing, and waits until no other process is opening the database. Returns the
/// file, unless it is empty beside a write-ahead log.
///
/// Syncs the entry of the folder; SQLite syncs its contents. The lock lasts until the returned folder is dropped
/// or the process ends.
async fn lock_folder(folder: &Path, path: &Path) -> std::io::Result<(Option<PlacedFile>, File)> {
    let (folder, path) = (folder.to_owned(), path.to_owned());
    let locking = tokio::task::spawn_blocking(move || {
        // The folder of a database with content is durable: it was synced before the database was created.
        match is_empty(&path)? {
            true => create_durable(&folder, PRIVATE_MODE)?,
            false => record_mount(&folder),
        }
        let folder = File::open(folder)?;
        folder.lock()?;
        if is_empty(&path)? && !is_empty(&with_suffix(&path, "-wal"))? {
            return Ok((None, folder));
        }
        // An existing file is not opened: closing it would release the locks that this process has on it by POSIX, and with
        // them those of a store that is open.
        let created = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path);
        if let Err(error) = created
            && error.kind() != std::io::ErrorKind::AlreadyExists
        {
            return Err(error);
        }
        rustix::fs::access(&path, Access::READ_OK | Access::WRITE_OK)?;
        Ok((Some(PlacedFile::at(&path)?), folder))
    });
    locking.await?
}

/// Whether a file is empty or missing.
fn is_empty(path: &Path) -> std::io::Result<bool> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(metadata.len() == 0),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Returns the options of every connection. They change nothing in the file. The database of another program must not
/// be switched to WAL, for example.
fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging()
}

/// Returns the options of the writing connection.
fn writer_options(path: &Path) -> SqliteConnectOptions {
    options(path)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES.to_string())
        // Statement journals stay in memory. As files they would be created and deleted for each statement.
        .pragma("temp_store", "memory")
}

/// Returns the reading connections. Each is made when it is needed.
fn readers(path: &Path) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(READERS)
        // A connection to a file does not break, and testing it would double the cost of a query.
        .test_before_acquire(false)
        .connect_lazy_with(
            options(path)
                .pragma("cache_size", format!("-{READER_CACHE_KIB}"))
                .read_only(true)
                .create_if_missing(false)
                .row_buffer_size(ROW_BUFFER),
        )
}

/// Whether the database is ours, uses WAL, and has exactly the schema of this version.
async fn is_current(readers: &SqlitePool) -> Result<bool, sqlx::Error> {
    let migrator = migrator();
    let known = (migrator.iter()).map(|one| (one.version, hex::encode_upper(&one.checksum)));
    sqlx::query_scalar(
        "SELECT (SELECT application_id FROM pragma_application_id) = ?1
            AND (SELECT journal_mode FROM pragma_journal_mode) = 'wal'
            AND (SELECT json_group_array(json_array(version, hex(checksum)))
                 FROM (SELECT version, checksum FROM _sqlx_migrations WHERE success ORDER BY version)) = ?2
            AND NOT EXISTS (SELECT 1 FROM _sqlx_migrations WHERE NOT success)",
    )
    .bind(APPLICATION_ID)
    .bind(json_rows(known))
    .fetch_one(readers)
    .await
}

/// Converts an error, and adds the path of the database if it is damaged or foreign.
fn with_path(path: &Path, error: sqlx::Error) -> StoreError {
    if !is_corrupt(&error) {
        return error.into();
    }
    if begins_as_database(path) {
        return corrupt(path, error);
    }
    StoreError::Foreign {
        path: path.to_owned(),
    }
}

/// Whether the file begins as a database of SQLite. A file that cannot be read may do so.
fn begins_as_database(path: &Path) -> bool {
    let mut beginning = [0; MAGIC.len()];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut beginning));
    read.is_err() || beginning == *MAGIC
}

fn corrupt(path: &Path, source: sqlx::Error) -> StoreError {
    StoreError::Corrupt {
        path: path.to_owned(),
        source: source.into(),
    }
}

/// Returns whether the database is empty, or an error if it belongs to another program.
async fn refuse_foreign(
    connection: &mut SqliteConnection,
    path: &Path,
) -> Result<bool, StoreError> {
    let with_path = |error| with_path(path, error);
    let id: i64 = sqlx::query_scalar("PRAGMA application_id")
        .fetch_one(&mut *connection)
        .await
        .map_err(with_path)?;
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema")
        .fetch_one(&mut *connection)
        .await
        .map_err(with_path)?;
    if id == APPLICATION_ID || (id == 0 && tables == 0) {
        return Ok(tables == 0);
    }
    Err(StoreError::Foreign {
        path: path.to_owned(),
    })
}

async fn migrate(
    connection: &mut SqliteConnection,
    is_new: bool,
    path: &Path,
) -> Result<(), StoreError> {
    let migrated = if is_new {
        create_schema(connection).await
    } else {
        migrator().run(connection).await
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

/// Applies all migrations in one commit, as each of its own would wait for the disk twice.
async fn create_schema(connection: &mut SqliteConnection) -> Result<(), MigrateError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    migrator().run(&mut *transaction).await?;
    Ok(transaction.commit().await?)
}
