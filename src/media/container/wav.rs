//! WAV, RF64, BW64 and Wave64.

use super::placeholder::is_placeholder;
use super::wave_format::{WaveFormat, pcm};
use crate::media::field::{id, le32, le64};
use crate::media::input::Input;
use crate::media::payload::{Payload, codec};
use crate::media::sound::{Sound, missing_bytes};
use std::io;

/// Maximum number of chunks before the sound.
const MAX_CHUNKS: usize = 10_000;
/// Bytes of a format or size chunk that are read.
const CHUNK_BYTES: usize = 64;
/// Size of the identifier and the size of a Wave64 chunk. Its declared size includes them.
const WAVE64_HEADER: u64 = 24;

/// Layout of the chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// Identifiers of 4 bytes, sizes of 4 bytes, padding to 2 bytes.
    Riff,
    /// GUIDs of 16 bytes, sizes of 8 bytes, padding to 8 bytes.
    Wave64,
}

/// A chunk, without its header.
struct Chunk {
    id: [u8; 4],
    /// Offset of the content.
    at: u64,
    /// Declared size of the content. `None` for a placeholder.
    size: Option<u64>,
    /// Offset of the next chunk.
    next: u64,
}

/// The chunks up to the sound.
#[derive(Default)]
struct Header {
    /// Content of the format chunk.
    format: Vec<u8>,
    frames: Option<u64>,
    /// Offset of the sound, and its declared size.
    data: Option<(u64, Option<u64>)>,
    /// Whether the file ends before the sound.
    is_cut: bool,
}

impl Header {
    fn read(input: &mut Input<'_>, layout: Layout) -> io::Result<Self> {
        let mut at = match layout {
            Layout::Riff => 12,
            Layout::Wave64 => 40,
        };
        let (mut header, mut large_size) = (Self::default(), None);
        for _ in 0..MAX_CHUNKS {
            let Some(chunk) = next_chunk(input, at, layout)? else {
                header.is_cut = true;
                break;
            };
            match &chunk.id {
                b"fmt " => {
                    let size = chunk.size.unwrap_or(0).min(CHUNK_BYTES as u64);
                    header.format = input.read_at(chunk.at, size as usize)?;
                }
                b"fact" => header.frames = le32(&input.read_at(chunk.at, 4)?, 0).map(u64::from),
                b"ds64" => large_size = le64(&input.read_at(chunk.at, CHUNK_BYTES)?, 8),
                b"data" => {
                    let declared = chunk.size.or(large_size.filter(|size| is_real(*size)));
                    header.data = Some((chunk.at, declared));
                    break;
                }
                _ => {}
            }
            at = chunk.next;
        }
        Ok(header)
    }
}

/// Reads the length of the sound. It is the smaller one of the declared and the present bytes.
pub(super) fn read(input: &mut Input<'_>, layout: Layout) -> io::Result<Sound> {
    let header = Header::read(input, layout)?;
    let Some((at, declared)) = header.data else {
        return Ok(match header.is_cut {
            true => Sound::truncated("it ends before the audio"),
            false => Sound::default(),
        });
    };
    let format = WaveFormat::parse(&header.format);
    Ok(sound(declared, input.len() - at, format, header.frames))
}

/// Whether a file with RIFF chunks holds uncompressed sound, A-law or µ-law.
pub(super) fn is_sampled(input: &mut Input<'_>) -> io::Result<bool> {
    let header = Header::read(input, Layout::Riff)?;
    Ok(WaveFormat::parse(&header.format).is_some_and(|format| format.is_sampled()))
}

/// Returns the content of the data chunk.
pub(super) fn payload(input: &mut Input<'_>, layout: Layout) -> io::Result<Option<Payload>> {
    let header = Header::read(input, layout)?;
    let Some((at, declared)) = header.data.filter(|_| !header.format.is_empty()) else {
        return Ok(None);
    };
    let there = input.len().saturating_sub(at);
    let bytes = declared.map_or(there, |declared| declared.min(there));
    let format = match pcm(&header.format) {
        Some(pcm) => pcm.format(bytes),
        None => codec::private("wav", &[&header.format]),
    };
    Ok(Payload::of_range(format, at..at + bytes))
}

/// Whether a size of 64 bits is not a placeholder.
const fn is_real(size: u64) -> bool {
    size > 0 && size < i64::MAX as u64
}

fn next_chunk(input: &mut Input<'_>, at: u64, layout: Layout) -> io::Result<Option<Chunk>> {
    let header = input.read_at(at, WAVE64_HEADER as usize)?;
    Ok(match layout {
        Layout::Riff => riff_chunk(&header, at),
        Layout::Wave64 => wave64_chunk(&header, at),
    })
}

fn riff_chunk(header: &[u8], at: u64) -> Option<Chunk> {
    let (id, size) = (id(header, 0)?, le32(header, 4)?);
    let at = at + 8;
    Some(Chunk {
        id,
        at,
        size: (!is_placeholder(size)).then_some(size.into()),
        next: at + u64::from(size) + u64::from(size % 2),
    })
}

fn wave64_chunk(header: &[u8], at: u64) -> Option<Chunk> {
    let (id, size) = (id(header, 0)?, le64(header, 16)?);
    Some(Chunk {
        id,
        at: at + WAVE64_HEADER,
        size: (size > WAVE64_HEADER && is_real(size)).then(|| size - WAVE64_HEADER),
        next: at.saturating_add(size.max(WAVE64_HEADER).next_multiple_of(8).min(1 << 62)),
    })
}

fn sound(
    declared: Option<u64>,
    there: u64,
    format: Option<WaveFormat>,
    frames: Option<u64>,
) -> Sound {
    if there == 0 && declared.is_none() {
        return Sound::silent("the file has a header, but no audio");
    }
    let bytes = declared.map_or(there, |declared| declared.min(there));
    let frames = frames.filter(|_| declared.is_some());
    let seconds = format.and_then(|format| format.seconds(bytes, frames));
    let sound = seconds.map_or_else(Sound::default, Sound::exact);
    sound.with_truncation(declared.and_then(|declared| missing_bytes(declared, there)))
}
