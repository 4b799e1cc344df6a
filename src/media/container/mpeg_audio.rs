//! MPEG audio (MP3, MP2), with or without an index of the encoder, and in joined parts.

use crate::media::field::{be16, be32, id};
use crate::media::frames::{Frame, FrameFormat, FrameSound};
use crate::media::id3::{skip_tags, trim_tags};
use crate::media::input::Input;
use crate::media::payload::{Payload, codec};
use crate::media::sound::{Length, Sound};
use std::io;

/// Frames of MPEG audio.
pub(in crate::media) const FRAMES: FrameFormat = FrameFormat {
    parse: |bytes| Header::parse(bytes).map(|header| header.frame()),
    run: 4,
};

/// Bytes in which the first frame must begin.
const START_BYTES: usize = 64 * 1024;
/// Maximum number of joined parts with an index each.
const MAX_PARTS: usize = 32;
/// Bytes after the end of an index that are padding, not another part.
const MIN_PART_BYTES: u64 = 4096;
/// Part of the declared bytes that a complete file contains at least. Editors leave an index slightly wrong.
const COMPLETE: f64 = 0.95;

const BIT_RATES_1: [[u32; 16]; 3] = [
    [
        0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448, 0,
    ],
    [
        0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 0,
    ],
    [
        0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0,
    ],
];
const BIT_RATES_2: [[u32; 16]; 2] = [
    [
        0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256, 0,
    ],
    [
        0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0,
    ],
];
const SAMPLE_RATES: [u32; 3] = [44_100, 48_000, 32_000];

/// Header of a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::media) struct Header {
    /// Layer, for example 3 of MP3.
    pub(in crate::media) layer: u8,
    /// Whether it is of the version with high sample rates.
    pub(in crate::media) is_mpeg1: bool,
    /// Whether it has one channel.
    pub(in crate::media) is_mono: bool,
    /// Samples in a second, for each channel.
    pub(in crate::media) rate: u32,
    /// Samples in the frame, for each channel.
    pub(in crate::media) samples: u32,
    bytes: usize,
}

/// Index that an encoder writes into the first frame.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Index {
    seconds: f64,
    /// Size of this part, including the frame of the index. `None` if not stated.
    bytes: Option<u64>,
}

/// Reads the length: of all parts, each by its index or by its frames.
pub(super) fn read(input: &mut Input<'_>) -> io::Result<Sound> {
    let mut end = trim_tags(input, input.len())?;
    let mut at = skip_tags(input, 0)?;
    let (mut seconds, mut is_exact) = (0.0, true);
    let mut truncation = None;
    for _ in 0..MAX_PARTS {
        let head = input.read_at(at, START_BYTES.min(end.saturating_sub(at) as usize))?;
        let Some(first) = FRAMES.find(&head) else {
            break;
        };
        at += first as u64;
        let Some(index) = Index::parse(&head[first..]) else {
            if let Some(FrameSound {
                seconds: more,
                is_exact: exact,
            }) = FRAMES.measure(input, at, end)?
            {
                seconds += more;
                is_exact &= exact;
            }
            break;
        };
        seconds += index.seconds;
        let there = end - at;
        let bytes = index.bytes.unwrap_or(there);
        if (there as f64) < COMPLETE * bytes as f64 {
            truncation = Some(format!(
                "its index declares {bytes} bytes of audio, the file has {there}"
            ));
        }
        if there < bytes.saturating_add(MIN_PART_BYTES) {
            break;
        }
        // Tags of the next part, and those at the end of this one.
        at = skip_tags(input, at + bytes)?;
        end = end.max(at);
    }
    let length = match (seconds > 0.0, is_exact) {
        (false, _) => Length::Unknown,
        (true, true) => Length::Exact(seconds),
        (true, false) => Length::Estimated(seconds),
    };
    Ok(Sound {
        length,
        defect: None,
    }
    .with_truncation(truncation))
}

/// Returns the frames between the tags, without the frame of the index: a writer that copies the sound makes a new one.
pub(super) fn payload(input: &mut Input<'_>) -> io::Result<Option<Payload>> {
    let end = trim_tags(input, input.len())?;
    let mut at = skip_tags(input, 0)?;
    let head = input.read_at(at, START_BYTES)?;
    let Some(first) = FRAMES.find(&head) else {
        return Ok(None);
    };
    at += first as u64;
    if let Some(header) = Header::parse(&head[first..])
        && is_index(&head[first..], &header)
    {
        at += header.bytes as u64;
    }
    let format = codec::named(codec::MPEG_AUDIO);
    Ok(Payload::of_range(format, at..end))
}

/// Whether MPEG audio begins within `bytes`.
pub(super) fn is_audio(bytes: &[u8]) -> bool {
    FRAMES.find(bytes).is_some()
}

impl Header {
    /// Parses the header at the start of a frame.
    pub(in crate::media) fn parse(bytes: &[u8]) -> Option<Self> {
        let header = be32(bytes, 0)?;
        let (version, layer) = (header >> 19 & 3, 4 - (header >> 17 & 3));
        let (bit_rate, rate) = ((header >> 12 & 15) as usize, header >> 10 & 3);
        if header >> 21 != 0x7ff || version == 1 || layer == 4 || rate == 3 || header & 3 == 2 {
            return None;
        }
        let is_mpeg1 = version == 3;
        let rate = SAMPLE_RATES[rate as usize]
            >> match version {
                3 => 0,
                2 => 1,
                _ => 2,
            };
        let kilobits = match (is_mpeg1, layer) {
            (true, _) => BIT_RATES_1[layer as usize - 1][bit_rate],
            (false, 1) => BIT_RATES_2[0][bit_rate],
            (false, _) => BIT_RATES_2[1][bit_rate],
        };
        let samples = match (layer, is_mpeg1) {
            (1, _) => 384,
            (3, false) => 576,
            _ => 1152,
        };
        let padding = header >> 9 & 1;
        let bits = u64::from(kilobits) * 1000;
        let bytes = match layer {
            1 => (12 * bits / u64::from(rate) + u64::from(padding)) * 4,
            _ => u64::from(samples) / 8 * bits / u64::from(rate) + u64::from(padding),
        };
        (kilobits > 0).then_some(Self {
            layer: layer as u8,
            is_mpeg1,
            is_mono: header >> 6 & 3 == 3,
            rate,
            samples,
            bytes: bytes as usize,
        })
    }

    /// Whether a decoder of the other frame goes on with this one.
    pub(in crate::media) fn is_like(&self, other: &Self) -> bool {
        let parameters = |header: &Self| (header.layer, header.rate, header.is_mono);
        parameters(self) == parameters(other)
    }

    /// Returns the offset at which an index begins in the frame, after the side information.
    const fn index_at(&self) -> usize {
        4 + match (self.is_mpeg1, self.is_mono) {
            (true, false) => 32,
            (true, true) | (false, false) => 17,
            (false, true) => 9,
        }
    }

    fn frame(&self) -> Frame {
        Frame {
            bytes: self.bytes,
            seconds: f64::from(self.samples) / f64::from(self.rate),
            kind: self.rate * 8 + u32::from(self.layer),
        }
    }
}

/// Whether the frame holds an index instead of sound. An index need not state a length.
pub(in crate::media) fn is_index(frame: &[u8], header: &Header) -> bool {
    let is = |at, marks: &[[u8; 4]]| id(frame, at).is_some_and(|mark| marks.contains(&mark));
    is(header.index_at(), &[*b"Xing", *b"Info"]) || is(36, &[*b"VBRI"])
}

impl Index {
    /// Parses the index in the frame at the start of `bytes`, as Xing, LAME and Fraunhofer write it.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let header = Header::parse(bytes)?;
        let seconds = |frames: u32, cut: u32| {
            let samples = u64::from(frames) * u64::from(header.samples);
            samples.saturating_sub(cut.into()) as f64 / f64::from(header.rate)
        };
        let at = header.index_at();
        if matches!(&id(bytes, at)?, b"Xing" | b"Info") {
            let flags = be32(bytes, at + 4)?;
            let frames = be32(bytes, at + 8).filter(|frames| flags & 1 != 0 && *frames > 0)?;
            let size = be32(bytes, at + 12).filter(|size| flags & 2 != 0 && *size > 0);
            return Some(Self {
                seconds: seconds(
                    frames,
                    encoder_padding(bytes, at, flags).map_or(0, |(start, end)| start + end),
                ),
                bytes: size.map(u64::from),
            });
        }
        (id(bytes, 36)? == *b"VBRI").then_some(Self {
            seconds: seconds(be32(bytes, 50)?, 0),
            bytes: be32(bytes, 46).map(u64::from),
        })
    }
}

/// Returns the number of samples that the encoder added at the start, if the index in the frame states it.
pub(in crate::media) fn encoder_delay(frame: &[u8], header: &Header) -> Option<u32> {
    let at = header.index_at();
    let is_index = matches!(&id(frame, at)?, b"Xing" | b"Info");
    let (delay, _) = encoder_padding(frame, at, be32(frame, at + 4)?).filter(|_| is_index)?;
    Some(delay)
}

/// Returns the numbers of samples that the encoder added at the start and at the end.
fn encoder_padding(bytes: &[u8], index: usize, flags: u32) -> Option<(u32, u32)> {
    let field = |flag: u32, bytes: usize| if flags & flag == 0 { 0 } else { bytes };
    let encoder = index + 8 + field(1, 4) + field(2, 4) + field(4, 100) + field(8, 4);
    let is_known = matches!(
        bytes.get(encoder..encoder + 3),
        Some(b"LAM" | b"Lav" | b"L3.")
    );
    let padding = bytes.get(encoder + 21..encoder + 24).filter(|_| is_known)?;
    let (delay, padding) = be16(padding, 0).zip(be16(padding, 1))?;
    Some(((delay >> 4).into(), (padding & 0xfff).into()))
}
