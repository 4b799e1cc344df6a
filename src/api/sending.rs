//! A submission on its way: how far its file has come, and when it is given up.

use super::upload::{FileTrouble, Outcome, UploadProgress};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// An upload of which no byte was taken for so long is broken.
const STALLED: Duration = Duration::from_secs(60);
/// How often the progress of an upload is looked at.
const TICK: Duration = Duration::from_secs(1);

/// The sending of one submission. Without a file it is over at once.
#[derive(Default)]
pub(super) struct Sending {
    file: Option<(Arc<UploadProgress>, Arc<Outcome>)>,
}

impl Sending {
    /// Of a file, whose `progress` is told by what becomes of its chunks.
    pub(super) const fn of_file(progress: Arc<UploadProgress>, outcome: Arc<Outcome>) -> Self {
        Self {
            file: Some((progress, outcome)),
        }
    }

    /// Whether the whole file was sent.
    pub(super) fn is_finished(&self) -> bool {
        self.file
            .as_ref()
            .is_none_or(|(_, outcome)| outcome.is_finished())
    }

    /// Of the whole file, once it was sent.
    pub(super) fn sha256(&self) -> Option<String> {
        self.file.as_ref().and_then(|(_, outcome)| outcome.sha256())
    }

    /// What went wrong with the file.
    pub(super) fn take_trouble(&self) -> Option<FileTrouble> {
        self.file
            .as_ref()
            .and_then(|(_, outcome)| outcome.take_trouble())
    }

    /// Ends when no byte was taken for too long, or no answer came for too long after the last one.
    pub(super) async fn stalled(&self, answer_within: Duration) {
        let sent = || {
            self.file
                .as_ref()
                .map_or(0, |(progress, _)| progress.sent())
        };
        let (mut seen, mut since) = (sent(), Instant::now());
        loop {
            tokio::time::sleep(TICK).await;
            if sent() != seen {
                (seen, since) = (sent(), Instant::now());
            }
            let bound = if self.is_finished() {
                answer_within
            } else {
                STALLED
            };
            if since.elapsed() > bound {
                return;
            }
        }
    }
}
