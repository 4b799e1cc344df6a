//! The configuration and the queue of one command.

use super::args::Global;
use super::exit::{Exit, Report};
use crate::config::{self, Config, Environment, Source};
use crate::domain::{Hold, Timestamp};
use crate::pipeline::clock::{Clock, SystemClock};
use crate::policy::hours::Window;
use crate::store::Store;
use crate::store::open::DATABASE;

/// What most commands work with.
pub struct Session {
    /// The configuration.
    pub config: Config,
    /// What the process was given.
    pub environment: Environment,
}

impl Session {
    /// Loads the configuration.
    ///
    /// # Errors
    /// If it cannot be read or is refused.
    pub fn load(global: &Global) -> Result<Self, Report> {
        let environment = environment()?;
        let config = config::load(global.config.as_deref(), &environment)?;
        Ok(Self {
            config,
            environment,
        })
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    /// The hours in which recordings are submitted, and the end of the run's time.
    pub fn window(&self, until: Option<Timestamp>) -> Window {
        Window {
            hours: self.config.schedule.active_hours.clone(),
            until,
            zone: SystemClock.zone(),
        }
    }

    /// The holds that are in force now.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn holds(&self, store: &Store) -> Result<Vec<Hold>, Report> {
        let (mut holds, now) = (store.holds().await?, self.now());
        holds.retain(|hold| !hold.is_over(now));
        Ok(holds)
    }

    /// The queue, made where there is none. Only for commands that put something into it, which need a configuration.
    ///
    /// # Errors
    /// If there is no configuration file, or the queue cannot be opened.
    pub async fn store(&self) -> Result<Store, Report> {
        self.require_file()?;
        Ok(Store::open(&self.config.state.dir).await?)
    }

    /// The queue, if there is one: a question makes nothing.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub async fn existing_store(&self) -> Result<Option<Store>, Report> {
        if !self.config.state.dir.join(DATABASE).exists() {
            return Ok(None);
        }
        Ok(Some(Store::open(&self.config.state.dir).await?))
    }

    /// Says how to begin where there is no configuration.
    ///
    /// # Errors
    /// If there is none.
    pub fn require_file(&self) -> Result<(), Report> {
        if self.config.file.is_some() {
            return Ok(());
        }
        let message =
            "there is no configuration; `nightscribe init` writes one, `--config` names one";
        Err(Report::new(Exit::Usage, message))
    }

    /// A source by name.
    ///
    /// # Errors
    /// If there is none of that name.
    pub fn source(&self, name: &str) -> Result<&Source, Report> {
        let sources = &self.config.sources;
        sources
            .iter()
            .find(|source| source.name == name)
            .ok_or_else(|| {
                let names = sources.iter().map(|source| source.name.as_str());
                let suggestion = crate::domain::nearest::suggestion(name, names);
                Report::new(
                    Exit::Usage,
                    format!("there is no source `{name}`{suggestion}"),
                )
            })
    }
}

/// What this process was given.
///
/// # Errors
/// If the working folder is gone.
pub fn environment() -> Result<Environment, Report> {
    Environment::of_process()
        .map_err(|error| Report::new(Exit::Usage, format!("the working folder is gone: {error}")))
}
