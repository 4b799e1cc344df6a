//! AAC in ADTS frames.

use crate::media::field::be32;
use crate::media::frames::{Frame, FrameFormat};

/// Frames of ADTS.
pub(super) const FRAMES: FrameFormat = FrameFormat { parse, run: 4 };

const SAMPLE_RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];
/// Samples in a raw data block.
const BLOCK_SAMPLES: u32 = 1024;
/// Size of the header in bytes.
const HEADER_BYTES: u32 = 7;

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
