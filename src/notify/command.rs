//! Delivery of messages to a program.

use super::message::{DeliveryError, Message};
use crate::config::Program;
use crate::runtime::subprocess::{Invocation, run};
use std::ffi::OsString;
use std::time::Duration;

/// Time limit of the program.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A program that receives each message as JSON on standard input. Exit status 0 accepts the message.
pub struct CommandChannel(Invocation);

impl CommandChannel {
    /// Sets up the program. `withheld` names the environment variables to remove from its environment.
    #[must_use]
    pub fn new(program: &Program, withheld: Vec<String>) -> Self {
        Self(Invocation {
            program: program.path.clone(),
            arguments: program.arguments.iter().map(OsString::from).collect(),
            withheld,
        })
    }

    /// Runs the program with a message.
    ///
    /// # Errors
    /// If the program cannot be started, times out, or does not exit with 0.
    pub async fn send(&self, message: Message<'_>) -> Result<(), DeliveryError> {
        let result = run(&self.0, Some(message.body.as_bytes()), TIMEOUT).await;
        result.map_err(|error| DeliveryError {
            reason: error.reason,
            permanent: false,
        })
    }
}
