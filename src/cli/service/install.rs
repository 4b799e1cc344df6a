//! `nightscribe service install`

use super::installed_unit;
use super::manager;
use super::target::{ServiceTarget, passwd};
use crate::cli::args::GlobalArgs;
use crate::cli::exit::{CommandError, Exit};
use crate::cli::json::to_json_line;
use crate::cli::terminal::printable_path;
use crate::config::{Config, KeySource};
use crate::disk::folder::{DEFAULT_MODE, PRIVATE_MODE};
use crate::domain::readable_path::readable_path;
use crate::service_manager::setup::programs;
use crate::service_manager::unit_file::Unit;
use crate::service_manager::{
    Identity, Scope, ServiceKey, ServiceManager, ServiceSpec, is_generated, render, user,
};
use serde::Serialize;
use std::fs::DirBuilder;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::path::Path;

pub(super) fn install(
    target: &ServiceTarget,
    global: &GlobalArgs,
    as_json: bool,
) -> Result<Exit, CommandError> {
    let (config, setup) = target.load_plan(global)?;
    let text = render(target.manager, &setup);
    let before = installed_unit::read(&target.file)?;
    refuse_foreign(target, before.as_deref())?;
    let is_new = before.as_ref() != Some(&text);
    if is_new {
        write(&target.file, &text).map_err(|error| file_error("write", target, &error))?;
    }
    if target.root.is_none() {
        make_folders(&config, &setup)?;
    }
    let word = if is_new { "Wrote" } else { "Unchanged:" };
    if !as_json {
        print(&format!("{word} {}", printable_path(&target.file)))?;
    }
    let has_key = target.has_key(&config) != Some(false);
    let start = start(target, is_new, has_key)?;
    let mut messages = vec![start.message];
    messages.extend(hints(target, &setup, &config, has_key));
    if as_json {
        let result = InstallResult {
            file: readable_path(&target.file),
            is_changed: is_new,
            is_started: start.is_started,
            messages,
        };
        print(&to_json_line(&result)?)?;
    } else {
        messages.iter().try_for_each(|message| print(message))?;
    }
    Ok(Exit::Done)
}

/// JSON form of the result. Fields may be added, but never removed or renamed.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::cli) struct InstallResult {
    /// Service file.
    file: String,
    /// Whether the file was written. It is not if it had the same content.
    is_changed: bool,
    /// Whether the service runs.
    is_started: bool,
    /// Completed and remaining steps, one sentence each.
    messages: Vec<String>,
}

/// Returns an error if nightscribe did not write the service file. Such a file is neither replaced nor removed.
pub(super) fn refuse_foreign(
    target: &ServiceTarget,
    text: Option<&str>,
) -> Result<(), CommandError> {
    if text.is_none_or(is_generated) {
        return Ok(());
    }
    let message = format!(
        "`{}` was not written by `nightscribe service install`; move it away first",
        printable_path(&target.file)
    );
    Err(CommandError::new(Exit::Usage, message))
}

/// Creates an error about the service file. A permission error of a system service includes advice.
pub(super) fn file_error(what: &str, target: &ServiceTarget, error: &io::Error) -> CommandError {
    let advice = match (error.kind(), target.scope) {
        (io::ErrorKind::PermissionDenied, Scope::System) => {
            "; a system service needs root: use sudo, or --user for a user service"
        }
        _ => "",
    };
    let file = printable_path(&target.file);
    CommandError::new(
        Exit::Usage,
        format!("cannot {what} `{file}`: {error}{advice}"),
    )
}

fn write(file: &Path, text: &str) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(folder)?;
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(text.as_bytes())?;
    let readable = std::fs::Permissions::from_mode(0o644);
    new.as_file().set_permissions(readable)?;
    new.as_file().sync_all()?;
    new.persist(file)?;
    Ok(())
}

/// Creates the folders that the service writes to, with its user as owner.
///
/// They must exist when the service starts, because its sandbox refers to them. For a dynamic user, systemd creates the
/// folder itself.
fn make_folders(config: &Config, setup: &ServiceSpec) -> Result<(), CommandError> {
    let owner = match &setup.identity {
        Identity::Dynamic => return Ok(()),
        Identity::Named(name) => user::by_name(&passwd(), name),
        Identity::Caller => None,
    };
    let owner = owner.map(|account| (account.uid, account.gid));
    let folders = [
        (&config.state.dir, PRIVATE_MODE),
        (&config.output.dir, DEFAULT_MODE),
    ];
    for (folder, mode) in folders {
        make(folder, mode, owner).map_err(|error| {
            let message = format!("cannot create `{}`: {error}", printable_path(folder));
            CommandError::new(Exit::Usage, message)
        })?;
    }
    Ok(())
}

/// Creates a folder with the permissions `mode`, and its missing parents. The umask restricts them.
fn make(folder: &Path, mode: u32, owner: Option<(u32, Option<u32>)>) -> io::Result<()> {
    let missing: Vec<_> = folder
        .ancestors()
        .take_while(|folder| !folder.exists())
        .collect();
    for new in missing.into_iter().rev() {
        let mode = if new == folder { mode } else { DEFAULT_MODE };
        DirBuilder::new().mode(mode).create(new)?;
        if let Some((uid, gid)) = owner {
            chown(new, Some(uid), gid)?;
        }
    }
    Ok(())
}

struct Start {
    is_started: bool,
    message: String,
}

/// Starts the service, or only enables it while it has no key.
fn start(target: &ServiceTarget, is_new: bool, has_key: bool) -> Result<Start, CommandError> {
    let talk = target.commands();
    let steps = match (has_key, is_new) {
        (false, _) => talk.enable(),
        (true, true) => talk.start(),
        (true, false) => talk.start_if_stopped(),
    };
    if !manager::is_running_here(target) {
        let manager = target.manager.name();
        let message = format!(
            "{manager} is not running here, so nothing was started. To start the service: {}",
            manager::command_line(&steps)
        );
        return Ok(Start {
            is_started: false,
            message,
        });
    }
    // launchd reloads a known job only after it is unloaded. Unloading an unknown job fails, which is ignored.
    if target.manager == ServiceManager::Launchd && is_new {
        talk.stop().iter().for_each(|step| {
            manager::run(step);
        });
    }
    manager::run_all(&steps)?;
    let message = match has_key {
        true => "The service is running and will start automatically.",
        false => "The service will start automatically once it has a key.",
    };
    Ok(Start {
        is_started: has_key,
        message: message.to_owned(),
    })
}

/// Lists the steps left to the user.
fn hints(
    target: &ServiceTarget,
    setup: &ServiceSpec,
    config: &Config,
    has_key: bool,
) -> Vec<String> {
    let mut hints = Vec::new();
    if !has_key {
        hints.push(match (&config.api.key, &setup.key) {
            (KeySource::File(path), _) => {
                format!("The key file `{}` does not exist: write the API key to it.", printable_path(path))
            }
            (KeySource::Env(name), ServiceKey::Variable { file, .. })
                if target.manager == ServiceManager::Systemd =>
            {
                format!("The service has no {name}, because it does not inherit this shell's environment: write {name}=... to {file} (mode 600).")
            }
            (KeySource::Env(name), _) => format!(
                "The service has no {name}, because it does not inherit this shell's environment: put the key in a file and set api.key_file."
            ),
        });
        hints.push("Then run the same command again to start the service.".to_owned());
    }
    let is_systemd = target.manager == ServiceManager::Systemd;
    if is_systemd && target.scope == Scope::User && !target.is_lingering() {
        hints.push(
            "The service stops when you log out. To keep it running: loginctl enable-linger"
                .to_owned(),
        );
    }
    hints.extend(sandboxed_programs(target, setup, config));
    for name in &target.ignored_variables {
        hints.push(format!(
            "{name} is set only in this shell; the service uses the configuration file."
        ));
    }
    hints
}

/// Returns the restrictions of the unit on the programs of hooks and notifications.
fn sandboxed_programs(
    target: &ServiceTarget,
    setup: &ServiceSpec,
    config: &Config,
) -> Option<String> {
    let programs: Vec<_> = programs(config).iter().map(printable_path).collect();
    if programs.is_empty() || target.manager != ServiceManager::Systemd {
        return None;
    }
    let text = render(target.manager, setup) + &installed_unit::drop_ins(target).text;
    let restrictions = Unit(&text).program_restrictions();
    (!restrictions.is_empty()).then(|| {
        format!(
            "{} in the sandbox of the service: {}. A drop-in can allow more, see docs/service.md.",
            match programs.as_slice() {
                [program] => format!("{program} runs"),
                programs => format!("{} run", programs.join(" and ")),
            },
            restrictions.join("; ")
        )
    })
}

fn print(text: &str) -> Result<(), CommandError> {
    Ok(writeln!(anstream::stdout().lock(), "{text}")?)
}
