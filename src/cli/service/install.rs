//! `nightscribe service install`

use super::manager;
use super::target::{Target, passwd};
use crate::cli::args::Global;
use crate::cli::exit::{Exit, Report};
use crate::cli::terminal::shown;
use crate::config::{Config, KeySource};
use crate::install::{Identity, Key, Manager, Scope, Setup, account, is_ours, rendered};
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

pub(super) fn install(target: &Target, global: &Global) -> Result<Exit, Report> {
    let (config, setup) = target.planned(global)?;
    let text = rendered(target.manager, &setup);
    let before = target.installed()?;
    refuse_foreign(target, before.as_deref())?;
    let is_new = before.as_ref() != Some(&text);
    if is_new {
        write(&target.file, &text).map_err(|error| cannot("write", target, &error))?;
    }
    if target.root.is_none() {
        make_folders(&config, &setup)?;
    }
    let word = if is_new { "Wrote" } else { "Unchanged:" };
    print(&format!("{word} {}", shown(&target.file)))?;
    let has_key = target.has_key(&config) != Some(false);
    start(target, is_new, has_key)?;
    hints(target, &setup, &config, has_key)
        .iter()
        .try_for_each(|hint| print(hint))?;
    Ok(Exit::Done)
}

/// Returns an error if nightscribe did not write the service file. Such a file is neither replaced nor removed.
pub(super) fn refuse_foreign(target: &Target, text: Option<&str>) -> Result<(), Report> {
    if text.is_none_or(is_ours) {
        return Ok(());
    }
    let message = format!(
        "`{}` was not written by `nightscribe service install`; move it away first",
        shown(&target.file)
    );
    Err(Report::new(Exit::Usage, message))
}

/// Creates an error about the service file. A permission error of a system service includes advice.
pub(super) fn cannot(what: &str, target: &Target, error: &io::Error) -> Report {
    let advice = match (error.kind(), target.scope) {
        (io::ErrorKind::PermissionDenied, Scope::System) => {
            "; a system service needs root: use sudo, or --user for a user service"
        }
        _ => "",
    };
    let file = shown(&target.file);
    Report::new(
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
fn make_folders(config: &Config, setup: &Setup) -> Result<(), Report> {
    let owner = match &setup.identity {
        Identity::Made => return Ok(()),
        Identity::Named(name) => account::of_name(&passwd(), name),
        Identity::Caller => None,
    };
    let owner = owner.map(|account| (account.uid, account.gid));
    for folder in [&config.state.dir, &config.output.dir] {
        make(folder, owner).map_err(|error| {
            let message = format!("cannot create `{}`: {error}", shown(folder));
            Report::new(Exit::Usage, message)
        })?;
    }
    Ok(())
}

fn make(folder: &Path, owner: Option<(u32, Option<u32>)>) -> io::Result<()> {
    let missing: Vec<_> = folder
        .ancestors()
        .take_while(|folder| !folder.exists())
        .collect();
    for folder in missing.into_iter().rev() {
        std::fs::create_dir(folder)?;
        if let Some((uid, gid)) = owner {
            chown(folder, Some(uid), gid)?;
        }
    }
    Ok(())
}

fn start(target: &Target, is_new: bool, has_key: bool) -> Result<(), Report> {
    let talk = target.talk();
    let steps = match (has_key, is_new) {
        (false, _) => talk.enable(),
        (true, true) => talk.start(),
        (true, false) => talk.keep(),
    };
    if !manager::runs(target) {
        let manager = target.manager.name();
        return print(&format!(
            "{manager} is not running here, so nothing was started. To start the service: {}",
            manager::typed(&steps)
        ));
    }
    // launchd reloads a known job only after it is unloaded. Unloading an unknown job fails, which is ignored.
    if target.manager == Manager::Launchd && is_new {
        talk.stop().iter().for_each(|step| {
            manager::ask(step);
        });
    }
    manager::take(&steps)?;
    print(match has_key {
        true => "The service is running and will start automatically.",
        false => "The service will start automatically once it has a key.",
    })
}

/// Lists the steps left to the user.
fn hints(target: &Target, setup: &Setup, config: &Config, has_key: bool) -> Vec<String> {
    let mut hints = Vec::new();
    if !has_key {
        hints.push(match (&config.api.key, &setup.key) {
            (KeySource::File(path), _) => {
                format!("The key file `{}` does not exist: write the API key to it.", shown(path))
            }
            (KeySource::Env(name), Key::Variable { file, .. })
                if target.manager == Manager::Systemd =>
            {
                format!("The service has no {name}, because it does not inherit this shell's environment: write {name}=... to {file} (mode 600).")
            }
            (KeySource::Env(name), _) => format!(
                "The service has no {name}, because it does not inherit this shell's environment: put the key in a file and set api.key_file."
            ),
        });
        hints.push("Then run the same command again to start the service.".to_owned());
    }
    let is_systemd = target.manager == Manager::Systemd;
    if is_systemd && target.scope == Scope::User && !target.lingers() {
        hints.push(
            "The service stops when you log out. To keep it running: loginctl enable-linger"
                .to_owned(),
        );
    }
    for name in &target.left_out {
        hints.push(format!(
            "{name} is set only in this shell; the service uses the configuration file."
        ));
    }
    hints
}

fn print(text: &str) -> Result<(), Report> {
    Ok(writeln!(anstream::stdout().lock(), "{text}")?)
}
