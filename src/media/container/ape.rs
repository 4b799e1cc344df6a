//! Monkey's Audio.

use crate::media::field::{le16, le32};
use crate::media::id3::skip_id3v2;
use crate::media::input::Input;
use crate::media::sound::Sound;
use std::io;

/// Version from which the header has this layout.
const MIN_VERSION: u16 = 3980;

/// Reads the length from the header.
pub(super) fn read(input: &mut Input<'_>) -> io::Result<Sound> {
    let start = skip_id3v2(input, 0)?;
    let descriptor = input.read_at(start, 12)?;
    let Some(size) = le32(&descriptor, 8).filter(|_| le16(&descriptor, 4) >= Some(MIN_VERSION))
    else {
        return Ok(Sound::default());
    };
    let header = input.read_at(start + u64::from(size), 24)?;
    Ok(seconds(&header).map_or_else(Sound::default, Sound::exact))
}

fn seconds(header: &[u8]) -> Option<f64> {
    let (block, last, frames) = (le32(header, 4)?, le32(header, 8)?, le32(header, 12)?);
    let rate = le32(header, 20).filter(|rate| *rate > 0)?;
    let full = f64::from(frames.checked_sub(1)?) * f64::from(block);
    Some((full + f64::from(last)) / f64::from(rate))
}
