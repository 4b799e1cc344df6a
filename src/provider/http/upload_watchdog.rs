//! Progress and stall timer of an upload in flight.

use crate::domain::RecordingHash;
use crate::provider::http::upload::{FileError, UploadProgress, UploadState};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Longest time without progress before an upload is aborted.
const STALL_TIMEOUT: Duration = Duration::from_secs(60);
/// Interval between two checks of the progress.
const TICK: Duration = Duration::from_secs(1);

/// Watchdog of one submission. A submission without a file counts as fully sent.
#[derive(Default)]
pub(crate) struct UploadWatchdog {
    file: Option<(Arc<UploadProgress>, Arc<UploadState>)>,
}

impl UploadWatchdog {
    /// Creates the watchdog of a file upload.
    pub(crate) const fn for_file(progress: Arc<UploadProgress>, outcome: Arc<UploadState>) -> Self {
        Self {
            file: Some((progress, outcome)),
        }
    }

    /// Whether the whole file was handed to the connection.
    pub(crate) fn is_finished(&self) -> bool {
        self.file
            .as_ref()
            .is_none_or(|(_, outcome)| outcome.is_finished())
    }

    /// Returns the hashes of the file once it was fully sent.
    pub(crate) fn hash(&self) -> Option<RecordingHash> {
        self.file.as_ref().and_then(|(_, outcome)| outcome.hash())
    }

    /// Takes the error that aborted the upload, if any.
    pub(crate) fn take_error(&self) -> Option<FileError> {
        self.file
            .as_ref()
            .and_then(|(_, outcome)| outcome.take_error())
    }

    /// Completes when the upload stalls, or when no response comes in time.
    ///
    /// An upload stalls after 60 seconds without progress. The response is due within `response_timeout` after the last
    /// byte.
    pub(crate) async fn stalled(&self, response_timeout: Duration) {
        let sent = || {
            self.file
                .as_ref()
                .map_or(0, |(progress, _)| progress.sent())
        };
        let (mut last_sent, mut progress_at) = (sent(), Instant::now());
        loop {
            tokio::time::sleep(TICK).await;
            if sent() != last_sent {
                (last_sent, progress_at) = (sent(), Instant::now());
            }
            let limit = if self.is_finished() {
                response_timeout
            } else {
                STALL_TIMEOUT
            };
            if progress_at.elapsed() > limit {
                return;
            }
        }
    }
}
