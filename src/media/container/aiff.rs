//! AIFF and AIFF-C.

use super::placeholder::is_placeholder;
use crate::media::field::{be16, be32, be64, id};
use crate::media::input::Input;
use crate::media::payload::codec::{Pcm, encoding};
use crate::media::payload::{Payload, codec};
use crate::media::sound::{Sound, missing_bytes};
use std::io;

/// Maximum number of chunks.
const MAX_CHUNKS: usize = 10_000;
/// Bytes of the common chunk that are read.
const COMMON_BYTES: usize = 22;
/// Offset and block size at the start of the sound chunk.
const SOUND_HEADER: u64 = 8;

/// The common chunk: the format of the sound.
struct Common {
    channels: u16,
    frames: u32,
    bits: u16,
    rate: f64,
    compression: [u8; 4],
}

/// The sound chunk, in bytes of sound.
struct SoundChunk {
    /// Offset of the sound.
    at: u64,
    declared: Option<u64>,
    there: u64,
}

/// The chunks that describe the sound.
#[derive(Default)]
struct Chunks {
    /// Content of the common chunk.
    common: Vec<u8>,
    sound: Option<SoundChunk>,
}

/// Reads the length of the sound. It is the smaller one of the declared and the present bytes.
pub(super) fn read(input: &mut Input<'_>) -> io::Result<Sound> {
    let Chunks { common, sound } = read_chunks(input)?;
    Ok(match sound {
        None => Sound::truncated("it ends before the audio"),
        Some(sound) => sound.length(Common::parse(&common).as_ref()),
    })
}

/// Returns the content of the sound chunk.
pub(super) fn payload(input: &mut Input<'_>) -> io::Result<Option<Payload>> {
    let Chunks { common, sound } = read_chunks(input)?;
    let (Some(sound), Some(description)) = (sound, Common::parse(&common)) else {
        return Ok(None);
    };
    let header = input.read_at(sound.at - SOUND_HEADER, 4)?;
    let bytes = sound.bytes();
    let format = match description.pcm() {
        // The sound may begin later within the chunk.
        _ if be32(&header, 0) != Some(0) => return Ok(None),
        Some(pcm) => pcm.format(bytes),
        None => codec::private("aiff", &[&common]),
    };
    Ok(Payload::of_range(format, sound.at..sound.at + bytes))
}

fn read_chunks(input: &mut Input<'_>) -> io::Result<Chunks> {
    let (mut at, mut chunks) = (12, Chunks::default());
    for _ in 0..MAX_CHUNKS {
        let header = input.read_at(at, 8)?;
        let (Some(id), Some(size)) = (id(&header, 0), be32(&header, 4)) else {
            break;
        };
        at += 8;
        match &id {
            b"COMM" => {
                let bytes = COMMON_BYTES.min(size as usize);
                chunks.common = input.read_at(at, bytes)?;
            }
            b"SSND" => {
                let declared = u64::from(size).saturating_sub(SOUND_HEADER);
                chunks.sound = Some(SoundChunk {
                    at: at + SOUND_HEADER,
                    declared: (!is_placeholder(size) && declared > 0).then_some(declared),
                    there: input.len().saturating_sub(at + SOUND_HEADER),
                });
            }
            _ => {}
        }
        if !chunks.common.is_empty() && chunks.sound.is_some() {
            break;
        }
        at += u64::from(size) + u64::from(size % 2);
    }
    Ok(chunks)
}

impl SoundChunk {
    fn bytes(&self) -> u64 {
        self.declared
            .map_or(self.there, |bytes| bytes.min(self.there))
    }

    fn length(&self, common: Option<&Common>) -> Sound {
        let seconds = common.and_then(|common| common.seconds(self.bytes()));
        let sound = seconds.map_or_else(Sound::default, Sound::exact);
        sound.with_truncation(
            self.declared
                .and_then(|bytes| missing_bytes(bytes, self.there)),
        )
    }
}

impl Common {
    fn parse(chunk: &[u8]) -> Option<Self> {
        let common = Self {
            channels: be16(chunk, 0)?,
            frames: be32(chunk, 2)?,
            bits: be16(chunk, 6)?,
            rate: extended(chunk.get(8..18)?)?,
            compression: id(chunk, 18).unwrap_or(*b"NONE"),
        };
        (common.rate > 0.0 && common.channels > 0).then_some(common)
    }

    fn pcm(&self) -> Option<Pcm> {
        let bits = u32::from(self.bits);
        let encoding = match &self.compression {
            b"ulaw" | b"ULAW" => "mulaw",
            b"alaw" | b"ALAW" => "alaw",
            b"fl32" | b"FL32" => encoding(true, false, 32)?,
            b"fl64" | b"FL64" => encoding(true, false, 64)?,
            b"NONE" | b"twos" => encoding(false, false, bits)?,
            b"sowt" => encoding(false, true, bits)?,
            _ => return None,
        };
        Some(Pcm {
            encoding,
            channels: self.channels.into(),
            rate: self.rate,
        })
    }

    fn seconds(&self, bytes: u64) -> Option<f64> {
        let bytes_per_sample = match &self.compression {
            b"ulaw" | b"ULAW" | b"alaw" | b"ALAW" => 1.0,
            b"fl32" | b"FL32" => 4.0,
            b"fl64" | b"FL64" => 8.0,
            // Blocks of 34 bytes hold 64 samples.
            b"ima4" => 34.0 / 64.0,
            b"NONE" | b"sowt" | b"twos" | b"raw " | b"in24" | b"in32" | b"42ni" | b"23ni" => {
                f64::from(self.bits.div_ceil(8))
            }
            _ => return Some(f64::from(self.frames) / self.rate),
        };
        Some(bytes as f64 / (bytes_per_sample * f64::from(self.channels)) / self.rate)
    }
}

/// Parses an 80-bit floating-point number.
fn extended(bytes: &[u8]) -> Option<f64> {
    let exponent = i32::from(be16(bytes, 0)? & 0x7fff) - 16_383 - 63;
    Some(be64(bytes, 2)? as f64 * f64::powi(2.0, exponent))
}
