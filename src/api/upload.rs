//! A file streamed into a request: hashed on the way where its hash is not known, and never finished if it is not the
//! file that was recorded.

use super::buffers::Buffers;
use super::call::Recording;
use crate::crash;
use crate::domain::Timestamp;
use crate::domain::exhaustion::is_exhaustion;
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::try_unfold;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes read from disk and handed to the connection at once: few hops between threads, and little memory.
const CHUNK: usize = 512 * 1024;

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

/// What is read next, and where from.
struct Reading {
    file: File,
    recording: Recording,
    left: u64,
    hash: Hash,
    buffers: Buffers,
}

/// The hash of what is sent.
enum Hash {
    /// It was taken before, of the same file.
    Known(String),
    OnTheWay(Sha256),
}

impl Hash {
    fn begin(known: Option<String>) -> Self {
        known.map_or_else(|| Self::OnTheWay(Sha256::new()), Self::Known)
    }

    fn update(&mut self, bytes: &[u8]) {
        if let Self::OnTheWay(hash) = self {
            hash.update(bytes);
        }
    }

    fn end(self) -> String {
        match self {
            Self::Known(hash) => hash,
            Self::OnTheWay(hash) => hex::encode(hash.finalize()),
        }
    }
}

/// A chunk that was read, and what is to be read after it.
struct Chunk {
    bytes: Bytes,
    rest: Rest,
}

enum Rest {
    More(Box<Reading>),
    /// It was the last; the file is unchanged. With the hash of all bytes.
    Nothing(String),
}

struct Upload {
    /// What is handed to the connection next; nothing at the end.
    next: Next,
    progress: Arc<UploadProgress>,
    outcome: Arc<Outcome>,
}

enum Next {
    Read(Chunk),
    Unread(Box<Reading>),
    End,
}

/// Opens the recording and gives its bytes as a stream that ends in an error, before the last chunk, if the file is
/// not what was recorded. The first chunk is read at once: a small file costs a single turn of a thread that may block,
/// or none where it was read already.
///
/// # Errors
/// If the file cannot be opened or read, or is another already.
pub(super) async fn open(
    recording: &Recording,
) -> Result<
    (
        impl Stream<Item = io::Result<Bytes>> + Send + use<>,
        Arc<Outcome>,
    ),
    FileTrouble,
> {
    let outcome = Arc::new(Outcome::default());
    let progress = recording.progress.clone();
    let next = match &recording.content {
        Some(content) => Next::Read(Chunk {
            bytes: content.bytes.clone(),
            rest: Rest::Nothing(content.sha256.clone()),
        }),
        None => {
            let recording = recording.clone();
            blocking(move || Reading::begin(recording)).await?
        }
    };
    let upload = Upload {
        next,
        progress,
        outcome: outcome.clone(),
    };
    Ok((try_unfold(upload, step), outcome))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FileTrouble> + Send + 'static,
) -> Result<T, FileTrouble> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|stopped| Err(FileTrouble::NotNow(stopped.into())))
}

async fn step(mut upload: Upload) -> io::Result<Option<(Bytes, Upload)>> {
    let chunk = match std::mem::replace(&mut upload.next, Next::End) {
        Next::End => return Ok(None),
        Next::Read(chunk) => Ok(chunk),
        Next::Unread(reading) => blocking(|| reading.chunk()).await,
    };
    match chunk {
        Ok(chunk) => Ok(Some((upload.hand_over(chunk), upload))),
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
    fn hand_over(&mut self, chunk: Chunk) -> Bytes {
        match chunk.rest {
            Rest::More(reading) => self.next = Next::Unread(reading),
            Rest::Nothing(hash) => {
                *self
                    .outcome
                    .sha256
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner) = Some(hash);
                self.outcome.finished.store(true, Ordering::Release);
                crash::point("api.upload.last_chunk");
            }
        }
        let sent = chunk.bytes.len() as u64;
        self.progress.sent.fetch_add(sent, Ordering::Relaxed);
        chunk.bytes
    }
}

impl Reading {
    fn begin(recording: Recording) -> Result<Next, FileTrouble> {
        let reading = Box::new(Self {
            file: File::open(&recording.path)?,
            left: recording.size_bytes,
            hash: Hash::begin(recording.sha256.clone()),
            buffers: Buffers::of(up_to(recording.size_bytes, CHUNK)),
            recording,
        });
        if !reading.is_as_recorded()? {
            return Err(FileTrouble::Changed);
        }
        if reading.left == 0 {
            return Ok(Next::End);
        }
        reading.chunk().map(Next::Read)
    }

    fn chunk(mut self: Box<Self>) -> Result<Chunk, FileTrouble> {
        let mut buffer = self.buffers.take();
        let wanted = up_to(self.left, buffer.len());
        let read = self.file.read_exact(&mut buffer[..wanted]);
        read.map_err(unread)?;
        self.hash.update(&buffer[..wanted]);
        self.left -= wanted as u64;
        let bytes = self.buffers.lend(buffer, wanted);
        if self.left > 0 {
            let rest = Rest::More(self);
            return Ok(Chunk { bytes, rest });
        }
        if !self.is_as_recorded()? {
            return Err(FileTrouble::Changed);
        }
        let rest = Rest::Nothing(self.hash.end());
        Ok(Chunk { bytes, rest })
    }

    fn is_as_recorded(&self) -> io::Result<bool> {
        let found = self.file.metadata()?;
        Ok(found.len() == self.recording.size_bytes
            && Timestamp::from(found.modified()?) == self.recording.modified)
    }
}

fn up_to(left: u64, most: usize) -> usize {
    usize::try_from(left).map_or(most, |left| left.min(most))
}

fn unread(error: io::Error) -> FileTrouble {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => FileTrouble::Changed,
        _ => FileTrouble::Unreadable(error),
    }
}
