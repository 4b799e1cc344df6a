//! MPEG program streams (`.mpg`, `.vob`).

use super::pes::{Times, presentation_time};
use crate::media::input::Input;
use crate::media::search::{first_in, last_in};
use crate::media::sound::Sound;
use std::io;

/// Start code of a pack, with which the file begins.
pub(in crate::media::container) const PACK: [u8; 4] = [0, 0, 1, 0xba];

/// Reads the length from the times of the first and the last sound packet.
pub(in crate::media::container) fn read(input: &mut Input<'_>) -> io::Result<Sound> {
    let end = input.len();
    let times = |bytes: &[u8], _| Some(times(bytes)).filter(|times| !times.is_empty());
    let (first, last) = (first_in(input, 0, times)?, last_in(input, 0, end, times)?);
    let seconds = first
        .zip(last)
        .and_then(|(first, last)| first.seconds_to(&last));
    Ok(seconds.map_or_else(Sound::default, Sound::exact))
}

fn times(bytes: &[u8]) -> Times {
    let mut times = Times::default();
    for at in 0..bytes.len().saturating_sub(14) {
        // MPEG sound has the codes C0 to DF, Dolby and PCM the code BD.
        if matches!(bytes[at..at + 4], [0, 0, 1, 0xc0..=0xdf | 0xbd])
            && let Some(time) = presentation_time(&bytes[at..])
        {
            times.push(time);
        }
    }
    times
}
