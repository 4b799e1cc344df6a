//! Sun and NeXT audio (`.au`, `.snd`).

use crate::media::field::{be32, le32};
use crate::media::input::Input;
use crate::media::payload::codec::{Pcm, encoding};
use crate::media::payload::{Payload, codec};
use crate::media::sound::{Sound, missing_bytes};
use std::io;

/// Declared size of a stream whose size is unknown.
const UNKNOWN_SIZE: u32 = u32::MAX;

/// Header of a file.
struct Header {
    /// Offset of the sound.
    at: u64,
    declared: Option<u64>,
    there: u64,
    encoding: u32,
    rate: u32,
    channels: u32,
    is_little: bool,
}

impl Header {
    fn read(input: &mut Input<'_>) -> io::Result<Option<Self>> {
        let header = input.read_at(0, 24)?;
        let is_little = !header.starts_with(b".snd");
        let number = match is_little {
            false => be32,
            true => le32,
        };
        let fields: Option<Vec<u32>> = (1..6).map(|field| number(&header, 4 * field)).collect();
        let Some(&[start, size, encoding, rate, channels]) = fields.as_deref() else {
            return Ok(None);
        };
        Ok(Some(Self {
            at: start.into(),
            declared: (size != UNKNOWN_SIZE && size != 0).then_some(u64::from(size)),
            there: input.len().saturating_sub(start.into()),
            encoding,
            rate,
            channels,
            is_little,
        }))
    }

    fn bytes(&self) -> u64 {
        self.declared
            .map_or(self.there, |declared| declared.min(self.there))
    }

    fn pcm(&self) -> Option<Pcm> {
        let is_float = matches!(self.encoding, 6 | 7);
        let encoding = match self.encoding {
            1 => "mulaw",
            27 => "alaw",
            2..=7 => encoding(is_float, self.is_little, bits_per_sample(self.encoding)?)?,
            _ => return None,
        };
        Some(Pcm {
            encoding,
            channels: self.channels,
            rate: self.rate.into(),
        })
    }
}

/// Reads the length of the sound. It is the smaller one of the declared and the present bytes.
pub(super) fn read(input: &mut Input<'_>) -> io::Result<Sound> {
    let Some(header) = Header::read(input)? else {
        return Ok(Sound::truncated("it ends before the audio"));
    };
    let bits = bits_per_sample(header.encoding).unwrap_or(0);
    let frame_bits = u64::from(bits) * u64::from(header.channels);
    let bits_per_second = frame_bits as f64 * f64::from(header.rate);
    let sound = match bits_per_second > 0.0 {
        true => Sound::exact(header.bytes() as f64 * 8.0 / bits_per_second),
        false => Sound::default(),
    };
    let missing = |declared| missing_bytes(declared, header.there);
    Ok(sound.with_truncation(header.declared.and_then(missing)))
}

/// Returns everything after the header.
pub(super) fn payload(input: &mut Input<'_>) -> io::Result<Option<Payload>> {
    let Some(header) = Header::read(input)? else {
        return Ok(None);
    };
    let bytes = header.bytes();
    let format = match header.pcm() {
        Some(pcm) => pcm.format(bytes),
        None => {
            let fields = [header.encoding, header.rate, header.channels].map(u32::to_be_bytes);
            codec::private("au", &[fields.as_flattened()])
        }
    };
    Ok(Payload::of_range(format, header.at..header.at + bytes))
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
