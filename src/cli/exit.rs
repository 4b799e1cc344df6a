//! Exit codes and error messages.

use super::terminal::{ERROR, visible_lines};
use crate::config::{ConfigError, KeyError};
use crate::notify::channels::ChannelError;
use crate::pipeline::lock::LockError;
use crate::pipeline::runner::RunError;
use crate::store::StoreError;
use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write};

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
pub struct Report {
    exit: Exit,
    message: String,
}

impl Report {
    /// Creates an error from a message.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
        }
    }

    /// Creates an error from the messages of `error` and all its sources.
    pub fn of(exit: Exit, error: &dyn Error) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            message.push_str(&format!(": {error}"));
            cause = error.source();
        }
        Self { exit, message }
    }

    /// Creates an error with [`Exit::Internal`].
    pub fn internal(what: &str, error: &dyn Display) -> Self {
        Self::new(Exit::Internal, format!("{what}: {error}"))
    }

    /// Prints the message to standard error and returns the exit code. Ignores a closed standard error.
    pub fn tell(&self) -> Exit {
        if self.message.is_empty() {
            return self.exit;
        }
        let style = ERROR;
        let _closed = writeln!(
            anstream::stderr(),
            "{style}error{style:#}: {}",
            visible_lines(&self.message)
        );
        self.exit
    }
}

impl From<ConfigError> for Report {
    fn from(error: ConfigError) -> Self {
        match &error {
            ConfigError::Refused(problems) if problems.len() > 1 => {
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
            _ => Self::of(Exit::Usage, &error),
        }
    }
}

impl From<KeyError> for Report {
    fn from(error: KeyError) -> Self {
        Self::of(Exit::Usage, &error)
    }
}

impl From<ChannelError> for Report {
    fn from(error: ChannelError) -> Self {
        Self::of(Exit::Usage, &error)
    }
}

impl From<StoreError> for Report {
    fn from(error: StoreError) -> Self {
        let exit = match error {
            StoreError::Folder { .. } | StoreError::Foreign { .. } | StoreError::Newer { .. } => {
                Exit::Usage
            }
            _ => Exit::Internal,
        };
        Self::of(exit, &error)
    }
}

impl From<RunError> for Report {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Store(error) => error.into(),
            RunError::Lock(LockError::Held { .. }) => Self::of(Exit::Busy, &error),
            RunError::Lock(_) | RunError::Client(_) | RunError::Unpriced { .. } => {
                Self::of(Exit::Usage, &error)
            }
            RunError::Stage(_) => Self::of(Exit::Internal, &error),
        }
    }
}

impl From<io::Error> for Report {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // `nightscribe list | head` succeeds when `head` exits.
            io::ErrorKind::BrokenPipe => Self::new(Exit::Done, ""),
            _ => Self::of(Exit::Internal, &error),
        }
    }
}
