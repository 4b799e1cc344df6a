//! The service that `transcribe` uses, or a sandbox in its place.

use crate::app::session::Session;
use crate::app::transcribe::queue::state_folder;
use crate::cli::args::TranscribeArgs;
use crate::cli::exit::{CommandError, Exit};
#[cfg(feature = "sandbox")]
use crate::cli::transcribe::local_sandbox::LocalSandbox;
use crate::config::Environment;
use secrecy::SecretString;
use std::path::PathBuf;

/// The service, with the folder of the queue.
pub(super) enum Service {
    /// The configured service. The queue is kept.
    Real(PathBuf),
    /// A sandbox, with a queue that ends with it.
    #[cfg(feature = "sandbox")]
    Sandbox(Box<LocalSandbox>),
}

impl Service {
    /// Starts the sandbox if it is wanted.
    #[cfg_attr(
        not(feature = "sandbox"),
        expect(unused_variables, reason = "only the sandbox needs them")
    )]
    pub(super) async fn start(
        args: &TranscribeArgs,
        environment: &Environment,
    ) -> Result<Self, CommandError> {
        #[cfg(feature = "sandbox")]
        if args.sandbox {
            let sandbox = LocalSandbox::start().await?;
            return Ok(Self::Sandbox(Box::new(sandbox)));
        }
        Ok(Self::Real(state_folder(environment)?))
    }

    /// Returns the folder of the queue.
    pub(super) fn state_folder(&self) -> PathBuf {
        match self {
            Self::Real(folder) => folder.clone(),
            #[cfg(feature = "sandbox")]
            Self::Sandbox(sandbox) => sandbox.state_folder(),
        }
    }

    /// Points the session to the service.
    ///
    /// # Errors
    /// If the sandbox has no valid address. The recordings would otherwise be sent to the real service.
    #[cfg_attr(
        not(feature = "sandbox"),
        expect(unused_variables, reason = "only the sandbox needs them")
    )]
    pub(super) fn configure(&self, session: &mut Session) -> Result<(), CommandError> {
        match self {
            Self::Real(_) => Ok(()),
            #[cfg(feature = "sandbox")]
            Self::Sandbox(sandbox) => sandbox.configure(session),
        }
    }

    /// Returns the key.
    pub(super) fn key(&self, session: &Session) -> Result<SecretString, CommandError> {
        match self {
            Self::Real(_) => session.key().map_err(|error| {
                let advice = cfg!(feature = "sandbox").then(|| "--sandbox needs none".to_owned());
                CommandError::from_error(Exit::Usage, &error).with_advice(advice)
            }),
            #[cfg(feature = "sandbox")]
            Self::Sandbox(_) => Ok(SecretString::from("sandbox")),
        }
    }

    /// Stops the sandbox and removes its queue.
    pub(super) async fn stop(self) {
        match self {
            Self::Real(_) => {}
            #[cfg(feature = "sandbox")]
            Self::Sandbox(sandbox) => sandbox.stop().await,
        }
    }
}
