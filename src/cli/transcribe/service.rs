//! The service that `transcribe` uses, or a sandbox in its place.

use crate::app::session::Session;
use crate::app::transcribe::queue::state_folder;
use crate::cli::exit::{CommandError, Exit};
use crate::config::Environment;
use nightscribe_sandbox::{Sandbox, Settings};
use secrecy::SecretString;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

/// Time from submission to transcript in the sandbox. Long enough to see the progress.
const DELAY: Duration = Duration::from_secs(2);
/// Time between two polls of the sandbox.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// Submissions per minute that the sandbox gets.
const SUBMITS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(600).expect("600 is not zero");

/// The service, with the folder of the queue.
pub(super) enum Service {
    /// The configured service. The queue is kept.
    Real(PathBuf),
    /// A sandbox. Its made-up transcripts must not be in the real queue, so it has one of its own, which ends with it.
    Sandbox(Box<Sandbox>, TempDir),
}

impl Service {
    /// Starts the sandbox if it is wanted.
    pub(super) async fn start(
        sandbox: bool,
        environment: &Environment,
    ) -> Result<Self, CommandError> {
        if !sandbox {
            return Ok(Self::Real(state_folder(environment)?));
        }
        let settings = Settings {
            delay: DELAY,
            seed: rand::random(),
            ..Settings::default()
        };
        let failed = |error| CommandError::internal("cannot start the sandbox", &error);
        let folder = tempfile::Builder::new()
            .prefix("nightscribe-sandbox-")
            .tempdir()
            .map_err(failed)?;
        let sandbox = Sandbox::start(settings).await.map_err(failed)?;
        Ok(Self::Sandbox(Box::new(sandbox), folder))
    }

    /// Returns the folder of the queue.
    pub(super) fn state_folder(&self) -> PathBuf {
        match self {
            Self::Real(folder) => folder.clone(),
            Self::Sandbox(_, folder) => folder.path().to_owned(),
        }
    }

    /// Points the session to the sandbox.
    ///
    /// # Errors
    /// If its address is not a URL. The recordings would otherwise be sent to the real service.
    pub(super) fn configure(&self, session: &mut Session) -> Result<(), CommandError> {
        if let Self::Sandbox(sandbox, _) = self {
            let base_url = sandbox.base_url().parse();
            let failed = |error| CommandError::internal("the sandbox has no address", &error);
            let config = &mut session.config;
            config.api.base_url = base_url.map_err(failed)?;
            config.polling.interval = POLL_INTERVAL;
            config.limits.submits_per_minute = SUBMITS_PER_MINUTE;
        }
        Ok(())
    }

    /// Returns the key.
    pub(super) fn key(&self, session: &Session) -> Result<SecretString, CommandError> {
        match self {
            Self::Real(_) => session.key().map_err(|error| {
                CommandError::from_error(Exit::Usage, &error)
                    .with_advice(Some("--sandbox needs none".to_owned()))
            }),
            Self::Sandbox(..) => Ok(SecretString::from("sandbox")),
        }
    }

    /// Stops the sandbox and removes its queue.
    pub(super) async fn stop(self) {
        if let Self::Sandbox(sandbox, _folder) = self {
            sandbox.stop().await;
        }
    }
}
