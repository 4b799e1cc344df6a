//! Checks of the notification channels and of the hook.

use super::check_result::path_text;
use crate::config::{Config, Environment, read_secret};
use crate::domain::control_chars::escape_control_chars;
use crate::notify::channels::{EMAIL_PASSWORD, WEBHOOK_SECRET};
use crate::runtime::subprocess::find_executable;
use std::error::Error;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Description of a channel, or the reason it cannot work.
type ChannelStatus = Result<String, Box<dyn Error>>;

/// Returns the name and the status of each configured channel and of the hook.
pub(super) fn check(
    config: &Config,
    environment: &Environment,
) -> Vec<(&'static str, ChannelStatus)> {
    let notify = &config.notify;
    let command = notify.command.as_ref();
    let command = command.map(|command| ("command", program(&command.path, environment)));
    let hook = config.hooks.on_done.as_ref();
    let hook = hook.map(|hook| ("hook", program(&hook.path, environment)));
    let webhook = notify.webhook.as_ref().map(|webhook| {
        let host = webhook.url.host_str().unwrap_or_default();
        let status = match &webhook.secret {
            None => Ok(format!("posts to {host}, unsigned")),
            Some(source) => read_secret(WEBHOOK_SECRET, source, environment)
                .map(|_| format!("posts to {host}, signed"))
                .map_err(Into::into),
        };
        ("webhook", status)
    });
    let email = notify.email.as_ref().map(|email| {
        let to: Vec<_> = email.to.iter().map(ToString::to_string).collect();
        let description = escape_control_chars(&format!(
            "to {} through {}",
            to.join(", "),
            email.server.host
        ));
        let status = match &email.login {
            None => Ok(description),
            Some((_, source)) => read_secret(EMAIL_PASSWORD, source, environment)
                .map(|_| description)
                .map_err(Into::into),
        };
        ("e-mail", status)
    });
    let each = [command, webhook, email, hook];
    each.into_iter().flatten().collect()
}

fn program(program: &Path, environment: &Environment) -> ChannelStatus {
    let path = environment.get("PATH").map(|path| path.as_os_str());
    let Some(found) = find_executable(program, path) else {
        return Err(format!("`{}` is not an executable program", path_text(program)).into());
    };
    if has_no_new_privileges() && needs_privileges(&found) {
        return Err(format!(
            "`{}` needs the privileges of its owner, which the sandbox of this process denies (NoNewPrivileges=)",
            path_text(&found)
        )
        .into());
    }
    Ok(path_text(found))
}

/// Whether a program runs as its owner or group (set-user-ID, set-group-ID).
fn needs_privileges(program: &Path) -> bool {
    program
        .metadata()
        .is_ok_and(|found| found.permissions().mode() & 0o6000 != 0)
}

/// Whether this process and the programs that it starts cannot gain privileges. `check` sees it if it runs as the unit.
fn has_no_new_privileges() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let value = status
        .lines()
        .find_map(|line| line.strip_prefix("NoNewPrivs:"));
    value.is_some_and(|value| value.trim() == "1")
}
