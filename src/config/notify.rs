//! Reading `[notify]` and `[hooks]`: notification channels, and programs to run for each transcript.

use super::KeySource;
use super::email::{Email, email};
use super::section::Section;
use super::values::{Read, command, count, path, span, variable_name, webhook};
use crate::domain::{Argument, Format};
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// Upper limit of `concurrency`. More concurrent hooks do not increase throughput.
const MAX_HOOKS: usize = 64;

/// Notification channels. None by default.
#[derive(Debug, Clone, Default)]
pub struct Notify {
    /// Program that receives each message.
    pub command: Option<Program>,
    /// URL to which each message is posted.
    pub webhook: Option<Webhook>,
    /// Mail server and recipients of each message.
    pub email: Option<Email>,
}

/// A program to run without a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Path, or a name to look up in `PATH`.
    pub path: PathBuf,
    /// Arguments.
    pub arguments: Vec<String>,
}

/// URL to which each message is posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// URL. Its path may be a secret.
    pub url: Url,
    /// Location of the secret that signs the messages.
    pub secret: Option<KeySource>,
}

/// Programs to run for each transcript.
#[derive(Debug, Clone)]
pub struct Hooks {
    /// Program to run when a transcript is done.
    pub on_done: Option<Hook>,
    /// Maximum concurrent hooks.
    pub concurrency: usize,
    /// Time limit of each hook.
    pub timeout: Duration,
}

/// A program to run without a shell, with placeholders in its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// Path, or a name to look up in `PATH`.
    pub path: PathBuf,
    /// Arguments.
    pub arguments: Vec<Argument>,
}

/// Reads `[notify]`.
pub(super) fn notify(
    mut section: Section<'_>,
    resolve: &impl Fn(PathBuf) -> PathBuf,
) -> Option<Notify> {
    let command = section.get("command", command);
    let url = section.get("webhook", webhook);
    let secret = secret(
        &mut section,
        ["webhook_secret_env", "webhook_secret_file"],
        "webhook_secret",
        resolve,
    );
    if !section.has("webhook") && secret.is_some() {
        section.refuse("webhook", "required because a signing secret is set");
    }
    let email = email(section.below("email", "notify.email"), resolve);
    section.finish();
    let command = command.map(|(program, arguments)| Program {
        path: resolve_program(&program, resolve),
        arguments,
    });
    Some(Notify {
        command,
        webhook: url.map(|url| Webhook { url, secret }),
        email: email?,
    })
}

/// Reads `[hooks]`. `formats` are those that are written. `None` skips the check of placeholders against them.
pub(super) fn hooks(
    mut section: Section<'_>,
    formats: Option<&[Format]>,
    resolve: &impl Fn(PathBuf) -> PathBuf,
) -> Option<Hooks> {
    let on_done = section.get("on_done", |value| {
        let (program, arguments) = command(value)?;
        let arguments = arguments.iter().map(|text| argument(text, formats));
        Ok(Hook {
            path: resolve_program(&program, resolve),
            arguments: arguments.collect::<Read<_>>()?,
        })
    });
    let concurrency = section.get("concurrency", count(1..=MAX_HOOKS));
    let timeout = section.get("timeout", span);
    section.finish();
    Some(Hooks {
        on_done,
        concurrency: concurrency?,
        timeout: timeout?,
    })
}

fn argument(text: &str, formats: Option<&[Format]>) -> Read<Argument> {
    let argument: Argument = text
        .parse()
        .map_err(|error: crate::domain::argument::UnknownPlaceholder| error.to_string())?;
    let is_written = |format: &Format| formats.is_none_or(|formats| formats.contains(format));
    let missing = argument.formats().find(|format| !is_written(format));
    match missing {
        Some(format) => Err(format!(
            "`{{{format}}}` is never written: add \"{format}\" to `output.formats`"
        )),
        None => Ok(argument),
    }
}

/// Reads the location of a secret: a file if one is named, otherwise a variable. `secret_key` is the key that would
/// hold the secret, which is rejected.
pub(super) fn secret(
    section: &mut Section<'_>,
    [variable, file]: [&'static str; 2],
    secret_key: &'static str,
    resolve: &impl Fn(PathBuf) -> PathBuf,
) -> Option<KeySource> {
    let name = section.get(variable, variable_name);
    let path = section.get(file, path);
    section.get(secret_key, |_| -> Read<()> {
        Err(format!(
            "secrets are not allowed in the configuration; name an environment variable with `{variable}` or a file with `{file}`"
        ))
    });
    path.map(|path| KeySource::File(resolve(path)))
        .or(name.map(KeySource::Env))
}

/// Resolves a program with a `/` or a leading `~` as a path. Other names are looked up in `PATH` when they are run.
fn resolve_program(program: &str, resolve: &impl Fn(PathBuf) -> PathBuf) -> PathBuf {
    if program.contains('/') || program.starts_with('~') {
        resolve(PathBuf::from(program))
    } else {
        PathBuf::from(program)
    }
}
