//! AAC in ADTS frames.

use crate::media::field::be32;
use crate::media::frames::{Frame, FrameFormat};
use crate::media::id3::{skip_tags, trim_tags};
use crate::media::input::Input;
use crate::media::payload::{Malformed, Payload, Step, Walk, codec};
use std::io;

/// Frames of ADTS.
pub(in crate::media) const FRAMES: FrameFormat = FrameFormat { parse, run: 4 };

const SAMPLE_RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];
/// Samples in a raw data block.
const BLOCK_SAMPLES: u32 = 1024;
/// Size of the header in bytes.
const HEADER_BYTES: u32 = 7;
/// Size of the header with a checksum.
const CHECKED_HEADER_BYTES: usize = 9;
/// Bytes in which the first frame must begin.
const START_BYTES: usize = 4096;

fn parse(bytes: &[u8]) -> Option<Frame> {
    let (start, rest) = (be32(bytes, 0)?, be32(bytes, 3)?);
    let rate = *SAMPLE_RATES.get((start >> 10 & 15) as usize)?;
    let size = rest >> 13 & 0x1fff;
    let blocks = (rest & 3) + 1;
    (start & 0xfff6_0000 == 0xfff0_0000 && size >= HEADER_BYTES).then(|| Frame {
        bytes: size as usize,
        seconds: f64::from(BLOCK_SAMPLES * blocks) / f64::from(rate),
        kind: start >> 10 & 15,
    })
}

/// Parameters in the header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct Header {
    profile: u8,
    rate_index: u8,
    /// Samples in a second, without those that an extension of the codec adds.
    pub(in crate::media) rate: u32,
    /// Channel configuration, from 1 to 7.
    pub(in crate::media) channels: u8,
    /// Size of the header in bytes.
    pub(in crate::media) bytes: usize,
}

impl Header {
    /// Parses the header at the start of a frame. Returns `None` if the frame holds several packets, or if only the packet says
    /// how many channels it has.
    pub(in crate::media) fn parse(bytes: &[u8]) -> Option<Self> {
        let (start, rest) = (be32(bytes, 0)?, be32(bytes, 3)?);
        let (rate_index, channels) = (start >> 10 & 15, (start >> 6 & 7) as u8);
        let has_checksum = start >> 16 & 1 == 0;
        (rest & 3 == 0 && channels > 0).then_some(Self {
            profile: (start >> 14 & 3) as u8,
            rate_index: rate_index as u8,
            rate: *SAMPLE_RATES.get(rate_index as usize)?,
            channels,
            bytes: match has_checksum {
                true => CHECKED_HEADER_BYTES,
                false => HEADER_BYTES as usize,
            },
        })
    }

    /// Returns the `AudioSpecificConfig` of MP4.
    pub(in crate::media) const fn config(&self) -> [u8; 2] {
        let object = self.profile as u16 + 1;
        (object << 11 | (self.rate_index as u16) << 7 | (self.channels as u16) << 3).to_be_bytes()
    }
}

/// Returns the packets in the frames, which are the same as in other containers.
pub(super) fn payload(input: &mut Input<'_>) -> io::Result<Option<Payload>> {
    let start = skip_tags(input, 0)?;
    let end = trim_tags(input, input.len())?;
    let head = input.read_at(start, START_BYTES)?;
    let Some(first) = FRAMES.find(&head) else {
        return Ok(None);
    };
    let header = &head[first..];
    let walk = AdtsFrames {
        start: start + first as u64,
        end,
        at: 0,
        parameters: parameters(header),
    };
    Ok(codec::aac_adts(header).map(|format| Payload::new(format, walk)))
}

/// Returns the profile, rate and channels in the header of a frame.
fn parameters(header: &[u8]) -> Option<u32> {
    // Without the private bit.
    be32(header, 0).map(|start| start & 0x0000_fdc0)
}

/// The frames between two offsets, each passed on without its header.
#[derive(Clone)]
struct AdtsFrames {
    start: u64,
    end: u64,
    at: u64,
    parameters: Option<u32>,
}

impl Walk for AdtsFrames {
    fn step(
        &mut self,
        bytes: &[u8],
        at: u64,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<Step, Malformed> {
        self.at = at;
        if at < self.start {
            return Ok(Step::Advance(self.start - at));
        }
        if at == self.end {
            return Ok(Step::End);
        }
        if bytes.len() < HEADER_BYTES as usize {
            return Ok(Step::Need(HEADER_BYTES as usize));
        }
        let frame = parse(bytes).ok_or(Malformed)?;
        let has_several_blocks = bytes[6] & 3 != 0;
        let header = match bytes[1] & 1 {
            0 => CHECKED_HEADER_BYTES,
            _ => HEADER_BYTES as usize,
        };
        let is_cut = at + frame.bytes as u64 > self.end;
        let is_other = parameters(bytes) != self.parameters;
        if has_several_blocks || is_cut || is_other || frame.bytes < header {
            return Err(Malformed);
        }
        let Some(whole) = bytes.get(..frame.bytes) else {
            return Ok(Step::Need(frame.bytes));
        };
        sink(&whole[header..]);
        self.at = at + frame.bytes as u64;
        Ok(Step::Advance(frame.bytes as u64))
    }

    fn is_complete(&self) -> bool {
        self.at == self.end
    }

    fn boxed(&self) -> Box<dyn Walk> {
        Box::new(self.clone())
    }
}
