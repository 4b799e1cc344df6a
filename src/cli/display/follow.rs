//! Updates of the progress on a terminal, once a second while a run is active.

use super::{ProgressOutput, RunDisplay};
use crate::app::run_progress::RunProgressLoader;
use crate::app::session::{KeptStore, Session};
use crate::cli::terminal::printable_path;
use crate::config::{Config, Environment, Layout};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Interval of the updates.
const EVERY: Duration = Duration::from_secs(1);

/// Updates of the progress. Dropping it ends them.
pub(in crate::cli) struct Following(Option<JoinHandle<()>>);

impl Drop for Following {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

impl RunDisplay {
    /// Shows the progress of the run with this configuration. Without a terminal, does nothing.
    #[must_use]
    pub(in crate::cli) fn follow(
        self: &Arc<Self>,
        config: &Config,
        environment: &Environment,
    ) -> Following {
        let ProgressOutput::Terminal(_) = &self.output else {
            return Following(None);
        };
        let session = Session {
            config: config.clone(),
            environment: environment.clone(),
            kept: KeptStore::default(),
        };
        if let Some(transcripts) = transcripts(config) {
            // After a reload, the first folder stays.
            let _is_set = self.transcripts.set(transcripts);
        }
        let display = self.clone();
        Following(Some(tokio::spawn(async move {
            let mut loader = RunProgressLoader::default();
            loop {
                tokio::time::sleep(EVERY).await;
                // The run reports a failing database itself.
                let progress = loader.load(&session).await.ok().flatten();
                if let (ProgressOutput::Terminal(terminal), Some(progress)) =
                    (&display.output, progress)
                {
                    terminal.show(progress, session.now());
                }
            }
        })))
    }
}

/// Returns where the transcripts are. `transcribe` delivers them itself.
fn transcripts(config: &Config) -> Option<String> {
    match config.output.layout {
        Layout::Mirror => Some(format!(
            "transcripts: {}",
            printable_path(&config.output.dir)
        )),
        Layout::Beside => Some("transcripts: next to the recordings".to_owned()),
        Layout::Flat => None,
    }
}
