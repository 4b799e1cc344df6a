//! Ways to give a recording to a player, by its container.

use super::kind::Kind;
use super::{matroska, mp4, wav};
use crate::media::input::Input;
use std::io;

/// A way to give a recording to a player, so that the player's time is that of a full decode.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::media) enum Way {
    /// As it is, because browsers seek in it exactly.
    AsItIs {
        /// Content type.
        content_type: &'static str,
        /// Player's time of the first sound, in seconds.
        sound_start_s: f64,
    },
    /// The untouched file with an index in front of it.
    Indexed(IndexedSound),
    /// A copy of its sound track in another container, made by ffmpeg.
    Copied,
    /// Uncompressed sound, decoded on demand.
    Decoded,
}

/// Sound whose packets can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) enum IndexedSound {
    /// MP3 without a container.
    Mp3,
    /// AAC in ADTS frames.
    Adts,
    /// The fragments of an MP4.
    Fragments,
}

/// Returns the ways that a container allows, the best one first. `extension` is in lower case.
///
/// # Errors
/// If the file cannot be read.
pub(in crate::media) fn ways(
    input: &mut Input<'_>,
    extension: Option<&str>,
) -> io::Result<Vec<Way>> {
    let as_it_is = |content_type| Way::AsItIs {
        content_type,
        sound_start_s: 0.0,
    };
    Ok(match Kind::detect(input, extension)? {
        Kind::Riff if wav::is_sampled(input)? => vec![as_it_is("audio/wav")],
        Kind::Flac => vec![as_it_is("audio/flac")],
        Kind::Mp4 => mp4_ways(input)?,
        Kind::Matroska => matroska_ways(input)?,
        Kind::MpegAudio => vec![Way::Indexed(IndexedSound::Mp3), Way::Decoded],
        Kind::Adts => vec![Way::Indexed(IndexedSound::Adts), Way::Copied],
        Kind::Ogg => vec![Way::Copied, Way::Decoded],
        Kind::Riff | Kind::Wave64 | Kind::Aiff | Kind::Caf => vec![Way::Decoded],
        Kind::Avi | Kind::Flash | Kind::ProgramStream | Kind::TransportStream => {
            vec![Way::Copied]
        }
        Kind::Au
        | Kind::Ape
        | Kind::WindowsMedia
        | Kind::Amr
        | Kind::AmrWide
        | Kind::Gsm
        | Kind::Ac3
        | Kind::Unknown => vec![],
    })
}

fn mp4_ways(input: &mut Input<'_>) -> io::Result<Vec<Way>> {
    let Some(facts) = mp4::delivery(input)? else {
        return Ok(vec![]);
    };
    let content_type = match facts.has_video {
        true => "video/mp4",
        false => "audio/mp4",
    };
    let way = match (facts.is_played, facts.is_fragmented) {
        (true, true) => Way::Indexed(IndexedSound::Fragments),
        (true, false) => Way::AsItIs {
            content_type,
            // Players leave out a gap that nothing fills.
            sound_start_s: if facts.has_video {
                facts.sound_start_s
            } else {
                0.0
            },
        },
        (false, _) => Way::Decoded,
    };
    Ok(match facts.is_fragmented {
        true => vec![way, Way::Copied],
        false => vec![way],
    })
}

fn matroska_ways(input: &mut Input<'_>) -> io::Result<Vec<Way>> {
    let facts = matroska::delivery(input)?;
    let content_type = match facts.has_video {
        true => "video/webm",
        false => "audio/webm",
    };
    Ok(match facts.is_played {
        true => vec![Way::AsItIs {
            content_type,
            sound_start_s: facts.sound_start_s,
        }],
        false => vec![Way::Copied, Way::Decoded],
    })
}
