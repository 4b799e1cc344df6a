//! Reading `[notify]` and `[hooks]`: notification channels, and programs to run for each transcript.

use super::email::{EmailConfig, read_email};
use super::section::Section;
use super::values::{ParseResult, command, count, positive_duration, web_url};
use super::webhook::{WebhookConfig, read_webhook};
use crate::domain::{Format, HookArgument};
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// Upper limit of `concurrency`. More concurrent hooks do not increase throughput.
const MAX_HOOKS: usize = 64;

/// Notification channels. None by default.
#[derive(Debug, Clone, Default)]
pub struct NotifyConfig {
    /// Program that receives each message.
    pub command: Option<Program>,
    /// URL to which each message is posted.
    pub webhook: Option<WebhookConfig>,
    /// URL of a monitor that is pinged when a run begins and ends. Its path may be a secret.
    pub healthcheck: Option<Url>,
    /// Mail server and recipients of each message.
    pub email: Option<EmailConfig>,
}

/// A program to run without a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Path, or a name to look up in `PATH`.
    pub path: PathBuf,
    /// Arguments.
    pub arguments: Vec<String>,
}

/// Programs to run for each transcript.
#[derive(Debug, Clone)]
pub struct HooksConfig {
    /// Program to run when a transcript is done.
    pub on_done: Option<HookConfig>,
    /// Maximum concurrent hooks.
    pub concurrency: usize,
    /// Time limit of each hook.
    pub timeout: Duration,
}

/// A program to run without a shell, with placeholders in its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookConfig {
    /// Path, or a name to look up in `PATH`.
    pub path: PathBuf,
    /// Arguments.
    pub arguments: Vec<HookArgument>,
}

/// Reads `[notify]`.
pub(super) fn read_notify(
    mut section: Section<'_>,
    resolve: &impl Fn(PathBuf) -> ParseResult<PathBuf>,
) -> Option<NotifyConfig> {
    let command = section.get("command", |value| {
        let (program, arguments) = command(value)?;
        Ok(Program {
            path: resolve_program(&program, resolve)?,
            arguments,
        })
    });
    let webhook = read_webhook(&mut section, resolve);
    let healthcheck = section.get("healthcheck", web_url);
    let email = read_email(section.subsection("email", "notify.email"), resolve);
    section.finish();
    Some(NotifyConfig {
        command,
        webhook,
        healthcheck,
        email: email?,
    })
}

/// Reads `[hooks]`. `formats` are those that are written. `None` skips the check of placeholders against them.
pub(super) fn read_hooks(
    mut section: Section<'_>,
    formats: Option<&[Format]>,
    resolve: &impl Fn(PathBuf) -> ParseResult<PathBuf>,
) -> Option<HooksConfig> {
    let on_done = section.get("on_done", |value| {
        let (program, arguments) = command(value)?;
        let arguments = arguments.iter().map(|text| argument(text, formats));
        Ok(HookConfig {
            path: resolve_program(&program, resolve)?,
            arguments: arguments.collect::<ParseResult<_>>()?,
        })
    });
    let concurrency = section.get("concurrency", count(1..=MAX_HOOKS));
    let timeout = section.get("timeout", positive_duration);
    section.finish();
    Some(HooksConfig {
        on_done,
        concurrency: concurrency?,
        timeout: timeout?,
    })
}

fn argument(text: &str, formats: Option<&[Format]>) -> ParseResult<HookArgument> {
    let argument: HookArgument = text
        .parse()
        .map_err(|error: crate::domain::placeholder::UnknownPlaceholder| error.to_string())?;
    let is_written = |format: &Format| formats.is_none_or(|formats| formats.contains(format));
    let missing = argument.formats().find(|format| !is_written(format));
    match missing {
        Some(format) => Err(format!(
            "`{{{format}}}` is never written: add \"{format}\" to `output.formats`"
        )),
        None => Ok(argument),
    }
}

/// Resolves a program with a `/` or a leading `~` as a path. Other names are looked up in `PATH` when they are run.
pub(super) fn resolve_program(
    program: &str,
    resolve: &impl Fn(PathBuf) -> ParseResult<PathBuf>,
) -> ParseResult<PathBuf> {
    if program.contains('/') || program.starts_with('~') {
        resolve(PathBuf::from(program))
    } else {
        Ok(PathBuf::from(program))
    }
}
