//! Containers: where the sound of a recording lies, and how long it is.
//!
//! Each module reads one family of containers, and only the fields that tell the length. The sound track decides, not the
//! container. A header that contradicts the file does not decide either: streaming recorders leave placeholders, and
//! broken copies end early.

mod ac3;
mod adts;
mod aiff;
mod ape;
mod asf;
mod au;
mod avi;
mod caf;
mod flac;
mod flv;
mod matroska;
mod mp4;
mod mpeg;
mod mpeg_audio;
mod ogg;
mod placeholder;
mod speech_frames;
#[cfg(test)]
mod tests;
mod wav;
mod wave_format;

use super::frames::FrameFormat;
use super::id3::{skip_id3v2, skip_tags, trim_tags};
use super::input::Input;
use super::sound::Sound;
use mpeg::{program, transport};
use std::io;

/// Bytes at the start that identify a container.
const HEAD_BYTES: usize = 4096;
/// Size of the signature of AMR.
const AMR_HEADER: u64 = 6;
/// Size of the signature of wideband AMR.
const AMR_WIDE_HEADER: u64 = 9;
/// First bytes of a Wave64 file.
const WAVE64: &[u8] = b"riff\x2e\x91\xcf\x11";
/// Types of the first box of an MP4 or QuickTime file.
const FIRST_BOXES: [&[u8; 4]; 9] = [
    b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp", b"moof",
];

/// Reads the sound of a recording. `extension` is in lower case, and tells formats without a signature.
///
/// # Errors
/// If the file cannot be read. A malformed container is a sound of unknown length.
pub(super) fn read(input: &mut Input<'_>, extension: Option<&str>) -> io::Result<Sound> {
    let start = skip_id3v2(input, 0)?;
    let head = input.read_at(start, HEAD_BYTES)?;
    let form = head.get(8..12).unwrap_or_default();
    match head.get(..4).unwrap_or_default() {
        b"RIFF" | b"RF64" | b"BW64" if form == b"WAVE" => wav::read(input, wav::Layout::Riff),
        b"RIFF" if form == b"AVI " => avi::read(input),
        b"FORM" if matches!(form, b"AIFF" | b"AIFC") => aiff::read(input),
        b".snd" | b"dns." => au::read(input),
        b"caff" => caf::read(input),
        b"\x1a\x45\xdf\xa3" => matroska::read(input),
        b"OggS" => ogg::read(input),
        b"fLaC" => flac::read(input),
        b"MAC " => ape::read(input),
        b"FLV\x01" => flv::read(input),
        pack if pack == program::PACK => program::read(input),
        _ if head.starts_with(WAVE64) => wav::read(input, wav::Layout::Wave64),
        _ if head.starts_with(&asf::HEADER) => asf::read(input),
        _ if FIRST_BOXES
            .iter()
            .any(|kind| head.get(4..8) == Some(&kind[..])) =>
        {
            mp4::read(input)
        }
        _ => read_stream(input, &head, extension),
    }
}

/// Reads a file that is a sequence of frames or packets.
fn read_stream(input: &mut Input<'_>, head: &[u8], extension: Option<&str>) -> io::Result<Sound> {
    if head.starts_with(b"#!AMR\n") {
        return read_frames(input, speech_frames::AMR, AMR_HEADER);
    }
    if head.starts_with(b"#!AMR-WB\n") {
        return read_frames(input, speech_frames::AMR_WIDE, AMR_WIDE_HEADER);
    }
    if transport::is_transport_stream(head) {
        return transport::read(input);
    }
    if adts::FRAMES.find(head).is_some() {
        return read_frames(input, adts::FRAMES, 0);
    }
    if ac3::FRAMES.find(head).is_some() {
        return read_frames(input, ac3::FRAMES, 0);
    }
    match extension {
        Some("gsm") => read_frames(input, speech_frames::GSM, 0),
        Some("mp3" | "mp2" | "mpga") => mpeg_audio::read(input),
        _ if mpeg_audio::is_audio(head) => mpeg_audio::read(input),
        _ => Ok(Sound::default()),
    }
}

fn read_frames(input: &mut Input<'_>, format: FrameFormat, start: u64) -> io::Result<Sound> {
    let start = skip_tags(input, start)?;
    let end = trim_tags(input, input.len())?;
    let measured = format.measure(input, start, end)?;
    Ok(
        measured.map_or_else(Sound::default, |sound| match sound.is_exact {
            true => Sound::exact(sound.seconds),
            false => Sound::estimated(sound.seconds),
        }),
    )
}
