//! Dolby Digital (AC-3 and E-AC-3).

use crate::media::field::be16;
use crate::media::frames::{Frame, FrameFormat};

/// Frames of AC-3 and E-AC-3.
pub(super) const FRAMES: FrameFormat = FrameFormat { parse, run: 3 };

const SAMPLE_RATES: [u32; 3] = [48_000, 44_100, 32_000];
const KILOBITS: [u32; 19] = [
    32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640,
];
/// Samples in a block.
const BLOCK_SAMPLES: u32 = 256;
/// Blocks in a frame of AC-3.
const BLOCKS: u32 = 6;
/// Bit stream identification from which a stream is E-AC-3.
const ENHANCED: u8 = 11;

fn parse(bytes: &[u8]) -> Option<Frame> {
    if be16(bytes, 0)? != 0x0b77 {
        return None;
    }
    let (third, fifth, sixth) = (be16(bytes, 2)?, *bytes.get(4)?, *bytes.get(5)?);
    let rate = usize::from(fifth >> 6);
    let (size, blocks) = if sixth >> 3 >= ENHANCED {
        let blocks = [1, 2, 3, 6][usize::from(fifth >> 4 & 3)];
        ((u32::from(third & 0x7ff) + 1) * 2, blocks)
    } else {
        let code = usize::from(fifth & 0x3f);
        let bits = *KILOBITS.get(code / 2)? * 1000 / 8 * BLOCKS * BLOCK_SAMPLES;
        let padding = if rate == 1 { code as u32 % 2 } else { 0 };
        // The size is a whole number of 16-bit words.
        ((bits / *SAMPLE_RATES.get(rate)? / 2 + padding) * 2, BLOCKS)
    };
    let rate = *SAMPLE_RATES.get(rate)?;
    (size > 6).then(|| Frame {
        bytes: size as usize,
        seconds: f64::from(blocks * BLOCK_SAMPLES) / f64::from(rate),
        kind: rate,
    })
}
