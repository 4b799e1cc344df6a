//! Selection of the service and its intended setup.

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

/// Prefix of variables that override the configuration. The service does not inherit them.
const PREFIX: &str = "NIGHTSCRIBE__";

/// Service that a command works on.
pub(super) struct Target {
    pub(super) manager: Manager,
    pub(super) scope: Scope,
    /// Path of the service file.
    pub(super) file: PathBuf,
    /// Folder in place of `/`, from `--root`.
    pub(super) root: Option<PathBuf>,
    pub(super) environment: Environment,
    /// `NIGHTSCRIBE__…` variables of this shell, which the service does not inherit.
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
            file: rebased(root.as_deref(), &file),
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

    /// Returns the text of the service file. `None` if the file does not exist.
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

    /// Loads the configuration as the service will. Returns it with the intended setup of the service.
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

    /// Returns the intended setup of the service for this configuration.
    pub(super) fn setup(&self, config: &Config) -> Result<Setup, Report> {
        let unfit = |error: Unfit| Report::of(Exit::Usage, &error);
        let binary = std::env::current_exe().map_err(|error| {
            Report::internal("cannot determine the path of this program", &error)
        })?;
        let surroundings = Surroundings {
            scope: self.scope,
            identity: identity(self.scope, config).map_err(unfit)?,
            binary,
            config: config.file.clone().unwrap_or_default(),
            home: self.home(config)?,
            environment_file: environment_file(self.scope, &self.environment)
                .map_err(|error| Report::of(Exit::Usage, &error))?,
        };
        Setup::of(config, surroundings).map_err(unfit)
    }

    /// Returns the home folder that a system service needs, if its configuration uses `~`.
    ///
    /// The system manager sets no `HOME` for services, or a different one.
    fn home(&self, config: &Config) -> Result<Option<PathBuf>, Report> {
        let Some(home) = self.environment.get("HOME").map(PathBuf::from) else {
            return Ok(None);
        };
        if self.scope == Scope::User {
            return Ok(None);
        }
        let mut other_home = self.environment.clone();
        other_home
            .variables
            .insert("HOME".into(), "/nowhere/at/all".into());
        let other = config::load(config.file.as_deref(), &other_home)?;
        let differs = folders(config) != folders(&other) || config.api.key != other.api.key;
        Ok(differs.then_some(home))
    }

    /// Whether the service can find its key. `None` if this user cannot check it.
    pub(super) fn has_key(&self, config: &Config) -> Option<bool> {
        match &config.api.key {
            KeySource::File(path) => path.try_exists().ok(),
            KeySource::Env(name) => {
                let file = environment_file(self.scope, &self.environment).ok()?;
                sets(&rebased(self.root.as_deref(), &file), name)
            }
        }
    }

    /// Whether lingering is enabled: the user's manager then runs without a login.
    pub(super) fn lingers(&self) -> bool {
        let folder = rebased(self.root.as_deref(), Path::new("/var/lib/systemd/linger"));
        folder.join(account(uid()).name).exists()
    }
}

/// Whether an environment file sets `variable`. `None` if this user cannot read the file.
pub(super) fn sets(file: &Path, variable: &str) -> Option<bool> {
    match std::fs::read_to_string(file) {
        Ok(text) => Some(crate::install::installed::sets(&text, variable)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(false),
        Err(_) => None,
    }
}

/// Returns the user with this ID.
pub(super) fn account(uid: u32) -> Account {
    account::of_number(&passwd(), uid)
}

/// Returns the text of `/etc/passwd`. Empty if it cannot be read.
pub(super) fn passwd() -> String {
    std::fs::read_to_string("/etc/passwd").unwrap_or_default()
}

/// Returns the effective user ID of this process.
pub(super) fn uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Moves an absolute path below `root`, if there is one.
fn rebased(root: Option<&Path>, path: &Path) -> PathBuf {
    match root {
        Some(root) => root.join(path.strip_prefix("/").unwrap_or(path)),
        None => path.to_owned(),
    }
}

/// Returns the user that the service runs as.
///
/// A system service runs as a dynamic user if it writes only below systemd's state folder. Otherwise it runs as the owner
/// of the first other folder it writes to, which must not be root.
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
