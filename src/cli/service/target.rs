//! Which service is meant, and what it should be.

use crate::cli::args::{Global, Whose};
use crate::cli::exit::{Exit, Report};
use crate::cli::session::{Session, environment};
use crate::cli::terminal::shown;
use crate::config::{self, Config, Environment, KeySource};
use crate::install::account::{self, Account};
use crate::install::scope::environment_file;
use crate::install::setup::{STATE_FOLDER, Surroundings, folders};
use crate::install::steps::Talk;
use crate::install::{Identity, Manager, Scope, Setup, Unfit};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Begins the names of variables that only this shell has.
const PREFIX: &str = "NIGHTSCRIBE__";

/// Which service is meant.
pub(super) struct Target {
    pub(super) manager: Manager,
    pub(super) scope: Scope,
    /// Where its file is.
    pub(super) file: PathBuf,
    /// The folder that stands for `/`, if it is not this machine's own.
    pub(super) root: Option<PathBuf>,
    pub(super) environment: Environment,
    /// `NIGHTSCRIBE__…` variables of this shell, which the service is not given.
    pub(super) left_out: Vec<String>,
}

impl Target {
    pub(super) fn of(whose: &Whose) -> Result<Self, Report> {
        let scope = match (whose.user, whose.system) {
            (true, _) => Scope::User,
            (_, true) => Scope::System,
            _ if uid() == 0 => Scope::System,
            _ => Scope::User,
        };
        let root = whose.root.as_deref().map(std::path::absolute).transpose()?;
        Self::at(scope, environment()?, root)
    }

    pub(super) fn at(
        scope: Scope,
        mut environment: Environment,
        root: Option<PathBuf>,
    ) -> Result<Self, Report> {
        let is_left_out = |name: &str| name.starts_with(PREFIX);
        let names = environment.variables.keys();
        let left_out = names
            .filter_map(|name| name.to_str().filter(|name| is_left_out(name)))
            .map(str::to_owned)
            .collect();
        environment
            .variables
            .retain(|name, _| !name.to_str().is_some_and(is_left_out));
        let file = Manager::HERE
            .file(scope, &environment)
            .map_err(|error| Report::of(Exit::Usage, &error))?;
        Ok(Self {
            manager: Manager::HERE,
            scope,
            file: below(root.as_deref(), &file),
            root,
            environment,
            left_out,
        })
    }

    pub(super) fn talk(&self) -> Talk<'_> {
        Talk {
            manager: self.manager,
            scope: self.scope,
            file: &self.file,
            uid: uid(),
        }
    }

    /// The text of the service's file; `None` if there is none.
    pub(super) fn installed(&self) -> Result<Option<String>, Report> {
        match std::fs::read_to_string(&self.file) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => {
                let message = format!("cannot read `{}`: {error}", shown(&self.file));
                Err(Report::new(Exit::Usage, message))
            }
        }
    }

    /// The configuration as the service will find it, and what the service should be.
    pub(super) fn planned(&self, global: &Global) -> Result<(Config, Setup), Report> {
        let config = config::load(global.config.as_deref(), &self.environment)?;
        let session = Session {
            config,
            environment: self.environment.clone(),
        };
        session.require_file()?;
        let setup = self.setup(&session.config)?;
        Ok((session.config, setup))
    }

    /// What the service of this configuration should be.
    pub(super) fn setup(&self, config: &Config) -> Result<Setup, Report> {
        let unfit = |error: Unfit| Report::of(Exit::Usage, &error);
        let binary = std::env::current_exe()
            .map_err(|error| Report::internal("the program cannot find itself", &error))?;
        let around = Surroundings {
            scope: self.scope,
            identity: identity(self.scope, config).map_err(unfit)?,
            binary,
            config: config.file.clone().unwrap_or_default(),
            home: self.home(config)?,
            environment_file: environment_file(self.scope, &self.environment)
                .map_err(|error| Report::of(Exit::Usage, &error))?,
        };
        Setup::of(config, around).map_err(unfit)
    }

    /// What `~` stands for, if the configuration says `~` anywhere: the machine's manager gives its services no home,
    /// or another.
    fn home(&self, config: &Config) -> Result<Option<PathBuf>, Report> {
        let Some(home) = self.environment.get("HOME").map(PathBuf::from) else {
            return Ok(None);
        };
        if self.scope == Scope::User {
            return Ok(None);
        }
        let mut elsewhere = self.environment.clone();
        elsewhere
            .variables
            .insert("HOME".into(), "/nowhere/at/all".into());
        let other = config::load(config.file.as_deref(), &elsewhere)?;
        let differs = folders(config) != folders(&other) || config.api.key != other.api.key;
        Ok(differs.then_some(home))
    }

    /// Whether the key is where the service gets it from; `None` if this user cannot tell.
    pub(super) fn has_key(&self, config: &Config) -> Option<bool> {
        match &config.api.key {
            KeySource::File(path) => path.try_exists().ok(),
            KeySource::Env(name) => {
                let file = environment_file(self.scope, &self.environment).ok()?;
                sets(&below(self.root.as_deref(), &file), name)
            }
        }
    }

    /// Whether the user's manager runs when the user is not logged in.
    pub(super) fn lingers(&self) -> bool {
        let folder = below(self.root.as_deref(), Path::new("/var/lib/systemd/linger"));
        folder.join(account(uid()).name).exists()
    }
}

/// Whether the file of variables sets this one; `None` if this user cannot tell.
pub(super) fn sets(file: &Path, variable: &str) -> Option<bool> {
    match std::fs::read_to_string(file) {
        Ok(text) => Some(crate::install::installed::sets(&text, variable)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(false),
        Err(_) => None,
    }
}

/// The user of a number.
pub(super) fn account(uid: u32) -> Account {
    account::of_number(&passwd(), uid)
}

/// The users of this machine.
pub(super) fn passwd() -> String {
    std::fs::read_to_string("/etc/passwd").unwrap_or_default()
}

/// The user of this process.
pub(super) fn uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn below(root: Option<&Path>, path: &Path) -> PathBuf {
    match root {
        Some(root) => root.join(path.strip_prefix("/").unwrap_or(path)),
        None => path.to_owned(),
    }
}

/// The machine's service runs as a user made for it, or else as the one who owns what it must write.
fn identity(scope: Scope, config: &Config) -> Result<Identity, Unfit> {
    if scope == Scope::User {
        return Ok(Identity::Caller);
    }
    let written = [
        ("state.dir", &config.state.dir, "state"),
        ("output.dir", &config.output.dir, "transcripts"),
    ];
    let outside = written
        .into_iter()
        .find(|(_, path, _)| !path.starts_with(STATE_FOLDER));
    let Some((key, path, name)) = outside else {
        return Ok(Identity::Made);
    };
    match path.ancestors().find_map(|folder| folder.metadata().ok()) {
        Some(owned) if owned.uid() != 0 => Ok(Identity::Named(account(owned.uid()).name)),
        _ => Err(Unfit::RootOnly {
            key,
            path: path.clone(),
            name,
        }),
    }
}
