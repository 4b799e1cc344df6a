//! What would keep an installed service from working at night.

use super::target::{Target, sets, uid};
use super::user::User;
use crate::cli::check::{Line, Verdict, line};
use crate::cli::session::Session;
use crate::cli::terminal::shown;
use crate::config::{self, Config, KeySource};
use crate::install::account::{ENTER, READ, WRITE};
use crate::install::installed::Unit;
use crate::install::setup::{STATE_FOLDER, folders};
use crate::install::{Manager, Scope, Setup, is_ours, rendered};
use std::io;
use std::path::Path;

/// Lines for every service that is installed here and runs this configuration; none if there is none.
pub(in crate::cli) fn lines(session: &Session) -> Vec<Line> {
    [Scope::System, Scope::User]
        .into_iter()
        .flat_map(|scope| installed(session, scope).unwrap_or_default())
        .collect()
}

fn installed(session: &Session, scope: Scope) -> Option<Vec<Line>> {
    let target = Target::at(scope, session.environment.clone(), None).ok()?;
    let text = target.installed().ok()??;
    // As the service finds it: without what only this shell says.
    let file = session.config.file.as_deref();
    let config = config::load(file, &target.environment).ok()?;
    // Why it cannot be installed again is said by the attempt.
    let setup = target.setup(&config).ok();
    let named = setup.as_ref().map(|setup| setup.config.as_str());
    let named = named.or_else(|| config.file.as_deref()?.to_str())?;
    if target.manager == Manager::Systemd && !Unit(&text).runs(named) {
        let said = format!("{} runs another configuration", shown(&target.file));
        return Some(vec![line(Verdict::Doubtful, "service unit", said)]);
    }
    let current = setup.map(|setup| current(&target, &setup, &text));
    let mut lines = Vec::from_iter(current);
    lines.extend(obstacles(&target, &config, &text));
    Some(lines)
}

/// Whether the service's file is what it would be written as now.
pub(super) fn current(target: &Target, setup: &Setup, text: &str) -> Line {
    let what = "service unit";
    let file = shown(&target.file);
    if !is_ours(text) {
        let said = format!("{file} was not written by `nightscribe service install`");
        return line(Verdict::Doubtful, what, said);
    }
    if rendered(target.manager, setup) != text {
        let said = format!(
            "{file} is not that of this program and configuration; `nightscribe service install` writes it again"
        );
        return line(Verdict::Wrong, what, said);
    }
    line(Verdict::Ready, what, format!("{file} is up to date"))
}

/// What keeps the service from working while nobody looks.
pub(super) fn obstacles(target: &Target, config: &Config, text: &str) -> Vec<Line> {
    if target.manager == Manager::Launchd {
        return Vec::new();
    }
    let unit = Unit(text);
    let user = User::of(target.scope, unit);
    let mut lines = vec![key(target, config, unit, &user)];
    lines.extend(places(config, unit, &user));
    if target.scope == Scope::User {
        lines.push(match target.lingers() {
            true => line(Verdict::Ready, "linger", "on".to_owned()),
            false => {
                let said = "off: the service stops when you log out; `loginctl enable-linger` lets it work at night";
                line(Verdict::Doubtful, "linger", said.to_owned())
            }
        });
        lines.extend(sandbox(|file| std::fs::read_to_string(file).ok()));
    }
    lines
}

/// A user's manager makes a sandbox only where users may make namespaces. `read` gives a kernel setting.
fn sandbox(read: impl Fn(&str) -> Option<String>) -> Option<Line> {
    let settings = [
        ("/proc/sys/user/max_user_namespaces", "0"),
        ("/proc/sys/kernel/unprivileged_userns_clone", "0"),
        (
            "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
            "1",
        ),
    ];
    let refusing = settings
        .iter()
        .find(|(file, refusal)| read(file).is_some_and(|value| value.trim() == *refusal));
    let (file, value) = refusing?;
    let said = format!(
        "{file} is {value}, so that a user's unit may not get its sandbox and not start; if so, install as root with --system"
    );
    Some(line(Verdict::Doubtful, "sandbox", said))
}

fn key(target: &Target, config: &Config, unit: Unit<'_>, user: &User) -> Line {
    let what = "service key";
    if let Some(path) = unit.credential() {
        return handed_over(&path);
    }
    match &config.api.key {
        KeySource::File(path) => match user.stopped_at(path, READ) {
            Some(step) => {
                let said = format!("the service's user may not read {}", shown(step));
                line(Verdict::Wrong, what, said)
            }
            None => line(Verdict::Ready, what, format!("from {}", shown(path))),
        },
        KeySource::Env(name) => variable(target, name, unit),
    }
}

/// systemd reads it before the service starts, with its own rights.
fn handed_over(path: &str) -> Line {
    let what = "service key";
    let file = shown(path);
    match std::fs::File::open(path) {
        Ok(_) => line(Verdict::Ready, what, format!("from {file}")),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && uid() != 0 => line(
            Verdict::Doubtful,
            what,
            format!("{file}: only root can tell whether it is there"),
        ),
        Err(error) => line(Verdict::Wrong, what, format!("{file}: {error}")),
    }
}

fn variable(target: &Target, name: &str, unit: Unit<'_>) -> Line {
    let what = "service key";
    let file = unit.environment_file();
    let set = file.as_deref().map(|file| sets(Path::new(file), name));
    match (set, file) {
        (Some(Some(true)), Some(file)) => {
            line(Verdict::Ready, what, format!("{name} from {}", shown(file)))
        }
        (Some(None), Some(file)) => {
            let said = format!(
                "{}: only its owner can tell whether {name} is in it",
                shown(file)
            );
            line(Verdict::Doubtful, what, said)
        }
        (Some(Some(false)), Some(file)) => {
            let said = format!(
                "the service has no {name}, as it is given none of a shell's variables; write {name}=... into {} (mode 600)",
                shown(file)
            );
            line(Verdict::Wrong, what, said)
        }
        // A unit written by hand may set it in ways that are not looked at here.
        _ if unit.value("Environment").is_some() => line(
            Verdict::Doubtful,
            what,
            format!("cannot tell whether {name} is set"),
        ),
        _ => {
            let said = format!(
                "{} sets no {name}, and the one of this shell is not handed over; set api.key_file",
                shown(&target.file)
            );
            line(Verdict::Wrong, what, said)
        }
    }
}

/// Folders that the service cannot use. Those it can are not named again.
fn places(config: &Config, unit: Unit<'_>, user: &User) -> Vec<Line> {
    let (reads, writes) = folders(config);
    let wanted = reads
        .into_iter()
        .map(|path| (path, READ | ENTER))
        .chain(writes.into_iter().map(|path| (path, WRITE)));
    wanted
        .filter_map(|(path, wanted)| {
            let said = obstacle(path, wanted, unit, user)?;
            Some(line(Verdict::Wrong, "service folder", said))
        })
        .collect()
}

fn obstacle(path: &Path, wanted: u32, unit: Unit<'_>, user: &User) -> Option<String> {
    if unit.hides(path) {
        return Some(format!(
            "{}: the unit's ProtectHome= hides it; `nightscribe service install` writes one that does not",
            shown(path)
        ));
    }
    // systemd makes this one, and hands it to the user.
    if matches!(user, User::Made) && path.starts_with(STATE_FOLDER) {
        return None;
    }
    let step = user.stopped_at(path, wanted)?;
    let verb = match (step == path, wanted) {
        (false, _) => "go through",
        (true, WRITE) => "write into",
        (true, _) => "read",
    };
    Some(format!(
        "{}: the service's user may not {verb} {}; give it the right, or the service another user",
        shown(path),
        shown(step)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_that_lets_users_make_no_namespaces_is_told_of() {
        let said = |name: &'static str, value: &'static str| {
            let read = move |file: &str| file.ends_with(name).then(|| value.to_owned());
            sandbox(read).map(|line| line.said)
        };
        assert_eq!(said("max_user_namespaces", "63000\n"), None);
        assert!(said("max_user_namespaces", "0\n").is_some_and(|said| said.contains("--system")));
        assert!(said("apparmor_restrict_unprivileged_userns", "1\n").is_some());
        assert_eq!(said("unprivileged_userns_clone", "1\n"), None);
    }
}
