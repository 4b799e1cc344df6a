//! Hashes of a recording: of its bytes, and of its encoded sound. Both are computed in one pass over the file.

use super::container;
use super::input::{Input, ReadSeek};
use super::inspect::{Truncated, extension_of, inspect};
use super::payload::{Payload, PayloadReader};
use super::sound::Length;
use crate::domain::{RecordingHash, SoundKey};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Size of the read buffer for hashing, in bytes.
const BUFFER_BYTES: usize = 256 * 1024;
/// Bytes of the format and the first packets that a key stands for: a second of compressed speech.
const HEAD_BYTES: usize = 16 * 1024;
/// Bytes that are read at a time to find the first packets.
const WINDOW_BYTES: usize = 32 * 1024;
/// Length of a key in bytes. A key that is equal by chance only costs a hash of the file.
const KEY_BYTES: usize = 8;
/// Packets are collected to this number of bytes. BLAKE3 hashes large pieces many times as fast.
const PIECE_BYTES: usize = 64 * 1024;

/// Finds the encoded sound in a file of `len` bytes. Blocks. Returns `None` if it cannot be told from the rest.
///
/// Reads at most a mebibyte, or a twentieth of the file if that is more.
///
/// # Errors
/// If the file cannot be read.
pub fn locate(mut file: impl Read + Seek, len: u64, path: &Path) -> io::Result<Option<Payload>> {
    let extension = extension_of(path);
    let mut input = Input::new(&mut file, len);
    // The files are untrusted, and a panic must not end the process.
    let locate = || container::payload(&mut input, extension.as_deref());
    catch_unwind(AssertUnwindSafe(locate)).unwrap_or(Ok(None))
}

/// Returns the key of a sound of `length`. Blocks. Returns `None` if its first packets are not near the start of the file.
///
/// Reads at most a mebibyte, or a twentieth of the file if that is more.
///
/// # Errors
/// If the file cannot be read.
pub fn sound_key(
    mut file: impl Read + Seek,
    len: u64,
    payload: &Payload,
    length: Length,
) -> io::Result<Option<SoundKey>> {
    let read = || read_head(&mut file, len, payload);
    let head = catch_unwind(AssertUnwindSafe(read)).unwrap_or(Ok(None))?;
    Ok(head.map(|head| SoundKey {
        head: hex::encode(&blake3::hash(&head).as_bytes()[..KEY_BYTES]),
        length_s: match length {
            Length::Exact(seconds) => Some(seconds),
            Length::Estimated(_) | Length::Unknown => None,
        },
    }))
}

fn read_head(file: &mut dyn ReadSeek, len: u64, payload: &Payload) -> io::Result<Option<Vec<u8>>> {
    let mut input = Input::new(file, len);
    let (mut head, mut reader) = (payload.format().to_vec(), payload.reader());
    while head.len() < HEAD_BYTES && !reader.has_ended() {
        let at = reader.seek();
        let bytes = input.read_at(at, WINDOW_BYTES)?;
        if bytes.is_empty() && at < len {
            // Nothing more may be read.
            return Ok(None);
        }
        if bytes.is_empty() {
            break;
        }
        let mut collect = |part: &[u8]| {
            let missing = HEAD_BYTES.saturating_sub(head.len());
            head.extend_from_slice(&part[..part.len().min(missing)]);
        };
        if reader.push(&bytes, &mut collect).is_err() {
            return Ok(None);
        }
    }
    let is_known = head.len() >= HEAD_BYTES || reader.is_complete();
    head.truncate(HEAD_BYTES);
    Ok(is_known.then_some(head))
}

/// Computes both hashes of a file whose bytes are passed to it in order.
pub struct RecordingHasher {
    file: Sha256,
    sound: Option<SoundHasher>,
}

impl RecordingHasher {
    /// Starts at the first byte. Without `payload`, only the file is hashed.
    #[must_use]
    pub fn new(payload: Option<&Payload>) -> Self {
        Self {
            file: Sha256::new(),
            sound: payload.map(SoundHasher::new),
        }
    }

    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.file.update(bytes);
        if let Some(sound) = &mut self.sound
            && !sound.update(bytes)
        {
            self.sound = None;
        }
    }

    /// Returns the hashes, after the last byte of the file.
    #[must_use]
    pub fn finish(self) -> RecordingHash {
        RecordingHash {
            sha256: hex::encode(self.file.finalize()),
            sound: self.sound.and_then(SoundHasher::finish),
        }
    }
}

struct SoundHasher {
    reader: PayloadReader,
    sink: Sink,
}

/// The sound so far.
struct Sink {
    hash: blake3::Hasher,
    piece: Vec<u8>,
    bytes: u64,
}

impl SoundHasher {
    fn new(payload: &Payload) -> Self {
        let mut hash = blake3::Hasher::new();
        hash.update(payload.format());
        Self {
            reader: payload.reader(),
            sink: Sink {
                hash,
                piece: Vec::new(),
                bytes: 0,
            },
        }
    }

    /// Returns whether the sound can still be told from the rest. A panic must not end the upload.
    fn update(&mut self, bytes: &[u8]) -> bool {
        let Self { reader, sink } = self;
        let push = || reader.push(bytes, &mut |part| sink.add(part));
        catch_unwind(AssertUnwindSafe(push)).is_ok_and(|pushed| pushed.is_ok())
    }

    fn finish(mut self) -> Option<String> {
        self.sink.hash.update(&self.sink.piece);
        let is_known = self.reader.is_complete() && self.sink.bytes > 0;
        is_known.then(|| self.sink.hash.finalize().to_hex().to_string())
    }
}

impl Sink {
    fn add(&mut self, part: &[u8]) {
        self.bytes += part.len() as u64;
        if self.piece.is_empty() && part.len() >= PIECE_BYTES {
            self.hash.update(part);
            return;
        }
        self.piece.extend_from_slice(part);
        if self.piece.len() >= PIECE_BYTES {
            self.hash.update(&self.piece);
            self.piece.clear();
        }
    }
}

/// Hashes a file in memory. Without `payload`, its sound is not hashed.
#[must_use]
pub fn of_bytes(bytes: &[u8], payload: Option<&Payload>) -> RecordingHash {
    let mut hasher = RecordingHasher::new(payload);
    hasher.update(bytes);
    hasher.finish()
}

/// Finds the sound in a file, and hashes both. Blocks.
///
/// # Errors
/// If the file cannot be read.
pub fn of_file(path: &Path) -> io::Result<RecordingHash> {
    let file = File::open(path)?;
    let payload = locate(&file, file.metadata()?.len(), path)?;
    of_located(path, payload.as_ref())
}

/// Hashes a file whose sound was found before. Blocks.
///
/// # Errors
/// If the file cannot be read.
pub fn of_located(path: &Path, payload: Option<&Payload>) -> io::Result<RecordingHash> {
    let mut file = File::open(path)?;
    let mut hasher = RecordingHasher::new(payload);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            n => hasher.update(&buffer[..n]),
        }
    }
}

/// Returns the key of the sound in a file. Blocks.
///
/// # Errors
/// If the file cannot be read.
pub fn key_of_file(path: &Path) -> io::Result<Option<SoundKey>> {
    let file = File::open(path)?;
    let len = file.metadata()?.len();
    let (Ok(inspected), Some(payload)) = (
        inspect(&file, len, path, Truncated::Taken)?,
        locate(&file, len, path)?,
    ) else {
        return Ok(None);
    };
    sound_key(&file, len, &payload, inspected.length)
}
