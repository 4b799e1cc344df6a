//! Checks that an installed service can run unattended.

use crate::app::doctor::check_result::{CheckResult, CheckStatus};
use crate::app::session::Session;
use crate::cli::service::installed_unit::{self, InstalledUnit};
use crate::cli::service::target::{ServiceTarget, sets_variable, uid};
use crate::cli::service::unit_user::UnitUser;
use crate::cli::terminal::printable_path;
use crate::config::system::STATE_FOLDER;
use crate::config::{self, Config, KeySource};
use crate::service_manager::setup::{folders, programs};
use crate::service_manager::unit_file::{Unit, UnitCredential};
use crate::service_manager::user::{READ, TRAVERSE, WRITE};
use crate::service_manager::{Scope, ServiceManager, ServiceSpec, is_generated, render};
use std::io;
use std::path::Path;

/// Name of the check of the key that the service uses.
pub(in crate::cli) const SERVICE_KEY: &str = "service key";

/// Checks every installed service that runs this configuration.
pub(in crate::cli) fn check_installed(session: &Session) -> Vec<CheckResult> {
    [Scope::System, Scope::User]
        .into_iter()
        .filter_map(|scope| ServiceTarget::in_scope(scope, session.environment.clone(), None).ok())
        .flat_map(|target| installed(session, target).unwrap_or_default())
        .collect()
}

fn installed(session: &Session, target: ServiceTarget) -> Option<Vec<CheckResult>> {
    let unit = installed_unit::find(&target).ok()??;
    // A container of the package has the unit, and no systemd to run it.
    if unit.file != target.file && !target.has_running_systemd() {
        return None;
    }
    // Loaded as by the service: without the variables of this shell.
    let file = session.config.file.as_deref();
    let config = config::load(file, &target.environment).ok()?;
    // An error here is reported by `service install`.
    let setup = target.setup(&config).ok();
    let named = setup.as_ref().map(|setup| setup.config.as_str());
    let named = named.or_else(|| config.file.as_deref()?.to_str())?;
    let with_drop_ins = unit.text.clone() + &installed_unit::drop_ins(&target).text;
    if target.manager == ServiceManager::Systemd && !Unit(&with_drop_ins).runs_config(named) {
        let message = format!("{} runs another configuration", printable_path(&unit.file));
        return Some(vec![CheckResult::new(
            CheckStatus::Warning,
            "service unit",
            message,
        )]);
    }
    let current = setup.map(|setup| check_up_to_date(&target, &setup, &unit));
    let mut lines = Vec::from_iter(current);
    lines.extend(check_unattended(&target, &config, &unit.text));
    Some(lines)
}

/// Checks that the service file matches this program and configuration. That of a package serves every configuration.
pub(super) fn check_up_to_date(
    target: &ServiceTarget,
    setup: &ServiceSpec,
    unit: &InstalledUnit,
) -> CheckResult {
    let what = "service unit";
    let file = printable_path(&unit.file);
    if unit.file != target.file {
        return CheckResult::new(CheckStatus::Passed, what, format!("{file} of a package"));
    }
    if !is_generated(&unit.text) {
        let message = format!("{file} was not written by `nightscribe service install`");
        return CheckResult::new(CheckStatus::Warning, what, message);
    }
    if render(target.manager, setup) != unit.text {
        let message = format!(
            "{file} does not match this program and configuration; `nightscribe service install` updates it"
        );
        return CheckResult::new(CheckStatus::Failed, what, message);
    }
    CheckResult::new(CheckStatus::Passed, what, format!("{file} is up to date"))
}

/// Checks everything that could stop the service from running unattended.
pub(super) fn check_unattended(
    target: &ServiceTarget,
    config: &Config,
    text: &str,
) -> Vec<CheckResult> {
    if target.manager == ServiceManager::Launchd {
        return Vec::new();
    }
    let drop_ins = installed_unit::drop_ins(target);
    let text = text.to_owned() + &drop_ins.text;
    let unit = Unit(&text);
    let user = UnitUser::of(target.scope, unit);
    let unreadable = drop_ins.unreadable.iter().map(|file| {
        let file = printable_path(file);
        let message =
            format!("`{file}` cannot be read, so its settings are unknown; run this as root");
        CheckResult::new(CheckStatus::Warning, "service unit", message)
    });
    let mut lines = Vec::from_iter(unreadable);
    lines.push(key(target, config, unit, &user));
    lines.extend(inaccessible_folders(config, unit, &user));
    lines.extend(sandboxed_programs(config, unit));
    if target.scope == Scope::User {
        lines.push(match target.is_lingering() {
            true => CheckResult::new(CheckStatus::Passed, "linger", "on".to_owned()),
            false => {
                let message = "off: the service stops when you log out; `loginctl enable-linger` keeps it running";
                CheckResult::new(CheckStatus::Warning, "linger", message.to_owned())
            }
        });
        lines.extend(sandbox(|file| std::fs::read_to_string(file).ok()));
    }
    lines
}

/// Checks that the kernel lets users create namespaces, which the sandbox of a user unit needs.
///
/// `read` returns the value of a kernel setting.
fn sandbox(read: impl Fn(&str) -> Option<String>) -> Option<CheckResult> {
    let settings = [
        ("/proc/sys/user/max_user_namespaces", "0"),
        ("/proc/sys/kernel/unprivileged_userns_clone", "0"),
        (
            "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
            "1",
        ),
    ];
    let blocking = settings
        .iter()
        .find(|(file, blocked)| read(file).is_some_and(|value| value.trim() == *blocked));
    let (file, value) = blocking?;
    let message = format!(
        "{file} is {value}, which may keep a sandboxed user unit from starting; in that case, install as root with --system"
    );
    Some(CheckResult::new(CheckStatus::Warning, "sandbox", message))
}

fn key(target: &ServiceTarget, config: &Config, unit: Unit<'_>, user: &UnitUser) -> CheckResult {
    let what = SERVICE_KEY;
    match unit.credential() {
        Some(UnitCredential::File(path)) => return credential_file(&path),
        Some(UnitCredential::Encrypted) => {
            let message = "from an encrypted credential".to_owned();
            return CheckResult::new(CheckStatus::Passed, what, message);
        }
        Some(UnitCredential::Other) => {
            let message = "from a credential of the unit".to_owned();
            return CheckResult::new(CheckStatus::Passed, what, message);
        }
        None => {}
    }
    match &config.api.key {
        KeySource::File(path) => match user.first_denied(path, READ) {
            Some(step) => {
                let message = format!(
                    "the user of the service cannot read {}",
                    printable_path(step)
                );
                CheckResult::new(CheckStatus::Failed, what, message)
            }
            None => CheckResult::new(
                CheckStatus::Passed,
                what,
                format!("from {}", printable_path(path)),
            ),
        },
        KeySource::Env(name) => variable(target, name, unit),
    }
}

/// Checks a key that systemd passes as a credential. systemd reads the file as root before the service starts.
fn credential_file(path: &str) -> CheckResult {
    let what = SERVICE_KEY;
    let file = printable_path(path);
    match std::fs::File::open(path) {
        Ok(_) => CheckResult::new(CheckStatus::Passed, what, format!("from {file}")),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && uid() != 0 => {
            CheckResult::new(
                CheckStatus::Warning,
                what,
                format!("{file}: only root can check whether it exists"),
            )
        }
        Err(error) => CheckResult::new(CheckStatus::Failed, what, format!("{file}: {error}")),
    }
}

fn variable(target: &ServiceTarget, name: &str, unit: Unit<'_>) -> CheckResult {
    let what = SERVICE_KEY;
    let file = unit.environment_file();
    let set = file
        .as_deref()
        .map(|file| sets_variable(Path::new(file), name));
    match (set, file) {
        (Some(Some(true)), Some(file)) => CheckResult::new(
            CheckStatus::Passed,
            what,
            format!("{name} from {}", printable_path(file)),
        ),
        (Some(None), Some(file)) => {
            let message = format!(
                "{}: only its owner can check whether it sets {name}",
                printable_path(file)
            );
            CheckResult::new(CheckStatus::Warning, what, message)
        }
        (Some(Some(false)), Some(file)) => {
            let message = format!(
                "the service has no {name}, because it does not inherit the shell's environment; write {name}=... to {} (mode 600)",
                printable_path(file)
            );
            CheckResult::new(CheckStatus::Failed, what, message)
        }
        // A hand-written unit may set the variable in ways that are not parsed here.
        _ if unit.value("Environment").is_some() => CheckResult::new(
            CheckStatus::Warning,
            what,
            format!("cannot check whether {name} is set"),
        ),
        _ => {
            let message = format!(
                "{} does not set {name}, and the service does not inherit this shell's environment; set api.key_file",
                printable_path(&target.file)
            );
            CheckResult::new(CheckStatus::Failed, what, message)
        }
    }
}

/// Reports what the sandbox of the unit denies to the programs of hooks and notifications.
fn sandboxed_programs(config: &Config, unit: Unit<'_>) -> Option<CheckResult> {
    let restrictions = unit.program_restrictions();
    if programs(config).is_empty() || restrictions.is_empty() {
        return None;
    }
    let message = format!(
        "the programs of [notify] and [hooks] run in the sandbox of the unit: {}; docs/service.md shows a drop-in",
        restrictions.join("; ")
    );
    Some(CheckResult::new(CheckStatus::Warning, "programs", message))
}

/// Checks the folders that the service uses. Returns only those that it cannot access.
fn inaccessible_folders(config: &Config, unit: Unit<'_>, user: &UnitUser) -> Vec<CheckResult> {
    let (reads, writes) = folders(config);
    let wanted = reads
        .into_iter()
        .map(|path| (path, READ | TRAVERSE))
        .chain(writes.into_iter().map(|path| (path, WRITE)));
    wanted
        .filter_map(|(path, wanted)| {
            let message = obstacle(path, wanted, unit, user)?;
            Some(CheckResult::new(
                CheckStatus::Failed,
                "service folder",
                message,
            ))
        })
        .collect()
}

fn obstacle(path: &Path, wanted: u32, unit: Unit<'_>, user: &UnitUser) -> Option<String> {
    if unit.hides(path) {
        return Some(format!(
            "{}: hidden by ProtectHome= of the unit; `nightscribe service install` writes a unit that does not hide it",
            printable_path(path)
        ));
    }
    // systemd creates this folder, and gives it to the user.
    if unit.value("StateDirectory").is_some() && path.starts_with(STATE_FOLDER) {
        return None;
    }
    let step = user.first_denied(path, wanted)?;
    let verb = match (step == path, wanted) {
        (false, _) => "enter",
        (true, WRITE) => "write to",
        (true, _) => "read",
    };
    Some(format!(
        "{}: the user of the service cannot {verb} {}; grant access, or choose another user for the service",
        printable_path(path),
        printable_path(step)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::session::KeptStore;
    use crate::config::Environment;

    #[test]
    fn the_unit_of_a_package_is_checked_only_where_systemd_runs() {
        let root = tempfile::tempdir().unwrap();
        let config = root.path().join("config.toml");
        std::fs::write(&config, "").unwrap();
        let session = Session {
            config: config::load(Some(&config), &Environment::default()).unwrap(),
            environment: Environment::default(),
            kept: KeptStore::default(),
        };
        let folder = root.path().join("usr/lib/systemd/system");
        std::fs::create_dir_all(&folder).unwrap();
        let unit = format!(
            "[Service]\nExecStart=/usr/bin/nightscribe --config {} run\nLoadCredential=key:/nowhere\n",
            config.display()
        );
        std::fs::write(folder.join("nightscribe.service"), unit).unwrap();
        let lines = || {
            let place = Some(root.path().to_owned());
            let target = ServiceTarget::in_scope(Scope::System, Environment::default(), place);
            installed(&session, target.unwrap())
        };
        assert!(lines().is_none());
        std::fs::create_dir_all(root.path().join("run/systemd/system")).unwrap();
        let found = lines().unwrap();
        assert!(
            found.iter().any(|line| line.name == SERVICE_KEY),
            "{found:?}"
        );
    }

    #[test]
    fn a_kernel_without_user_namespaces_is_reported() {
        let message = |name: &'static str, value: &'static str| {
            let read = move |file: &str| file.ends_with(name).then(|| value.to_owned());
            sandbox(read).map(|line| line.message)
        };
        assert_eq!(message("max_user_namespaces", "63000\n"), None);
        assert!(
            message("max_user_namespaces", "0\n").is_some_and(|text| text.contains("--system"))
        );
        assert!(message("apparmor_restrict_unprivileged_userns", "1\n").is_some());
        assert_eq!(message("unprivileged_userns_clone", "1\n"), None);
    }
}
