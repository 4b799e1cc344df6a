//! Sun and NeXT audio (`.au`, `.snd`).

use crate::media::field::{be32, le32};
use crate::media::input::Input;
use crate::media::sound::{Sound, missing_bytes};
use std::io;

/// Declared size of a stream whose size is unknown.
const UNKNOWN_SIZE: u32 = u32::MAX;

/// Reads the length of the sound. It is the smaller one of the declared and the present bytes.
pub(super) fn read(input: &mut Input<'_>) -> io::Result<Sound> {
    let header = input.read_at(0, 24)?;
    let number = match header.starts_with(b".snd") {
        true => be32,
        false => le32,
    };
    let fields: Option<Vec<u32>> = (1..6).map(|field| number(&header, 4 * field)).collect();
    let Some(&[start, size, encoding, rate, channels]) = fields.as_deref() else {
        return Ok(Sound::truncated("it ends before the audio"));
    };
    let there = input.len().saturating_sub(start.into());
    let declared = (size != UNKNOWN_SIZE && size != 0).then_some(u64::from(size));
    let bytes = declared.map_or(there, |declared| declared.min(there));
    let frame_bits = u64::from(bits_per_sample(encoding).unwrap_or(0)) * u64::from(channels);
    let bits_per_second = frame_bits as f64 * f64::from(rate);
    let sound = match bits_per_second > 0.0 {
        true => Sound::exact(bytes as f64 * 8.0 / bits_per_second),
        false => Sound::default(),
    };
    Ok(sound.with_truncation(declared.and_then(|declared| missing_bytes(declared, there))))
}

const fn bits_per_sample(encoding: u32) -> Option<u32> {
    Some(match encoding {
        1 | 2 | 27 => 8,
        3 => 16,
        4 => 24,
        5 | 6 => 32,
        7 => 64,
        23 | 24 => 4,
        25 => 3,
        26 => 5,
        _ => return None,
    })
}
