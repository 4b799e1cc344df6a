//! Configuration and queue of one use case.

use super::error::AppError;
use crate::config::load::default_files;
use crate::config::{
    self, Config, Environment, KeyError, Layout, OutputConfig, SourceConfig, read_key,
};
use crate::domain::did_you_mean::suggestion;
use crate::domain::{Hold, Timestamp};
use crate::policy::hours::SubmitWindow;
use crate::provider::{Client, ClientError};
use crate::runtime::clock::{Clock, SystemClock};
use crate::store::sqlite::open::DATABASE_FILE;
use crate::store::{Store, StoreError};
use secrecy::SecretString;
use std::path::{Path, PathBuf};
use tokio::runtime::Handle;
use tokio::sync::Mutex;

/// Maximum number of sources that a message lists.
const MAX_LISTED: usize = 5;

/// State that most use cases share.
pub struct Session {
    /// Configuration.
    pub config: Config,
    /// Working folder and environment variables of the process.
    pub environment: Environment,
    /// Queue that stays open between use cases, if it is to.
    pub kept: KeptStore,
}

/// Queue that stays open between the use cases of a session. By default, each use case opens and closes it.
#[derive(Debug, Default)]
pub struct KeptStore {
    is_kept: bool,
    store: Mutex<Option<Store>>,
}

impl KeptStore {
    /// Keeps the queue open, for a session that serves many use cases.
    #[must_use]
    pub fn kept() -> Self {
        Self {
            is_kept: true,
            store: Mutex::default(),
        }
    }

    /// Opens the queue in `folder`, or returns the open one. One that is no longer at its path is closed first.
    async fn open(&self, folder: &Path, purpose: Purpose) -> Result<Store, StoreError> {
        if !self.is_kept {
            return open_store(folder, purpose).await;
        }
        let mut kept = self.store.lock().await;
        if let Some(store) = kept.as_ref() {
            if store.require_in_place().is_ok() {
                return Ok(store.shared());
            }
            let replaced = kept.take();
            drop(replaced);
        }
        let store = open_store(folder, purpose).await?;
        let shared = store.shared();
        *kept = Some(store);
        Ok(shared)
    }

    /// Closes the queue if it is open. The next use case opens it again.
    pub async fn close(&self) {
        let kept = self.store.lock().await.take();
        if let Some(store) = kept {
            store.close().await;
        }
    }
}

impl Session {
    /// Loads the configuration for this process, from `file` or otherwise from the first default location.
    ///
    /// # Errors
    /// If the configuration cannot be read or is invalid.
    pub fn load(file: Option<&Path>) -> Result<Self, AppError> {
        let environment = environment()?;
        let config = config::load(file, &environment)?;
        Ok(Self {
            config,
            environment,
            kept: KeptStore::default(),
        })
    }

    /// Returns the settings of the output, in the folder `dir` instead of the configured one if given. Transcripts in such a
    /// folder mirror the sources.
    #[must_use]
    pub fn output_in(&self, dir: Option<&Path>) -> OutputConfig {
        let configured = self.config.output.clone();
        match dir {
            Some(dir) => OutputConfig {
                dir: self.environment.working_dir.join(dir),
                layout: Layout::Mirror,
                ..configured
            },
            None => configured,
        }
    }

    /// Returns the current time.
    pub fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    /// Returns the submission window: the active hours and the end of the run, if any.
    pub fn window(&self, until: Option<Timestamp>) -> SubmitWindow {
        SubmitWindow {
            hours: self.config.schedule.active_hours.clone(),
            until,
            zone: SystemClock.zone(),
        }
    }

    /// Reads the API key.
    ///
    /// # Errors
    /// If the key is missing or cannot be read.
    pub fn key(&self) -> Result<SecretString, KeyError> {
        read_key(&self.config.api.key, &self.environment)
    }

    /// Creates a client of the service that sends `key`.
    ///
    /// # Errors
    /// If the configured address or the key cannot be used.
    pub fn client(&self, key: SecretString) -> Result<Client, ClientError> {
        Client::new(&self.config.api.client_settings(key))
    }

    /// Returns the holds that are in force now, including those of single sources.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn holds(&self, store: &Store) -> Result<Vec<Hold>, AppError> {
        let now = self.now();
        let mut holds = [store.holds().await?, store.source_holds().await?].concat();
        holds.retain(|hold| !hold.is_over(now));
        Ok(holds)
    }

    /// Opens the queue, creating it if needed.
    ///
    /// For use cases that write to the queue, which therefore require a configuration file.
    ///
    /// # Errors
    /// If there is no configuration file or the queue cannot be opened.
    pub async fn store(&self) -> Result<Store, AppError> {
        self.require_config_file()?;
        Ok(self
            .kept
            .open(&self.config.state.dir, Purpose::Writing)
            .await?)
    }

    /// Opens the queue if it exists. Read-only use cases create nothing.
    ///
    /// # Errors
    /// If it cannot be determined whether the queue exists, or it cannot be opened.
    pub async fn existing_store(&self) -> Result<Option<Store>, AppError> {
        if !self.has_store()? {
            return Ok(None);
        }
        let opening = self.kept.open(&self.config.state.dir, Purpose::Reading);
        Ok(Some(opening.await?))
    }

    /// Returns whether the queue exists.
    ///
    /// # Errors
    /// If the state folder cannot be searched, for example because it belongs to another user.
    pub fn has_store(&self) -> Result<bool, StoreError> {
        let folder = &self.config.state.dir;
        let found = folder.join(DATABASE_FILE).try_exists();
        found.map_err(|source| StoreError::Folder {
            path: folder.clone(),
            source,
        })
    }

    /// Returns the path of the database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.config.state.dir.join(DATABASE_FILE)
    }

    /// Checks that a configuration file was loaded.
    ///
    /// # Errors
    /// If there is no configuration file. The message names the files looked for, and how to create one.
    pub fn require_config_file(&self) -> Result<(), AppError> {
        if self.config.file.is_some() {
            return Ok(());
        }
        Err(AppError::NoConfigFile {
            looked_for: default_files(&self.environment),
        })
    }

    /// Checks that a name is that of a source: a configured one, or an earlier one with recordings in the queue.
    ///
    /// # Errors
    /// If there is no such source, or the database fails.
    pub async fn require_known_source(&self, store: &Store, name: &str) -> Result<(), AppError> {
        if store.has_source(name).await? {
            return Ok(());
        }
        self.source(name).map(|_| ())
    }

    /// Leaves out all sources but those of these names. Keeps all if there are no names.
    ///
    /// # Errors
    /// If there is no source of a name.
    pub fn restrict_to_sources(&mut self, names: &[String]) -> Result<(), AppError> {
        for name in names {
            self.source(name)?;
        }
        if !names.is_empty() {
            let sources = &mut self.config.sources;
            sources.retain(|source| names.contains(&source.name));
        }
        Ok(())
    }

    /// Returns the source with this name.
    ///
    /// # Errors
    /// If there is no such source.
    pub fn source(&self, name: &str) -> Result<&SourceConfig, AppError> {
        self.config.source(name).ok_or_else(|| {
            let names = self.config.sources.iter();
            let names = names.map(|source| source.name.as_str());
            AppError::UnknownSource {
                name: name.to_owned(),
                suggestion: match suggestion(name, names.clone()) {
                    similar if similar.is_empty() => all_of(names),
                    similar => similar,
                },
            }
        })
    }
}

/// Main use of the queue by a use case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Reading,
    Writing,
}

/// Lists names in place of a similar one, if there are only a few.
fn all_of<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    match names.len() {
        1..=MAX_LISTED => format!("; there is {}", names.join(", ")),
        _ => String::new(),
    }
}

/// Opens the queue in `folder` on a thread of its own: the future of the migrations must stay on one thread, and opening blocks
/// on the disk.
async fn open_store(folder: &Path, purpose: Purpose) -> Result<Store, StoreError> {
    let (path, runtime) = (folder.to_owned(), Handle::current());
    let opening = tokio::task::spawn_blocking(move || match purpose {
        Purpose::Reading => runtime.block_on(Store::open_for_reading(&path)),
        Purpose::Writing => runtime.block_on(Store::open(&path)),
    });
    opening.await.unwrap_or_else(|error| {
        Err(StoreError::Folder {
            path: folder.to_owned(),
            source: std::io::Error::other(error),
        })
    })
}

/// Returns the working folder and environment variables of this process.
///
/// # Errors
/// If the working folder no longer exists.
pub fn environment() -> Result<Environment, AppError> {
    Environment::from_process().map_err(AppError::WorkingFolder)
}
