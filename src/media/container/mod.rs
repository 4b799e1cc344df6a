//! Containers: where the sound of a recording lies, and how long it is.
//!
//! Each module reads one family of containers, and only the fields that tell the length. The sound track decides, not the
//! container. A header that contradicts the file does not decide either: streaming recorders leave placeholders, and
//! broken copies end early.
//!
//! The functions `payload` tell where the encoded sound lies, so that it can be hashed without tags and the container. They
//! return nothing if the container may not be what it seems.

mod ac3;
pub(super) mod adts;
mod aiff;
mod ape;
mod asf;
mod au;
mod avi;
mod caf;
pub(super) mod delivery;
mod flac;
mod flv;
mod kind;
mod matroska;
pub(super) mod mp4;
mod mpeg;
pub(super) mod mpeg_audio;
mod ogg;
mod placeholder;
mod speech_frames;
#[cfg(test)]
mod tests;
mod wav;
mod wave_format;

use super::frames::FrameFormat;
use super::id3::{skip_tags, trim_tags};
use super::input::Input;
use super::payload::{Payload, codec};
use super::sound::Sound;
use kind::Kind;
use mpeg::{program, transport};
use std::io;

/// Size of the signature of AMR.
const AMR_HEADER: u64 = 6;
/// Size of the signature of wideband AMR.
const AMR_WIDE_HEADER: u64 = 9;

/// Reads the sound of a recording. `extension` is in lower case, and tells formats without a signature.
///
/// # Errors
/// If the file cannot be read. A malformed container is a sound of unknown length.
pub(super) fn read(input: &mut Input<'_>, extension: Option<&str>) -> io::Result<Sound> {
    match Kind::detect(input, extension)? {
        Kind::Riff => wav::read(input, wav::Layout::Riff),
        Kind::Wave64 => wav::read(input, wav::Layout::Wave64),
        Kind::Avi => avi::read(input),
        Kind::Aiff => aiff::read(input),
        Kind::Au => au::read(input),
        Kind::Caf => caf::read(input),
        Kind::Matroska => matroska::read(input),
        Kind::Ogg => ogg::read(input),
        Kind::Flac => flac::read(input),
        Kind::Ape => ape::read(input),
        Kind::Flash => flv::read(input),
        Kind::ProgramStream => program::read(input),
        Kind::TransportStream => transport::read(input),
        Kind::WindowsMedia => asf::read(input),
        Kind::Mp4 => mp4::read(input),
        Kind::Amr => read_frames(input, speech_frames::AMR, AMR_HEADER),
        Kind::AmrWide => read_frames(input, speech_frames::AMR_WIDE, AMR_WIDE_HEADER),
        Kind::Gsm => read_frames(input, speech_frames::GSM, 0),
        Kind::Adts => read_frames(input, adts::FRAMES, 0),
        Kind::Ac3 => read_frames(input, ac3::FRAMES, 0),
        Kind::MpegAudio => mpeg_audio::read(input),
        Kind::Unknown => Ok(Sound::default()),
    }
}

/// Returns where the encoded sound of a recording lies. Returns `None` if that is unknown or uncertain.
///
/// # Errors
/// If the file cannot be read.
pub(super) fn payload(
    input: &mut Input<'_>,
    extension: Option<&str>,
) -> io::Result<Option<Payload>> {
    match Kind::detect(input, extension)? {
        Kind::Riff => wav::payload(input, wav::Layout::Riff),
        Kind::Wave64 => wav::payload(input, wav::Layout::Wave64),
        Kind::Aiff => aiff::payload(input),
        Kind::Au => au::payload(input),
        Kind::Caf => caf::payload(input),
        Kind::Matroska => matroska::payload(input),
        Kind::Ogg => ogg::payload(input),
        Kind::Flac => flac::payload(input),
        Kind::WindowsMedia => asf::payload(input),
        Kind::Mp4 => mp4::payload(input),
        Kind::Adts => adts::payload(input),
        Kind::MpegAudio => mpeg_audio::payload(input),
        Kind::Ape => between_tags(input, "ape", 0),
        Kind::Amr => between_tags(input, codec::AMR, AMR_HEADER),
        Kind::AmrWide => between_tags(input, codec::AMR_WIDE, AMR_WIDE_HEADER),
        Kind::Gsm => between_tags(input, "gsm", 0),
        Kind::Ac3 => between_tags(input, codec::AC3, 0),
        Kind::Avi | Kind::Flash | Kind::ProgramStream | Kind::TransportStream | Kind::Unknown => {
            Ok(None)
        }
    }
}

/// Returns the bytes between the tags at the start and those at the end, after a signature.
fn between_tags(
    input: &mut Input<'_>,
    format: &str,
    signature: u64,
) -> io::Result<Option<Payload>> {
    let start = skip_tags(input, signature)?;
    let end = trim_tags(input, input.len())?;
    Ok(Payload::of_range(codec::named(format), start..end))
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
