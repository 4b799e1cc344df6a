//! Selection of the service and its intended setup.

use crate::app::session::{KeptStore, Session, environment};
use crate::cli::args::{GlobalArgs, ServiceArgs};
use crate::cli::exit::{CommandError, Exit};
use crate::config::system::STATE_FOLDER;
use crate::config::{self, Config, Environment, KeySource};
use crate::service_manager::scope::environment_file;
use crate::service_manager::setup::{SERVICE_USER, SpecContext, folders};
use crate::service_manager::steps::ServiceCommands;
use crate::service_manager::user;
use crate::service_manager::user::OsUser;
use crate::service_manager::{Identity, Scope, ServiceManager, ServiceSpec, SpecError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Prefix of variables that override the configuration. The service does not inherit them.
const PREFIX: &str = "NIGHTSCRIBE__";

/// Service that a command works on.
pub(super) struct ServiceTarget {
    pub(super) manager: ServiceManager,
    pub(super) scope: Scope,
    /// Path of the service file.
    pub(super) file: PathBuf,
    /// Folder in place of `/`, from `--root`.
    pub(super) root: Option<PathBuf>,
    pub(super) environment: Environment,
    /// `NIGHTSCRIBE__…` variables of this shell, which the service does not inherit.
    pub(super) ignored_variables: Vec<String>,
}

impl ServiceTarget {
    pub(super) fn from_args(whose: &ServiceArgs) -> Result<Self, CommandError> {
        let scope = match (whose.user, whose.system) {
            (true, _) => Scope::User,
            (_, true) => Scope::System,
            _ if uid() == 0 => Scope::System,
            _ => Scope::User,
        };
        let root = whose.root.as_deref().map(std::path::absolute).transpose()?;
        Self::in_scope(scope, environment()?, root)
    }

    pub(super) fn in_scope(
        scope: Scope,
        mut environment: Environment,
        root: Option<PathBuf>,
    ) -> Result<Self, CommandError> {
        let is_left_out = |name: &str| name.starts_with(PREFIX);
        let names = environment.variables.keys();
        let left_out = names
            .filter_map(|name| name.to_str().filter(|name| is_left_out(name)))
            .map(str::to_owned)
            .collect();
        environment
            .variables
            .retain(|name, _| !name.to_str().is_some_and(is_left_out));
        let file = ServiceManager::CURRENT
            .service_file(scope, &environment)
            .map_err(|error| CommandError::from_error(Exit::Usage, &error))?;
        Ok(Self {
            manager: ServiceManager::CURRENT,
            scope,
            file: rebased(root.as_deref(), &file),
            root,
            environment,
            ignored_variables: left_out,
        })
    }

    pub(super) fn commands(&self) -> ServiceCommands<'_> {
        ServiceCommands {
            manager: self.manager,
            scope: self.scope,
            file: &self.file,
            uid: uid(),
        }
    }

    /// Loads the configuration as the service will. Returns it with the intended setup of the service.
    pub(super) fn load_plan(
        &self,
        global: &GlobalArgs,
    ) -> Result<(Config, ServiceSpec), CommandError> {
        let config = config::load(global.config.as_deref(), &self.environment)?;
        let session = Session {
            config,
            environment: self.environment.clone(),
            kept: KeptStore::default(),
        };
        session.require_config_file()?;
        let setup = self.setup(&session.config)?;
        Ok((session.config, setup))
    }

    /// Returns the intended setup of the service for this configuration.
    pub(super) fn setup(&self, config: &Config) -> Result<ServiceSpec, CommandError> {
        let unfit = |error: SpecError| CommandError::from_error(Exit::Usage, &error);
        let binary = std::env::current_exe().map_err(|error| {
            CommandError::internal("cannot determine the path of this program", &error)
        })?;
        let surroundings = SpecContext {
            scope: self.scope,
            identity: self.identity(config).map_err(unfit)?,
            binary,
            config: config.file.clone().unwrap_or_default(),
            home: self.home(config)?,
            environment_file: environment_file(self.scope, &self.environment)
                .map_err(|error| CommandError::from_error(Exit::Usage, &error))?,
        };
        ServiceSpec::new(config, surroundings).map_err(unfit)
    }

    /// Returns the home folder that a system service needs, if its configuration uses `~`.
    ///
    /// The system manager sets no `HOME` for services, or a different one.
    fn home(&self, config: &Config) -> Result<Option<PathBuf>, CommandError> {
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
                sets_variable(&self.rebased(&file), name)
            }
        }
    }

    /// Whether lingering is enabled: the user's manager then runs without a login.
    pub(super) fn is_lingering(&self) -> bool {
        let folder = self.rebased(Path::new("/var/lib/systemd/linger"));
        folder.join(user_by_id(uid()).name).exists()
    }

    /// Whether systemd runs this machine. It makes this folder when it starts.
    pub(super) fn has_running_systemd(&self) -> bool {
        self.rebased(Path::new("/run/systemd/system")).is_dir()
    }

    /// Moves an absolute path below the root folder, if there is one.
    pub(super) fn rebased(&self, path: &Path) -> PathBuf {
        rebased(self.root.as_deref(), path)
    }

    /// Returns the user that the service runs as.
    ///
    /// A system service that writes only below systemd's state folder runs as the user of the packages, or as a dynamic user.
    /// Otherwise it runs as the owner of the first other folder it writes to, which must not be root.
    fn identity(&self, config: &Config) -> Result<Identity, SpecError> {
        if self.scope == Scope::User {
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
            let users = self.rebased(Path::new("/etc/passwd"));
            let users = std::fs::read_to_string(users).unwrap_or_default();
            return Ok(match user::by_name(&users, SERVICE_USER) {
                Some(user) => Identity::Named(user.name),
                None => Identity::Dynamic,
            });
        };
        match path.ancestors().find_map(|folder| folder.metadata().ok()) {
            Some(owned) if owned.uid() != 0 => Ok(Identity::Named(user_by_id(owned.uid()).name)),
            _ => Err(SpecError::RootOnly {
                key,
                path: path.clone(),
                name,
            }),
        }
    }
}

/// Whether an environment file sets `variable`. `None` if this user cannot read the file.
pub(super) fn sets_variable(file: &Path, variable: &str) -> Option<bool> {
    match std::fs::read_to_string(file) {
        Ok(text) => Some(crate::service_manager::unit_file::sets_variable(
            &text, variable,
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(false),
        Err(_) => None,
    }
}

/// Returns the user with this ID.
pub(super) fn user_by_id(uid: u32) -> OsUser {
    user::by_uid(&passwd(), uid)
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
