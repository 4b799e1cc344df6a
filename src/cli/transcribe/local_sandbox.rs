//! The sandbox of `transcribe --sandbox`.

use crate::app::session::Session;
use crate::cli::exit::CommandError;
use nightscribe_sandbox::{Sandbox, Settings};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

/// Time from submission to transcript. Long enough to see the progress.
const DELAY: Duration = Duration::from_secs(2);
/// Time between two polls.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// Submissions per minute.
const SUBMITS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(600).expect("600 is not zero");

/// A sandbox. Its made-up transcripts must not be in the real queue, so it has one of its own.
pub(super) struct LocalSandbox {
    sandbox: Sandbox,
    folder: TempDir,
}

impl LocalSandbox {
    /// Starts a sandbox, with an empty queue.
    pub(super) async fn start() -> Result<Self, CommandError> {
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
        Ok(Self { sandbox, folder })
    }

    /// Returns the folder of the queue.
    pub(super) fn state_folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Points the session to the sandbox.
    ///
    /// # Errors
    /// If its address is not a URL.
    pub(super) fn configure(&self, session: &mut Session) -> Result<(), CommandError> {
        let base_url = self.sandbox.base_url().parse();
        let failed = |error| CommandError::internal("the sandbox has no address", &error);
        let config = &mut session.config;
        config.api.base_url = base_url.map_err(failed)?;
        config.polling.interval = POLL_INTERVAL;
        config.limits.submits_per_minute = SUBMITS_PER_MINUTE;
        Ok(())
    }

    /// Stops the sandbox and removes its queue.
    pub(super) async fn stop(self) {
        self.sandbox.stop().await;
    }
}
