//! Whether the ways people are told, and what is run for each transcript, could work.

use super::terminal::{shown, visible};
use crate::config::{Config, Environment, read_secret};
use crate::notify::channels::{EMAIL_PASSWORD, WEBHOOK_SECRET};
use crate::notify::program::find;
use std::error::Error;
use std::path::Path;

/// What is said of one, or why it could not work.
type Judgement = Result<String, Box<dyn Error>>;

/// What each that is configured is called, and what is to be said of it.
pub(super) fn judge(config: &Config, environment: &Environment) -> Vec<(&'static str, Judgement)> {
    let notify = &config.notify;
    let command = notify.command.as_ref();
    let command = command.map(|command| ("command", program(&command.path, environment)));
    let hook = config.hooks.on_done.as_ref();
    let hook = hook.map(|hook| ("hook", program(&hook.path, environment)));
    let webhook = notify.webhook.as_ref().map(|webhook| {
        let host = webhook.url.host_str().unwrap_or_default();
        let said = match &webhook.secret {
            None => Ok(format!("posts to {host}, without a signature")),
            Some(source) => read_secret(WEBHOOK_SECRET, source, environment)
                .map(|_| format!("posts to {host}, signed"))
                .map_err(Into::into),
        };
        ("webhook", said)
    });
    let email = notify.email.as_ref().map(|email| {
        let to: Vec<_> = email.to.iter().map(ToString::to_string).collect();
        let said = visible(&format!(
            "to {} through {}",
            to.join(", "),
            email.server.host
        ));
        let said = match &email.login {
            None => Ok(said),
            Some((_, source)) => read_secret(EMAIL_PASSWORD, source, environment)
                .map(|_| said)
                .map_err(Into::into),
        };
        ("e-mail", said)
    });
    let each = [command, webhook, email, hook];
    each.into_iter().flatten().collect()
}

fn program(program: &Path, environment: &Environment) -> Judgement {
    let path = environment.get("PATH").map(|path| path.as_os_str());
    let found = find(program, path);
    found
        .map(shown)
        .ok_or_else(|| format!("`{}` is no program that can be run", shown(program)).into())
}
