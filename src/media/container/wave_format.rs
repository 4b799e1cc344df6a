//! The format chunk of WAV and Wave64.

use crate::media::field::{le16, le32};
use crate::media::payload::codec::{Pcm, encoding};

const PCM: u16 = 0x0001;
const MS_ADPCM: u16 = 0x0002;
const FLOAT: u16 = 0x0003;
const A_LAW: u16 = 0x0006;
const MU_LAW: u16 = 0x0007;
const IMA_ADPCM: u16 = 0x0011;
const GSM: u16 = 0x0031;
const EXTENSIBLE: u16 = 0xfffe;

/// Format of the sound data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct WaveFormat {
    tag: u16,
    rate: u32,
    bytes_per_second: u32,
    block_bytes: u16,
    samples_per_block: u16,
}

impl WaveFormat {
    /// Parses the content of a format chunk. Returns `None` if it is too short or has no sample rate.
    pub(super) fn parse(chunk: &[u8]) -> Option<Self> {
        let (channels, bits) = (le16(chunk, 2)?, le16(chunk, 14).unwrap_or(0));
        let format = Self {
            tag: le16(chunk, 0)?,
            rate: le32(chunk, 4)?,
            bytes_per_second: le32(chunk, 8)?,
            block_bytes: match le16(chunk, 12)? {
                0 => channels.saturating_mul(bits.div_ceil(8)),
                bytes => bytes,
            },
            samples_per_block: le16(chunk, 18).unwrap_or(0),
        };
        (format.rate > 0).then_some(format)
    }

    /// Whether each sample has the same number of bits.
    pub(super) const fn is_sampled(&self) -> bool {
        matches!(self.tag, PCM | FLOAT | A_LAW | MU_LAW | EXTENSIBLE)
    }

    /// Returns the seconds in this many bytes of sound. `frames` is the number of samples in the fact chunk, if the
    /// sound is complete.
    pub(super) fn seconds(&self, bytes: u64, frames: Option<u64>) -> Option<f64> {
        let (bytes, rate) = (bytes as f64, f64::from(self.rate));
        let block = f64::from(self.block_bytes);
        match self.tag {
            _ if self.is_sampled() => (block > 0.0).then(|| bytes / (block * rate)),
            MS_ADPCM | IMA_ADPCM | GSM if self.samples_per_block > 0 && block > 0.0 => {
                Some(bytes / block * f64::from(self.samples_per_block) / rate)
            }
            _ => {
                let by_rate =
                    (self.bytes_per_second > 0).then(|| bytes / f64::from(self.bytes_per_second));
                let by_frames = frames.map(|frames| frames as f64 / rate);
                // The frames of a variable bit rate are right. Placeholders are far away from the byte rate.
                by_frames
                    .filter(|frames| {
                        by_rate.is_none_or(|rate| (0.25..4.0).contains(&(frames / rate)))
                    })
                    .or(by_rate)
            }
        }
    }
}

/// Returns the number format of uncompressed sound. The mask of an extensible format is left out: it only names the channels.
pub(super) fn pcm(chunk: &[u8]) -> Option<Pcm> {
    let (channels, bits) = (le16(chunk, 2)?, le16(chunk, 14)?);
    let tag = match le16(chunk, 0)? {
        // The format is the start of an identifier. Its other bytes are the same for all.
        EXTENSIBLE if le16(chunk, 18)? == bits => le16(chunk, 24)?,
        tag => tag,
    };
    let is_packed = u32::from(le16(chunk, 12)?) == u32::from(channels) * u32::from(bits) / 8;
    let encoding = match (tag, bits) {
        (PCM, 8) => "u8",
        (PCM | FLOAT, bits) => encoding(tag == FLOAT, true, bits.into())?,
        (A_LAW, 8) => "alaw",
        (MU_LAW, 8) => "mulaw",
        _ => return None,
    };
    is_packed.then_some(Pcm {
        encoding,
        channels: channels.into(),
        rate: le32(chunk, 4)?.into(),
    })
}
