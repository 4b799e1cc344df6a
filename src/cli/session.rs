//! Configuration and queue of one command.

use super::args::GlobalArgs;
use super::exit::{CommandError, Exit};
use crate::config::{self, Config, Environment, SourceConfig};
use crate::domain::{Hold, Timestamp};
use crate::policy::hours::SubmitWindow;
use crate::runtime::clock::{Clock, SystemClock};
use crate::store::Store;
use crate::store::sqlite::open::DATABASE_FILE;

/// State that most commands share.
pub struct Session {
    /// Configuration.
    pub config: Config,
    /// Working folder and environment variables of the process.
    pub environment: Environment,
}

impl Session {
    /// Loads the configuration for this process.
    ///
    /// # Errors
    /// If the configuration cannot be read or is invalid.
    pub fn load(global: &GlobalArgs) -> Result<Self, CommandError> {
        let environment = environment()?;
        let config = config::load(global.config.as_deref(), &environment)?;
        Ok(Self {
            config,
            environment,
        })
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

    /// Returns the holds that are in force now.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn holds(&self, store: &Store) -> Result<Vec<Hold>, CommandError> {
        let (mut holds, now) = (store.holds().await?, self.now());
        holds.retain(|hold| !hold.is_over(now));
        Ok(holds)
    }

    /// Opens the queue, creating it if needed.
    ///
    /// For commands that write to the queue, which therefore require a configuration file.
    ///
    /// # Errors
    /// If there is no configuration file or the queue cannot be opened.
    pub async fn store(&self) -> Result<Store, CommandError> {
        self.require_config_file()?;
        Ok(Store::open(&self.config.state.dir).await?)
    }

    /// Opens the queue if it exists. Read-only commands create nothing.
    ///
    /// # Errors
    /// If the queue cannot be opened.
    pub async fn existing_store(&self) -> Result<Option<Store>, CommandError> {
        if !self.config.state.dir.join(DATABASE_FILE).exists() {
            return Ok(None);
        }
        Ok(Some(Store::open(&self.config.state.dir).await?))
    }

    /// Checks that a configuration file was loaded.
    ///
    /// # Errors
    /// If there is no configuration file. The message explains how to create one.
    pub fn require_config_file(&self) -> Result<(), CommandError> {
        if self.config.file.is_some() {
            return Ok(());
        }
        let message =
            "no configuration file; `nightscribe init` writes one, `--config` selects one";
        Err(CommandError::new(Exit::Usage, message))
    }

    /// Returns the source with this name.
    ///
    /// # Errors
    /// If there is no such source.
    pub fn source(&self, name: &str) -> Result<&SourceConfig, CommandError> {
        let sources = &self.config.sources;
        sources
            .iter()
            .find(|source| source.name == name)
            .ok_or_else(|| {
                let names = sources.iter().map(|source| source.name.as_str());
                let suggestion = crate::domain::did_you_mean::suggestion(name, names);
                CommandError::new(
                    Exit::Usage,
                    format!("there is no source `{name}`{suggestion}"),
                )
            })
    }
}

/// Returns the working folder and environment variables of this process.
///
/// # Errors
/// If the working folder no longer exists.
pub fn environment() -> Result<Environment, CommandError> {
    Environment::from_process().map_err(|error| {
        CommandError::new(
            Exit::Usage,
            format!("cannot determine the working folder: {error}"),
        )
    })
}
