//! Kinds of containers, by their first bytes.

use super::mpeg::{program, transport};
use super::{ac3, adts, asf, mpeg_audio};
use crate::media::id3::skip_id3v2;
use crate::media::input::Input;
use std::io;

/// Bytes at the start that identify a container.
const HEAD_BYTES: usize = 4096;
/// First bytes of a Wave64 file.
const WAVE64: &[u8] = b"riff\x2e\x91\xcf\x11";
/// Types of the first box of an MP4 or QuickTime file.
const FIRST_BOXES: [&[u8; 4]; 9] = [
    b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp", b"moof",
];

/// A family of containers, or a format without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// WAV, RF64 and BW64.
    Riff,
    Wave64,
    Avi,
    Aiff,
    Au,
    Caf,
    Matroska,
    Ogg,
    Flac,
    Ape,
    Flash,
    ProgramStream,
    TransportStream,
    WindowsMedia,
    /// MP4, 3GP and QuickTime.
    Mp4,
    Amr,
    AmrWide,
    Gsm,
    Adts,
    Ac3,
    /// MP3 and MP2.
    MpegAudio,
    Unknown,
}

impl Kind {
    /// Detects the kind of a file. `extension` is in lower case, and tells formats without a signature.
    pub(super) fn detect(input: &mut Input<'_>, extension: Option<&str>) -> io::Result<Self> {
        let start = skip_id3v2(input, 0)?;
        let head = input.read_at(start, HEAD_BYTES)?;
        Ok(Self::of_container(&head).unwrap_or_else(|| Self::of_stream(&head, extension)))
    }

    fn of_container(head: &[u8]) -> Option<Self> {
        let form = head.get(8..12).unwrap_or_default();
        Some(match head.get(..4).unwrap_or_default() {
            b"RIFF" | b"RF64" | b"BW64" if form == b"WAVE" => Self::Riff,
            b"RIFF" if form == b"AVI " => Self::Avi,
            b"FORM" if matches!(form, b"AIFF" | b"AIFC") => Self::Aiff,
            b".snd" | b"dns." => Self::Au,
            b"caff" => Self::Caf,
            b"\x1a\x45\xdf\xa3" => Self::Matroska,
            b"OggS" => Self::Ogg,
            b"fLaC" => Self::Flac,
            b"MAC " => Self::Ape,
            b"FLV\x01" => Self::Flash,
            pack if pack == program::PACK => Self::ProgramStream,
            _ if head.starts_with(WAVE64) => Self::Wave64,
            _ if head.starts_with(&asf::HEADER) => Self::WindowsMedia,
            _ if FIRST_BOXES
                .iter()
                .any(|kind| head.get(4..8) == Some(&kind[..])) =>
            {
                Self::Mp4
            }
            _ => return None,
        })
    }

    /// Detects a sequence of frames or packets.
    fn of_stream(head: &[u8], extension: Option<&str>) -> Self {
        if head.starts_with(b"#!AMR\n") {
            Self::Amr
        } else if head.starts_with(b"#!AMR-WB\n") {
            Self::AmrWide
        } else if transport::is_transport_stream(head) {
            Self::TransportStream
        } else if adts::FRAMES.find(head).is_some() {
            Self::Adts
        } else if ac3::FRAMES.find(head).is_some() {
            Self::Ac3
        } else {
            match extension {
                Some("gsm") => Self::Gsm,
                Some("mp3" | "mp2" | "mpga") => Self::MpegAudio,
                _ if mpeg_audio::is_audio(head) => Self::MpegAudio,
                _ => Self::Unknown,
            }
        }
    }
}
