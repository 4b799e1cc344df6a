//! A file streamed into a request: hashed on the way, and never finished if it is not the file that was recorded.

use super::call::Recording;
use crate::crash;
use crate::domain::Timestamp;
use crate::domain::exhaustion::is_exhaustion;
use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use futures_util::stream::try_unfold;
use sha2::{Digest, Sha256};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::fs::File;
use tokio::io::AsyncReadExt;

/// Bytes read from disk and handed to the connection at once.
const CHUNK: usize = 128 * 1024;

/// How much of an upload has been handed to the connection.
#[derive(Debug, Default)]
pub struct UploadProgress {
    sent: AtomicU64,
}

impl UploadProgress {
    /// Bytes handed to the connection so far.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

/// Why a file's upload broke off by itself.
#[derive(Debug)]
pub(super) enum FileTrouble {
    Gone,
    Changed,
    Unreadable(io::Error),
    /// This machine is out of file descriptors or the like.
    NotNow(io::Error),
}

impl From<io::Error> for FileTrouble {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Gone,
            _ if is_exhaustion(&error) => Self::NotNow(error),
            _ => Self::Unreadable(error),
        }
    }
}

/// How an upload ended, as seen from the file's side.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    finished: AtomicBool,
    sha256: Mutex<Option<String>>,
    trouble: Mutex<Option<FileTrouble>>,
}

impl Outcome {
    /// Whether the last byte was handed to the connection.
    pub(super) fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Acquire)
    }

    pub(super) fn sha256(&self) -> Option<String> {
        self.sha256
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn take_trouble(&self) -> Option<FileTrouble> {
        self.trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

struct Upload {
    file: File,
    recording: Recording,
    left: u64,
    hash: Sha256,
    outcome: Arc<Outcome>,
}

/// Opens the recording and gives its bytes as a stream that ends in an error, before the last chunk, if the file is
/// not what was recorded.
///
/// # Errors
/// If the file cannot be opened, or is another already.
pub(super) async fn open(
    recording: &Recording,
) -> Result<
    (
        impl Stream<Item = io::Result<Bytes>> + Send + use<>,
        Arc<Outcome>,
    ),
    FileTrouble,
> {
    let file = File::open(&recording.path).await?;
    if !is_as_recorded(&file, recording).await? {
        return Err(FileTrouble::Changed);
    }
    let outcome = Arc::new(Outcome::default());
    let upload = Upload {
        file,
        recording: recording.clone(),
        left: recording.size_bytes,
        hash: Sha256::new(),
        outcome: outcome.clone(),
    };
    Ok((try_unfold(upload, step), outcome))
}

async fn step(mut upload: Upload) -> io::Result<Option<(Bytes, Upload)>> {
    if upload.left == 0 {
        return Ok(None);
    }
    match upload.chunk().await {
        Ok(chunk) => Ok(Some((chunk, upload))),
        Err(trouble) => {
            *upload
                .outcome
                .trouble
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some(trouble);
            Err(io::Error::other(
                "the file cannot be sent as it was recorded",
            ))
        }
    }
}

impl Upload {
    async fn chunk(&mut self) -> Result<Bytes, FileTrouble> {
        let wanted = usize::try_from(self.left).unwrap_or(CHUNK).min(CHUNK);
        let mut chunk = BytesMut::zeroed(wanted);
        self.file
            .read_exact(&mut chunk)
            .await
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => FileTrouble::Changed,
                _ => FileTrouble::Unreadable(error),
            })?;
        self.hash.update(&chunk);
        self.left -= wanted as u64;
        if self.left == 0 {
            self.finish().await?;
            crash::point("api.upload.last_chunk");
        }
        self.recording
            .progress
            .sent
            .fetch_add(wanted as u64, Ordering::Relaxed);
        Ok(chunk.freeze())
    }

    async fn finish(&mut self) -> Result<(), FileTrouble> {
        if !is_as_recorded(&self.file, &self.recording).await? {
            return Err(FileTrouble::Changed);
        }
        let hash = Bytes::copy_from_slice(&std::mem::take(&mut self.hash).finalize());
        *self
            .outcome
            .sha256
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(format!("{hash:x}"));
        self.outcome.finished.store(true, Ordering::Release);
        Ok(())
    }
}

async fn is_as_recorded(file: &File, recording: &Recording) -> io::Result<bool> {
    let found = file.metadata().await?;
    Ok(found.len() == recording.size_bytes
        && Timestamp::from(found.modified()?) == recording.modified)
}
