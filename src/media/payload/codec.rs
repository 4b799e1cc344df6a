//! Codecs and their parameters, in a form that is the same in all containers.
//!
//! A codec without a form of its own gets one with the name of the container, and is then equal only within the container.

use crate::media::field::{be16, be32, be64, le16};
use std::fmt::Write;

const AAC_RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];
/// Object types of AAC that extend another one: SBR and PS.
const EXTENSIONS: [u32; 2] = [5, 29];
/// Object types that ADTS can carry: main, LC, SSR, LTP.
const ADTS_OBJECTS: std::ops::RangeInclusive<u32> = 1..=4;

/// MP3, MP2 and MP1. Each frame states its parameters.
pub(in crate::media) const MPEG_AUDIO: &str = "mpeg audio";
/// AC-3 and E-AC-3. Each frame states its parameters.
pub(in crate::media) const AC3: &str = "ac3";
/// AMR. Each frame states its parameters.
pub(in crate::media) const AMR: &str = "amr";
/// Wideband AMR. Each frame states its parameters.
pub(in crate::media) const AMR_WIDE: &str = "amr-wb";
/// Vorbis. Its sound begins with the identification and the setup.
pub(in crate::media) const VORBIS: &str = "vorbis";

/// Returns a format, separated from the sound that follows.
pub(in crate::media) fn named(name: &str) -> Vec<u8> {
    format!("{name}\n").into_bytes()
}

/// Returns a format of a container that has no other form.
pub(in crate::media) fn private(container: &str, parts: &[&[u8]]) -> Vec<u8> {
    let mut text = container.to_owned();
    for part in parts {
        let _infallible = write!(text, " {}", hex::encode(part));
    }
    named(&text)
}

/// AAC, by the `AudioSpecificConfig` of MP4 and Matroska. An explicit SBR or PS is left out, as ADTS cannot state it.
pub(in crate::media) fn aac_config(config: &[u8]) -> Option<Vec<u8>> {
    let mut bits = Bits {
        bytes: config,
        at: 0,
    };
    let mut object = bits.object_type()?;
    let rate = bits.rate()?;
    let channels = bits.read(4)?;
    if EXTENSIONS.contains(&object) {
        bits.rate()?;
        object = bits.object_type()?;
    }
    let short_frames = bits.read(1)?;
    if !ADTS_OBJECTS.contains(&object) || short_frames == 1 {
        return Some(private("aac", &[config]));
    }
    aac(object, rate, channels)
}

/// AAC, by the header of an ADTS frame.
pub(in crate::media) fn aac_adts(header: &[u8]) -> Option<Vec<u8>> {
    let fields = be32(header, 0)?;
    let rate = *AAC_RATES.get((fields >> 10 & 15) as usize)?;
    aac((fields >> 14 & 3) + 1, rate, fields >> 6 & 7)
}

/// Without a number of channels, the packets describe them.
fn aac(object: u32, rate: u32, channels: u32) -> Option<Vec<u8>> {
    (channels > 0).then(|| named(&format!("aac {object} {rate} {channels}")))
}

/// Opus, by the `OpusHead` of Ogg and Matroska.
pub(in crate::media) fn opus(head: &[u8]) -> Option<Vec<u8>> {
    let numbers = [le16(head, 10)?, le16(head, 16)?];
    opus_of(*head.get(9)?, numbers, head.get(18..)?)
}

/// Opus, by the `dOps` box of MP4.
pub(in crate::media) fn opus_box(content: &[u8]) -> Option<Vec<u8>> {
    let numbers = [be16(content, 2)?, be16(content, 8)?];
    opus_of(*content.get(1)?, numbers, content.get(10..)?)
}

fn opus_of(channels: u8, [skip, gain]: [u16; 2], mapping: &[u8]) -> Option<Vec<u8>> {
    let (family, table) = mapping.split_first()?;
    // Family 0 has no table.
    let table = if *family == 0 { &[] } else { table };
    let table = hex::encode(table);
    Some(named(&format!(
        "opus {channels} {skip} {gain} {family} {table}"
    )))
}

/// FLAC, by its stream information: rate, channels and bits. The rest of it does not change the sound.
pub(in crate::media) fn flac(stream_info: &[u8]) -> Option<Vec<u8>> {
    let packed = be64(stream_info, 10)?;
    let (rate, channels, bits) = (packed >> 44, packed >> 41 & 7, packed >> 36 & 31);
    Some(named(&format!("flac {rate} {channels} {bits}")))
}

/// Vorbis, by the private data of Matroska: three packets, of which the second holds the tags.
pub(in crate::media) fn vorbis_private(data: &[u8]) -> Option<Vec<u8>> {
    let (&[2], mut lengths) = data.split_first_chunk()? else {
        return None;
    };
    let mut sizes = [0; 2];
    for size in &mut sizes {
        loop {
            let (byte, rest) = lengths.split_first()?;
            lengths = rest;
            *size += usize::from(*byte);
            if *byte < u8::MAX {
                break;
            }
        }
    }
    let (identification, rest) = lengths.split_at_checked(sizes[0])?;
    let setup = rest.get(sizes[1]..)?;
    Some([&named(VORBIS), identification, setup].concat())
}

/// Uncompressed sound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::media) struct Pcm {
    /// Number format, for example `s16le`.
    pub(in crate::media) encoding: &'static str,
    pub(in crate::media) channels: u32,
    pub(in crate::media) rate: f64,
}

impl Pcm {
    /// Returns the format of this many bytes. Their number is stated by all containers, and tells recordings apart that
    /// begin with silence.
    pub(in crate::media) fn format(&self, bytes: u64) -> Vec<u8> {
        let Self {
            encoding,
            channels,
            rate,
        } = self;
        named(&format!("pcm {encoding} {channels} {rate} {bytes}"))
    }
}

/// Returns the name of a number format. Numbers of eight bits have no order.
pub(in crate::media) const fn encoding(
    is_float: bool,
    is_little: bool,
    bits: u32,
) -> Option<&'static str> {
    Some(match (is_float, is_little, bits) {
        (false, _, 8) => "s8",
        (false, true, 16) => "s16le",
        (false, true, 24) => "s24le",
        (false, true, 32) => "s32le",
        (false, false, 16) => "s16be",
        (false, false, 24) => "s24be",
        (false, false, 32) => "s32be",
        (true, true, 32) => "f32le",
        (true, true, 64) => "f64le",
        (true, false, 32) => "f32be",
        (true, false, 64) => "f64be",
        _ => return None,
    })
}

/// Bits of a configuration, from the highest one on.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn read(&mut self, count: usize) -> Option<u32> {
        (0..count).try_fold(0, |number, _| {
            let byte = *self.bytes.get(self.at / 8)?;
            let bit = byte >> (7 - self.at % 8) & 1;
            self.at += 1;
            Some(number << 1 | u32::from(bit))
        })
    }

    fn object_type(&mut self) -> Option<u32> {
        match self.read(5)? {
            31 => Some(32 + self.read(6)?),
            object => Some(object),
        }
    }

    fn rate(&mut self) -> Option<u32> {
        match self.read(4)? {
            15 => self.read(24),
            index => AAC_RATES.get(index as usize).copied(),
        }
    }
}
