//! AVI.

use crate::media::field::{id, le32};
use crate::media::input::Input;
use crate::media::sound::{Sound, missing_bytes};
use std::io;

/// Bytes in which the headers of all streams must lie.
const HEADER_BYTES: usize = 64 * 1024;
/// Maximum number of chunks that are walked if the header states no length.
const MAX_CHUNKS: usize = 50_000;

/// Number of units that ffmpeg writes into a pipe.
const STREAMED_UNITS: u32 = 0x4000_0000;

/// The header of a sound stream.
#[derive(Debug, Clone, Copy)]
struct Stream {
    number: usize,
    /// Number of units in the stream. A unit is a block or a sample.
    units: u32,
    units_per_second: f64,
    /// Size of a unit in bytes. Zero if each chunk is a unit.
    unit_bytes: u32,
}

/// Reads the length of the first sound stream.
pub(super) fn read(input: &mut Input<'_>) -> io::Result<Sound> {
    let header = input.read_at(0, HEADER_BYTES)?;
    let mut streams = Vec::new();
    let movie = find_streams(&header, 12, header.len(), &mut streams);
    if !streams.is_empty() && streams.iter().all(Option::is_none) && movie.is_some() {
        return Ok(Sound::silent("the video has no sound track"));
    }
    let Some(stream) = streams.into_iter().flatten().next() else {
        return Ok(Sound::default());
    };
    let truncation = declared_size(&header).and_then(|size| missing_bytes(size, input.len()));
    let sound = match (stream.units, movie) {
        (units, Some(movie)) if is_unknown(units) => walk(input, &stream, movie)?,
        (units, None) if is_unknown(units) => Sound::default(),
        (units, _) => Sound::exact(f64::from(units) / stream.units_per_second),
    };
    Ok(sound.with_truncation(truncation))
}

/// Whether a number of units is the one of a recorder that streams or was killed.
const fn is_unknown(units: u32) -> bool {
    units == 0 || units == STREAMED_UNITS
}

/// Returns the size of the file by its first RIFF chunk.
fn declared_size(header: &[u8]) -> Option<u64> {
    let size = le32(header, 4)?;
    (size > 0 && size < 0xffff_0000).then(|| u64::from(size) + 8)
}

/// Collects the streams of the lists between two offsets. A stream without sound is `None`. Returns the offset of the
/// movie data.
fn find_streams(
    header: &[u8],
    mut at: usize,
    end: usize,
    streams: &mut Vec<Option<Stream>>,
) -> Option<u64> {
    while at + 12 <= end {
        let (chunk, size) = (id(header, at)?, le32(header, at + 4)? as usize);
        let next = at.checked_add(8 + size + size % 2)?;
        if &chunk == b"LIST" {
            match &id(header, at + 8)? {
                b"movi" => return Some(at as u64 + 12),
                b"hdrl" => {
                    find_streams(header, at + 12, next.min(end), streams);
                }
                b"strl" => streams.push(stream(header, at + 12, streams.len())),
                _ => {}
            }
        }
        at = next;
    }
    None
}

/// Parses the stream header at the start of a stream list.
fn stream(header: &[u8], at: usize, number: usize) -> Option<Stream> {
    let fields = at + 8;
    if &id(header, fields)? != b"auds" {
        return None;
    }
    let scale = le32(header, fields + 20)?.max(1);
    Some(Stream {
        number,
        units: le32(header, fields + 32)?,
        units_per_second: f64::from(le32(header, fields + 24)?) / f64::from(scale),
        unit_bytes: le32(header, fields + 44)?,
    })
}

/// Adds up the sound in the chunks of the movie, and extrapolates if there are too many.
fn walk(input: &mut Input<'_>, stream: &Stream, movie: u64) -> io::Result<Sound> {
    let (mut at, mut bytes, mut chunks) = (movie, 0, 0);
    for _ in 0..MAX_CHUNKS {
        let header = input.read_at(at, 12)?;
        let (Some(chunk), Some(size)) = (id(&header, 0), le32(&header, 4)) else {
            break;
        };
        if &chunk == b"LIST" {
            at += 12;
            continue;
        }
        let size = u64::from(size);
        if chunk.starts_with(format!("{:02}wb", stream.number).as_bytes()) {
            bytes += size.min(input.len().saturating_sub(at + 8));
            chunks += 1;
        }
        at += 8 + size + size % 2;
    }
    let (walked, all) = (at.min(input.len()) - movie, input.len() - movie);
    let units = match stream.unit_bytes {
        0 => f64::from(chunks),
        size => bytes as f64 / f64::from(size),
    };
    if walked == 0 {
        return Ok(Sound::default());
    }
    let seconds = units / stream.units_per_second;
    Ok(match walked < all {
        true => Sound::estimated(seconds * all as f64 / walked as f64),
        false => Sound::exact(seconds),
    })
}
