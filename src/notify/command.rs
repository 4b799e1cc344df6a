//! A program that gets each message.

use super::channels::{Letter, NotSent};
use super::program::{Call, run};
use crate::config::Program;
use std::ffi::OsString;
use std::time::Duration;

/// How long the program may take.
const WITHIN: Duration = Duration::from_secs(60);

/// A program that gets each message as JSON on standard input. Exit status 0 says that it has taken it.
pub struct Command(Call);

impl Command {
    /// The program, which is not given the environment variables `withheld`.
    #[must_use]
    pub fn new(program: &Program, withheld: Vec<String>) -> Self {
        Self(Call {
            program: program.path.clone(),
            arguments: program.arguments.iter().map(OsString::from).collect(),
            withheld,
        })
    }

    /// Runs it.
    ///
    /// # Errors
    /// If it cannot be run, takes too long, or does not exit with 0.
    pub async fn send(&self, letter: Letter<'_>) -> Result<(), NotSent> {
        let ran = run(&self.0, Some(letter.body.as_bytes()), WITHIN).await;
        ran.map_err(|not_run| NotSent {
            reason: not_run.reason,
            lasting: false,
        })
    }
}
