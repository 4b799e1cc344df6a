//! `[notify]` and `[hooks]`: who is told what, and what is run for each transcript.

use super::KeySource;
use super::email::{Email, email};
use super::section::Section;
use super::values::{Read, command, count, path, span, variable_name, webhook};
use crate::domain::{Argument, Format};
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// More hooks at once help nobody.
const MOST_HOOKS: usize = 64;

/// Who is told; nobody, if nothing is set.
#[derive(Debug, Clone, Default)]
pub struct Notify {
    /// A program that gets each message.
    pub command: Option<Program>,
    /// An address that each message is posted to.
    pub webhook: Option<Webhook>,
    /// Who gets each message as an e-mail.
    pub email: Option<Email>,
}

/// A program, run without a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// A path, or a name that is looked for in `PATH`.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
}

/// An address that each message is posted to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// The address. Its path may be a secret.
    pub url: Url,
    /// Where the secret is that signs the messages.
    pub secret: Option<KeySource>,
}

/// What is run for each transcript.
#[derive(Debug, Clone)]
pub struct Hooks {
    /// For each that became done.
    pub on_done: Option<Hook>,
    /// So many at once.
    pub concurrency: usize,
    /// Each so long at most.
    pub timeout: Duration,
}

/// A program, run without a shell, with places in its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// A path, or a name that is looked for in `PATH`.
    pub path: PathBuf,
    /// Its arguments.
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
        section.refuse(
            "webhook",
            "it is missing, though there is a secret to sign it with",
        );
    }
    let email = email(section.below("email", "notify.email"), resolve);
    section.finish();
    let command = command.map(|(program, arguments)| Program {
        path: found_by(&program, resolve),
        arguments,
    });
    Some(Notify {
        command,
        webhook: url.map(|url| Webhook { url, secret }),
        email: email?,
    })
}

/// Reads `[hooks]`, for transcripts in these formats.
pub(super) fn hooks(
    mut section: Section<'_>,
    formats: Option<&[Format]>,
    resolve: &impl Fn(PathBuf) -> PathBuf,
) -> Option<Hooks> {
    let on_done = section.get("on_done", |value| {
        let (program, arguments) = command(value)?;
        let arguments = arguments.iter().map(|text| argument(text, formats));
        Ok(Hook {
            path: found_by(&program, resolve),
            arguments: arguments.collect::<Read<_>>()?,
        })
    });
    let concurrency = section.get("concurrency", count(1..=MOST_HOOKS));
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
            "`{{{format}}}` is never there: add \"{format}\" to `output.formats`"
        )),
        None => Ok(argument),
    }
}

/// Where a secret is: in a file, if one is named, else in a variable. The secret itself is refused.
pub(super) fn secret(
    section: &mut Section<'_>,
    [variable, file]: [&'static str; 2],
    itself: &'static str,
    resolve: &impl Fn(PathBuf) -> PathBuf,
) -> Option<KeySource> {
    let name = section.get(variable, variable_name);
    let path = section.get(file, path);
    section.get(itself, |_| -> Read<()> {
        Err(format!(
            "it is never in the configuration; name an environment variable with `{variable}`, or a file with `{file}`"
        ))
    });
    path.map(|path| KeySource::File(resolve(path)))
        .or(name.map(KeySource::Env))
}

/// A program with a `/` or a `~` in its name is a path like any other.
fn found_by(program: &str, resolve: &impl Fn(PathBuf) -> PathBuf) -> PathBuf {
    if program.contains('/') || program.starts_with('~') {
        resolve(PathBuf::from(program))
    } else {
        PathBuf::from(program)
    }
}
