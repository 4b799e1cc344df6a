//! Apple Core Audio Format.

use crate::media::field::{be32, be64, id};
use crate::media::input::Input;
use crate::media::sound::{Sound, missing_bytes};
use std::io;

/// Maximum number of chunks.
const MAX_CHUNKS: usize = 1000;
/// The edit count at the start of the sound.
const EDIT_COUNT_BYTES: u64 = 4;

/// Format of the sound.
struct Description {
    rate: f64,
    bytes_per_packet: u32,
    frames_per_packet: u32,
}

/// Reads the length of the sound: from the bytes if packets have a fixed size, from the packet table otherwise.
pub(super) fn read(input: &mut Input<'_>) -> io::Result<Sound> {
    let (mut at, mut description, mut frames) = (8, None, None);
    let (mut bytes, mut truncation) = (None, None);
    for _ in 0..MAX_CHUNKS {
        let header = input.read_at(at, 12)?;
        let (Some(id), Some(size)) = (id(&header, 0), be64(&header, 4)) else {
            break;
        };
        at += 12;
        match &id {
            b"desc" => description = Description::parse(&input.read_at(at, 32)?),
            b"pakt" => frames = packet_frames(&input.read_at(at, 24)?),
            b"data" => {
                let there = input.len().saturating_sub(at);
                // The size of a stream is -1.
                let declared = (size as i64 > 0).then_some(size);
                truncation = declared.and_then(|declared| missing_bytes(declared, there));
                let size = declared.map_or(there, |declared| declared.min(there));
                bytes = Some(size.saturating_sub(EDIT_COUNT_BYTES));
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
    let Some(bytes) = bytes else {
        return Ok(Sound::truncated("it ends before the audio"));
    };
    let seconds = description.and_then(|description| description.seconds(bytes, frames));
    Ok(seconds
        .map_or_else(Sound::default, Sound::exact)
        .with_truncation(truncation))
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
