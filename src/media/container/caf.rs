//! Apple Core Audio Format.

use crate::media::field::{be32, be64, id};
use crate::media::input::Input;
use crate::media::payload::codec::{Pcm, encoding};
use crate::media::payload::{Payload, codec};
use crate::media::sound::{Sound, missing_bytes};
use std::io;

/// Maximum number of chunks.
const MAX_CHUNKS: usize = 1000;
/// Maximum size of the private data of the codec that is read.
const MAX_COOKIE_BYTES: u64 = 64 * 1024;
/// The edit count at the start of the sound.
const EDIT_COUNT_BYTES: u64 = 4;

/// Format of the sound.
struct Description {
    rate: f64,
    bytes_per_packet: u32,
    frames_per_packet: u32,
}

/// The chunks that describe the sound.
#[derive(Default)]
struct Chunks {
    /// Content of the description.
    description: Vec<u8>,
    /// Private data of the codec (`kuki`).
    cookie: Vec<u8>,
    /// Number of packets and of valid frames.
    frames: Option<(u64, u64)>,
    /// Offset and size of the sound.
    sound: Option<(u64, u64)>,
    truncation: Option<String>,
}

impl Chunks {
    fn read(input: &mut Input<'_>) -> io::Result<Self> {
        let (mut at, mut chunks) = (8, Self::default());
        for _ in 0..MAX_CHUNKS {
            let header = input.read_at(at, 12)?;
            let (Some(id), Some(size)) = (id(&header, 0), be64(&header, 4)) else {
                break;
            };
            at += 12;
            match &id {
                b"desc" => chunks.description = input.read_at(at, 32)?,
                b"kuki" => {
                    let bytes = size.min(MAX_COOKIE_BYTES);
                    chunks.cookie = input.read_at(at, bytes as usize)?;
                }
                b"pakt" => chunks.frames = packet_frames(&input.read_at(at, 24)?),
                b"data" => {
                    let there = input.len().saturating_sub(at);
                    // The size of a stream is -1.
                    let declared = (size as i64 > 0).then_some(size);
                    chunks.truncation = declared.and_then(|size| missing_bytes(size, there));
                    let bytes = declared.map_or(there, |declared| declared.min(there));
                    let bytes = bytes.saturating_sub(EDIT_COUNT_BYTES);
                    chunks.sound = Some((at + EDIT_COUNT_BYTES, bytes));
                    if declared.is_none() {
                        break;
                    }
                }
                _ => {}
            }
            let Some(next) = at.checked_add(size) else {
                break;
            };
            at = next;
        }
        Ok(chunks)
    }
}

/// Reads the length of the sound: from the bytes if packets have a fixed size, from the packet table otherwise.
pub(super) fn read(input: &mut Input<'_>) -> io::Result<Sound> {
    let chunks = Chunks::read(input)?;
    let Some((_, bytes)) = chunks.sound else {
        return Ok(Sound::truncated("it ends before the audio"));
    };
    let description = Description::parse(&chunks.description);
    let seconds = description.and_then(|description| description.seconds(bytes, chunks.frames));
    Ok(seconds
        .map_or_else(Sound::default, Sound::exact)
        .with_truncation(chunks.truncation))
}

/// Returns the content of the data chunk, after its edit count.
pub(super) fn payload(input: &mut Input<'_>) -> io::Result<Option<Payload>> {
    let chunks = Chunks::read(input)?;
    let Some((at, bytes)) = chunks.sound.filter(|_| chunks.description.len() == 32) else {
        return Ok(None);
    };
    let format = match pcm(&chunks.description) {
        Some(pcm) => pcm.format(bytes),
        None => codec::private("caf", &[&chunks.description, &chunks.cookie]),
    };
    Ok(Payload::of_range(format, at..at + bytes))
}

/// Returns the number format of uncompressed sound.
fn pcm(description: &[u8]) -> Option<Pcm> {
    let field = |at| be32(description, at);
    let (flags, packet_bytes, channels, bits) = (field(12)?, field(16)?, field(24)?, field(28)?);
    let encoding = match &id(description, 8)? {
        b"lpcm" if packet_bytes == channels.checked_mul(bits)? / 8 => {
            encoding(flags & 1 != 0, flags & 2 != 0, bits)?
        }
        b"alaw" => "alaw",
        b"ulaw" => "mulaw",
        _ => return None,
    };
    Some(Pcm {
        encoding,
        channels,
        rate: f64::from_bits(be64(description, 0)?),
    })
}

/// Number of packets and of valid frames in a packet table.
fn packet_frames(table: &[u8]) -> Option<(u64, u64)> {
    Some((be64(table, 0)?, be64(table, 8)?))
}

impl Description {
    fn parse(chunk: &[u8]) -> Option<Self> {
        let rate = f64::from_bits(be64(chunk, 0)?);
        let description = Self {
            rate,
            bytes_per_packet: be32(chunk, 16)?,
            frames_per_packet: be32(chunk, 20)?,
        };
        (rate > 0.0 && rate.is_finite()).then_some(description)
    }

    fn seconds(&self, bytes: u64, table: Option<(u64, u64)>) -> Option<f64> {
        let per_packet = f64::from(self.frames_per_packet);
        if self.bytes_per_packet > 0 {
            let packets = bytes as f64 / f64::from(self.bytes_per_packet);
            return Some(packets * per_packet / self.rate);
        }
        let (packets, frames) = table?;
        let frames = match frames {
            0 => packets as f64 * per_packet,
            frames => frames as f64,
        };
        Some(frames / self.rate)
    }
}
