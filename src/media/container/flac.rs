//! FLAC.

use crate::media::field::be64;
use crate::media::id3::{skip_id3v2, trim_tags};
use crate::media::input::Input;
use crate::media::payload::{Payload, codec};
use crate::media::sound::Sound;
use std::io;

/// Maximum number of metadata blocks.
const MAX_BLOCKS: usize = 1000;
/// Bytes at the end that contain the header of the last frame.
const TAIL_BYTES: u64 = 64 * 1024;
/// Part of the declared length that a complete file contains at least. The search for the last frame may miss one.
const COMPLETE: f64 = 0.97;

/// The stream information.
struct StreamInfo {
    rate: u32,
    block_samples: u64,
    /// Number of samples. Zero if unknown.
    samples: u64,
}

/// Reads the length from the stream information, or from the number of the last frame if it is unknown.
pub(super) fn read(input: &mut Input<'_>) -> io::Result<Sound> {
    let start = skip_id3v2(input, 0)?;
    let Some(info) = StreamInfo::parse(&input.read_at(start, 42)?) else {
        return Ok(Sound::default());
    };
    let sound_at = skip_metadata(input, start + 4)?;
    let seconds = |samples: u64| samples as f64 / f64::from(info.rate);
    let tail_at = input.len().saturating_sub(TAIL_BYTES).max(sound_at);
    let tail = match tail_at < input.len() {
        true => input.read_at(tail_at, TAIL_BYTES as usize)?,
        false => Vec::new(),
    };
    let last = last_sample(&tail, &info);
    Ok(match (info.samples, last) {
        (0, None) => Sound::default(),
        (0, Some(last)) => Sound::exact(seconds(last)),
        (all, Some(last)) if (last as f64) < COMPLETE * all as f64 => Sound::exact(seconds(all))
            .with_truncation(Some(format!(
                "the header declares {:.0} s of audio, the file has {:.0} s",
                seconds(all),
                seconds(last)
            ))),
        (all, _) if tail.is_empty() => {
            Sound::exact(seconds(all)).with_truncation(Some("it ends before the audio".to_owned()))
        }
        (all, _) => Sound::exact(seconds(all)),
    })
}

/// Returns the frames after the metadata.
pub(super) fn payload(input: &mut Input<'_>) -> io::Result<Option<Payload>> {
    let start = skip_id3v2(input, 0)?;
    let head = input.read_at(start, 42)?;
    let stream_info = head.strip_prefix(b"fLaC").and_then(|head| head.get(4..));
    let Some(format) = stream_info.and_then(codec::flac) else {
        return Ok(None);
    };
    let sound_at = skip_metadata(input, start + 4)?;
    let end = trim_tags(input, input.len())?;
    Ok(Payload::of_range(format, sound_at..end))
}

impl StreamInfo {
    fn parse(head: &[u8]) -> Option<Self> {
        if !head.starts_with(b"fLaC") {
            return None;
        }
        let packed = be64(head, 18)?;
        let rate = (packed >> 44) as u32;
        (rate > 0).then_some(Self {
            rate,
            block_samples: be64(head, 8)? >> 48,
            samples: packed & 0xf_ffff_ffff,
        })
    }
}

/// Returns the offset of the first frame.
fn skip_metadata(input: &mut Input<'_>, mut at: u64) -> io::Result<u64> {
    for _ in 0..MAX_BLOCKS {
        let header = input.read_at(at, 4)?;
        let [kind, size @ ..] = header.as_slice() else {
            break;
        };
        at += 4 + crate::media::field::be_any(size);
        if kind & 0x80 != 0 {
            break;
        }
    }
    Ok(at)
}

/// Returns the number of samples up to the end of the last frame in `tail`.
fn last_sample(tail: &[u8], info: &StreamInfo) -> Option<u64> {
    let is_possible = |samples: &u64| info.samples == 0 || *samples <= info.samples;
    let ends = (0..tail.len()).filter_map(|at| frame_end(&tail[at..], info));
    match info.samples {
        // Without a total, nothing tells a frame from sound that looks like one. The last ones agree.
        0 => consistent_end(ends),
        _ => ends.filter(is_possible).max(),
    }
}

/// Returns the largest end that follows the one before it closely.
fn consistent_end(ends: impl Iterator<Item = u64>) -> Option<u64> {
    let ends: Vec<u64> = ends.collect();
    let follows = |pair: &&[u64]| pair[1] > pair[0] && pair[1] - pair[0] <= 65_536;
    let last = ends.windows(2).filter(follows).map(|pair| pair[1]).max();
    last.or_else(|| ends.first().copied().filter(|_| ends.len() == 1))
}

/// Returns the sample at the end of the frame whose header starts at `bytes`.
fn frame_end(bytes: &[u8], info: &StreamInfo) -> Option<u64> {
    let (&[sync, second, third, fourth], rest) = bytes.split_first_chunk()?;
    if sync != 0xff
        || second & 0xfe != 0xf8
        || fourth & 1 != 0
        || third >> 4 == 0
        || third & 0xf == 0xf
    {
        return None;
    }
    let (number, used) = coded_number(rest)?;
    let mut at = 4 + used;
    let block = match third >> 4 {
        1 => 192,
        code @ 2..=5 => 576 << (code - 2),
        6 => u64::from(*bytes.get(at)?) + 1,
        7 => u64::from(crate::media::field::be16(bytes, at)?) + 1,
        code => 256 << (code - 8),
    };
    at += match third >> 4 {
        6 => 1,
        7 => 2,
        _ => 0,
    };
    at += match third & 0xf {
        12 => 1,
        13 | 14 => 2,
        _ => 0,
    };
    if crc8(bytes.get(..at)?) != *bytes.get(at)? {
        return None;
    }
    let is_variable = second & 1 != 0;
    Some(
        if is_variable {
            number
        } else {
            number * info.block_samples
        } + block,
    )
}

/// Parses a number in the form of UTF-8, of up to seven bytes. Returns it with its size.
fn coded_number(bytes: &[u8]) -> Option<(u64, usize)> {
    let first = *bytes.first()?;
    let length = match first.leading_ones() as usize {
        0 => return Some((first.into(), 1)),
        length @ 2..=7 => length,
        _ => return None,
    };
    let start = u64::from(first & (0x7f_u8 >> length));
    let rest = bytes.get(1..length)?;
    let is_valid = rest.iter().all(|byte| byte & 0xc0 == 0x80);
    is_valid.then(|| {
        (
            rest.iter()
                .fold(start, |n, byte| n << 6 | u64::from(byte & 0x3f)),
            length,
        )
    })
}

/// CRC-8 with the polynomial x⁸ + x² + x + 1.
fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc: u8, _| {
            crc << 1 ^ if crc & 0x80 == 0 { 0 } else { 0x07 }
        })
    })
}
