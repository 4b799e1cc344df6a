//! Streaming of a file into a request.
//!
//! The upload computes the hashes if they are unknown. It aborts if the file differs from its snapshot.

use crate::disk::resource_exhaustion::is_resource_exhaustion;
use crate::domain::{FileContent, RecordingHash, Timestamp};
use crate::media::payload::Payload;
use crate::media::recording_hash::RecordingHasher;
use crate::provider::http::buffers::Buffers;
use crate::runtime::failpoint;
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::try_unfold;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Chunk size in bytes. It keeps both thread switches and memory low.
const CHUNK: usize = 512 * 1024;

/// Snapshot of a file from the scan, and what is sent of it.
///
/// The upload is aborted before the last byte if the file differs from its snapshot.
#[derive(Debug, Clone)]
pub struct Recording {
    /// Path of the file.
    pub path: PathBuf,
    /// Length in bytes.
    pub size_bytes: u64,
    /// Time of the last modification.
    pub modified: Timestamp,
    /// Hashes of the content, if known. Otherwise the upload computes them.
    pub hash: Option<RecordingHash>,
    /// Where the encoded sound lies, if known. Otherwise the upload hashes only the file.
    pub payload: Option<Payload>,
    /// The whole content, if it was just read. The upload then does not open the file again.
    pub content: Option<FileContent>,
    /// Copy of its sound track that is sent in its place.
    pub copy: Option<SoundCopy>,
    /// Number of bytes sent so far.
    pub progress: Arc<UploadProgress>,
}

/// Copy of the sound track of a recording, in a file that nothing else changes.
#[derive(Debug, Clone)]
pub struct SoundCopy {
    /// Path of the copy.
    pub path: PathBuf,
    /// File name that the service sees.
    pub name: PathBuf,
    /// Length of the copy in bytes.
    pub size_bytes: u64,
    /// Hashes of the whole recording.
    pub recording_hash: RecordingHash,
}

impl Recording {
    /// Returns the file name that the service sees.
    pub(crate) fn sent_name(&self) -> &Path {
        self.copy.as_ref().map_or(&self.path, |copy| &copy.name)
    }

    /// Returns the number of bytes that are sent.
    pub(crate) fn sent_bytes(&self) -> u64 {
        self.copy
            .as_ref()
            .map_or(self.size_bytes, |copy| copy.size_bytes)
    }

    /// Returns the file that is sent.
    fn sent_path(&self) -> &Path {
        self.copy.as_ref().map_or(&self.path, |copy| &copy.path)
    }

    /// Returns the hashes of the whole recording, if they are known before the upload.
    fn known_hash(&self) -> Option<&RecordingHash> {
        let of_copy = self.copy.as_ref().map(|copy| &copy.recording_hash);
        of_copy.or(self.hash.as_ref())
    }
}

/// Progress of an upload.
#[derive(Debug, Default)]
pub struct UploadProgress {
    sent: AtomicU64,
}

impl UploadProgress {
    /// Returns the number of bytes handed to the connection so far.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

/// Error of the file that aborts an upload.
#[derive(Debug)]
pub(crate) enum FileError {
    Gone,
    Changed,
    Unreadable(io::Error),
    /// This machine is out of file descriptors or another resource.
    OutOfResources(io::Error),
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Gone,
            _ if is_resource_exhaustion(&error) => Self::OutOfResources(error),
            _ => Self::Unreadable(error),
        }
    }
}

/// State of an upload, shared between the stream and its watchdog.
#[derive(Debug, Default)]
pub(crate) struct UploadState {
    finished: AtomicBool,
    hash: Mutex<Option<RecordingHash>>,
    error: Mutex<Option<FileError>>,
}

impl UploadState {
    /// Whether the last byte was handed to the connection.
    pub(crate) fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Acquire)
    }

    pub(crate) fn hash(&self) -> Option<RecordingHash> {
        self.hash
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn take_error(&self) -> Option<FileError> {
        self.error
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

/// Reader for the rest of a file.
struct FileReader {
    file: File,
    recording: Recording,
    remaining: u64,
    hash: HashState,
    buffers: Buffers,
}

/// Hashes of the sent bytes.
enum HashState {
    /// Computed before the upload, from the same file.
    Known(RecordingHash),
    Computing(Box<RecordingHasher>),
}

impl HashState {
    fn new(recording: &Recording) -> Self {
        match recording.known_hash() {
            Some(known) => Self::Known(known.clone()),
            None => Self::Computing(Box::new(RecordingHasher::new(recording.payload.as_ref()))),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        if let Self::Computing(hasher) = self {
            hasher.update(bytes);
        }
    }

    fn finish(self) -> RecordingHash {
        match self {
            Self::Known(hash) => hash,
            Self::Computing(hasher) => hasher.finish(),
        }
    }
}

/// Chunk of a file, with the state after it.
struct Chunk {
    bytes: Bytes,
    rest: Remainder,
}

/// State of the file after a chunk.
enum Remainder {
    More(Box<FileReader>),
    /// The chunk was the last, and the file is unchanged. Holds the hashes of the whole file.
    Done(RecordingHash),
}

/// State of the stream: the next chunk, and the counters to update.
struct Upload {
    next: NextChunk,
    progress: Arc<UploadProgress>,
    outcome: Arc<UploadState>,
}

enum NextChunk {
    Ready(Chunk),
    Pending(Box<FileReader>),
    End,
}

/// Opens a recording and returns its bytes as a stream.
///
/// If the file differs from its snapshot, the stream fails before the last chunk. The request is then never complete.
///
/// The first chunk is read here. A small file therefore takes one blocking task, or none if its content is already in
/// memory.
///
/// # Errors
/// Returns an error if the file cannot be opened or read, or already differs from its snapshot.
pub(crate) async fn open(
    recording: &Recording,
) -> Result<
    (
        impl Stream<Item = io::Result<Bytes>> + Send + use<>,
        Arc<UploadState>,
    ),
    FileError,
> {
    let outcome = Arc::new(UploadState::default());
    let progress = recording.progress.clone();
    // An earlier upload of the same submission may have failed.
    progress.sent.store(0, Ordering::Relaxed);
    let next = match &recording.content {
        Some(content) => NextChunk::Ready(Chunk {
            bytes: content.bytes.clone(),
            rest: Remainder::Done(content.hash.clone()),
        }),
        None => {
            let recording = recording.clone();
            blocking(move || FileReader::open(recording)).await?
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
    work: impl FnOnce() -> Result<T, FileError> + Send + 'static,
) -> Result<T, FileError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|join_error| Err(FileError::OutOfResources(join_error.into())))
}

async fn step(mut upload: Upload) -> io::Result<Option<(Bytes, Upload)>> {
    let chunk = match std::mem::replace(&mut upload.next, NextChunk::End) {
        NextChunk::End => return Ok(None),
        NextChunk::Ready(chunk) => Ok(chunk),
        NextChunk::Pending(reader) => blocking(|| reader.chunk()).await,
    };
    match chunk {
        Ok(chunk) => Ok(Some((upload.next_bytes(chunk), upload))),
        Err(error) => {
            *upload
                .outcome
                .error
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some(error);
            Err(io::Error::other("the file changed or cannot be read"))
        }
    }
}

impl Upload {
    fn next_bytes(&mut self, chunk: Chunk) -> Bytes {
        match chunk.rest {
            Remainder::More(reader) => self.next = NextChunk::Pending(reader),
            Remainder::Done(hash) => {
                *self
                    .outcome
                    .hash
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner) = Some(hash);
                self.outcome.finished.store(true, Ordering::Release);
                failpoint::hit("api.upload.last_chunk");
            }
        }
        let sent = chunk.bytes.len() as u64;
        self.progress.sent.fetch_add(sent, Ordering::Relaxed);
        chunk.bytes
    }
}

impl FileReader {
    fn open(recording: Recording) -> Result<NextChunk, FileError> {
        let reader = Box::new(Self {
            file: File::open(recording.sent_path())?,
            remaining: recording.sent_bytes(),
            hash: HashState::new(&recording),
            buffers: Buffers::with_size(up_to(recording.sent_bytes(), CHUNK)),
            recording,
        });
        if !reader.is_unchanged()? {
            return Err(FileError::Changed);
        }
        if reader.remaining == 0 {
            return Ok(NextChunk::End);
        }
        reader.chunk().map(NextChunk::Ready)
    }

    fn chunk(mut self: Box<Self>) -> Result<Chunk, FileError> {
        let mut buffer = self.buffers.take();
        let wanted = up_to(self.remaining, buffer.len());
        let read = self.file.read_exact(&mut buffer[..wanted]);
        read.map_err(read_error)?;
        self.hash.update(&buffer[..wanted]);
        self.remaining -= wanted as u64;
        let bytes = self.buffers.lend(buffer, wanted);
        if self.remaining > 0 {
            let rest = Remainder::More(self);
            return Ok(Chunk { bytes, rest });
        }
        if !self.is_unchanged()? {
            return Err(FileError::Changed);
        }
        let rest = Remainder::Done(self.hash.finish());
        Ok(Chunk { bytes, rest })
    }

    /// Whether the recording is as in its snapshot, also if a copy of its sound is sent.
    fn is_unchanged(&self) -> io::Result<bool> {
        let metadata = match &self.recording.copy {
            None => self.file.metadata()?,
            Some(_) => std::fs::metadata(&self.recording.path)?,
        };
        Ok(metadata.len() == self.recording.size_bytes
            && Timestamp::from(metadata.modified()?) == self.recording.modified)
    }
}

fn up_to(remaining: u64, limit: usize) -> usize {
    usize::try_from(remaining).map_or(limit, |remaining| remaining.min(limit))
}

fn read_error(error: io::Error) -> FileError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => FileError::Changed,
        _ => FileError::Unreadable(error),
    }
}
