//! Codecs in Ogg, by the first packet of a logical stream.

use crate::media::field::{be32, le16, le32};

/// Starts of the first packets of Theora, VP8, Dirac and the table of contents (Skeleton).
const PICTURES: [&[u8]; 4] = [b"\x80theora", b"OVP80", b"BBCD", b"fishead"];

/// Whether a stream is video, or describes other streams.
pub(super) fn is_picture(packet: &[u8]) -> bool {
    PICTURES.iter().any(|start| packet.starts_with(start))
}

/// Samples per second of an Opus position, at any sample rate.
const OPUS_RATE: u32 = 48_000;

/// Units of the positions of a sound stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SoundCodec {
    /// Samples in a second.
    pub(super) rate: u32,
    /// Samples at the start that are not played.
    pub(super) skip: u16,
}

impl SoundCodec {
    /// Recognises the codec of a stream. Returns `None` if it is not sound.
    pub(super) fn parse(packet: &[u8]) -> Option<Self> {
        let codec = if packet.starts_with(b"\x01vorbis") {
            Self {
                rate: le32(packet, 12)?,
                skip: 0,
            }
        } else if packet.starts_with(b"OpusHead") {
            Self {
                rate: OPUS_RATE,
                skip: le16(packet, 10)?,
            }
        } else if packet.starts_with(b"Speex   ") {
            Self {
                rate: le32(packet, 36)?,
                skip: 0,
            }
        } else if packet.starts_with(b"\x7fFLAC") {
            Self {
                rate: be32(packet, 27)? >> 12,
                skip: 0,
            }
        } else {
            return None;
        };
        (codec.rate > 0).then_some(codec)
    }
}
