//! Exit codes and error messages.

use super::journal::{self, Priority};
use super::terminal::{ERROR, escape_control_chars, print_to_stderr, printable_lines};
use crate::app::error::{AppError, message_of};
use crate::config::{ConfigError, KeyError};
use crate::notify::channels::ChannelError;
use crate::pipeline::RunError;
use crate::pipeline::lock::LockError;
use crate::service_manager::user::by_uid;
use crate::store::StoreError;
use clap::error::{ContextKind, ContextValue};
use std::error::Error;
use std::fmt::Display;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Exit code of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Success.
    Done = 0,
    /// The command ran, but some items failed.
    SomeFailed = 1,
    /// Invalid usage or configuration.
    Usage = 2,
    /// Stopped by a hold that needs the user's action.
    Held = 3,
    /// Another runner holds the state folder.
    Busy = 4,
    /// Internal error.
    Internal = 5,
}

/// Error of a command, with its exit code. An empty message prints nothing.
#[derive(Debug)]
pub struct CommandError {
    exit: Exit,
    message: String,
}

impl CommandError {
    /// Creates an error from a message.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
        }
    }

    /// Creates an error from the messages of `error` and all its sources.
    pub fn from_error(exit: Exit, error: &dyn Error) -> Self {
        Self::new(exit, message_of(error))
    }

    /// Creates an error with [`Exit::Internal`].
    pub fn internal(what: &str, error: &dyn Display) -> Self {
        Self::new(Exit::Internal, format!("{what}: {error}"))
    }

    /// Adds advice to the message, if there is any.
    pub(super) fn with_advice(mut self, advice: Option<String>) -> Self {
        self.message
            .extend(advice.map(|advice| format!("; {advice}")));
        self
    }

    /// Returns the message on one line.
    pub(super) fn one_line(&self) -> String {
        let lines: Vec<_> = self.message.lines().map(str::trim).collect();
        escape_control_chars(&lines.join(" "))
    }

    /// Prints the message to standard error and returns the exit code. Ignores a closed standard error.
    pub fn print(&self) -> Exit {
        if self.message.is_empty() {
            return self.exit;
        }
        let message = printable_lines(&self.message);
        print_to_stderr(
            &format!("{ERROR}error{ERROR:#}: {message}"),
            Priority::Error,
        );
        self.exit
    }
}

/// Prints the help, the version or an error of the arguments, and returns the exit code.
pub(super) fn print_usage(answer: &clap::Error) -> Exit {
    if answer.use_stderr() && journal::is_connected() {
        print_to_stderr(&answer.render().to_string(), Priority::Error);
    } else {
        let _closed = answer.print();
    }
    if let Some(ContextValue::String(word)) = answer.get(ContextKind::InvalidSubcommand)
        && Path::new(word).exists()
    {
        let word = escape_control_chars(word);
        let tip = format!("To transcribe it: nightscribe transcribe '{word}'");
        print_to_stderr(&tip, Priority::Error);
    }
    match answer.exit_code() {
        0 => Exit::Done,
        _ => Exit::Usage,
    }
}

/// Returns advice about a state folder that cannot be used.
fn folder_advice(folder: &Path, error: &io::Error) -> Option<String> {
    match error.kind() {
        io::ErrorKind::PermissionDenied => owner_advice(folder, error),
        _ => Some("choose a folder on a local disk with `state.dir`".to_owned()),
    }
}

/// Returns advice about a folder that this user may not use, because it belongs to another one.
fn owner_advice(folder: &Path, error: &io::Error) -> Option<String> {
    if error.kind() != io::ErrorKind::PermissionDenied {
        return None;
    }
    let owner = folder
        .ancestors()
        .find_map(|folder| folder.metadata().ok())?
        .uid();
    let user = (owner != rustix::process::geteuid().as_raw()).then(|| {
        by_uid(
            &std::fs::read_to_string("/etc/passwd").unwrap_or_default(),
            owner,
        )
        .name
    })?;
    Some(format!(
        "it belongs to `{user}`: run the command as that user, or choose another `state.dir`"
    ))
}

impl From<AppError> for CommandError {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Config(error) => error.into(),
            AppError::Key(error) => error.into(),
            AppError::Store(error) => error.into(),
            AppError::Io(error) => error.into(),
            AppError::Client(_)
            | AppError::WorkingFolder(_)
            | AppError::NoStateHome(_)
            | AppError::NoConfigFile { .. }
            | AppError::UnknownSource { .. }
            | AppError::NoSource
            | AppError::NoChannel
            | AppError::Channel(_)
            | AppError::NoItem(_)
            | AppError::SeveralItems { .. }
            | AppError::NoFolder(_)
            | AppError::NoTranscript { .. }
            | AppError::NoTimes { .. }
            | AppError::MissingFile { .. }
            | AppError::Viewer { .. }
            | AppError::Query(_)
            | AppError::Player { .. }
            | AppError::NoConfidence
            | AppError::UnknownModel(_)
            | AppError::Unpriced(_)
            | AppError::SpeakerName { .. }
            | AppError::NoResults => Self::from_error(Exit::Usage, &error),
            AppError::RequestList(_) | AppError::NoRequestList | AppError::PriceList(_) => {
                Self::from_error(Exit::SomeFailed, &error)
            }
        }
    }
}

impl From<ConfigError> for CommandError {
    fn from(error: ConfigError) -> Self {
        match &error {
            ConfigError::Invalid(problems) if problems.len() > 1 => {
                let lines: Vec<_> = problems
                    .iter()
                    .map(|problem| format!("\n  {problem}"))
                    .collect();
                Self::new(
                    Exit::Usage,
                    format!(
                        "the configuration has {} problems:{}",
                        problems.len(),
                        lines.concat()
                    ),
                )
            }
            _ => Self::from_error(Exit::Usage, &error),
        }
    }
}

impl From<KeyError> for CommandError {
    fn from(error: KeyError) -> Self {
        Self::from_error(Exit::Usage, &error)
    }
}

impl From<ChannelError> for CommandError {
    fn from(error: ChannelError) -> Self {
        Self::from_error(Exit::Usage, &error)
    }
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        if let StoreError::Folder { path, source } = &error {
            return Self::from_error(Exit::Usage, &error).with_advice(folder_advice(path, source));
        }
        let exit = match error {
            StoreError::Foreign { .. }
            | StoreError::Incomplete { .. }
            | StoreError::Replaced { .. }
            | StoreError::Newer { .. } => Exit::Usage,
            _ => Exit::Internal,
        };
        Self::from_error(exit, &error)
    }
}

impl From<LockError> for CommandError {
    fn from(error: LockError) -> Self {
        match &error {
            LockError::Held { .. } => Self::from_error(Exit::Busy, &error),
            LockError::Folder { folder, source } => {
                Self::from_error(Exit::Usage, &error).with_advice(folder_advice(folder, source))
            }
        }
    }
}

impl From<RunError> for CommandError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Store(error) => error.into(),
            RunError::Lock(error) => error.into(),
            RunError::Client(_) | RunError::Unpriced { .. } => {
                Self::from_error(Exit::Usage, &error)
            }
            RunError::Stage(_) => Self::from_error(Exit::Internal, &error),
        }
    }
}

impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // `nightscribe list | head` succeeds when `head` exits.
            io::ErrorKind::BrokenPipe => Self::new(Exit::Done, ""),
            _ => Self::from_error(Exit::Internal, &error),
        }
    }
}
