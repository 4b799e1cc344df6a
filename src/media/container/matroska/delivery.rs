//! Facts about Matroska and WebM that decide how players get it.

use super::ebml::{Element, elements};
use super::{AUDIO, CLUSTER, MAX_HEADER_BYTES, SEGMENT, Segment, TRACK, TRACK_TYPE, TRACKS};
use super::{first_sound, list_clusters};
use crate::media::field::be_any;
use crate::media::input::Input;
use std::io;

const DOCUMENT_TYPE: u32 = 0x4282;
const CODEC: u32 = 0x86;
const CUES: u32 = 0x1c53_bb6b;
const SEEK_HEAD: u32 = 0x114d_9b74;
const SEEK: u32 = 0x4dbb;
const SEEK_ID: u32 = 0x53ab;
const VIDEO: u64 = 1;

/// Facts about the first sound track.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(in crate::media::container) struct MatroskaDelivery {
    /// Whether it is WebM with a codec that browsers play, and with an index.
    pub(in crate::media::container) is_played: bool,
    /// Whether there is a picture.
    pub(in crate::media::container) has_video: bool,
    /// Time of the first sound, in seconds.
    pub(in crate::media::container) sound_start_s: f64,
}

/// Reads the facts.
pub(in crate::media::container) fn delivery(input: &mut Input<'_>) -> io::Result<MatroskaDelivery> {
    let mut facts = MatroskaDelivery::default();
    let Some(head) = Element::read(input, 0)? else {
        return Ok(facts);
    };
    let document = head.content(input, MAX_HEADER_BYTES)?;
    let is_webm =
        elements(&document).any(|(id, content)| id == DOCUMENT_TYPE && content == b"webm");
    let root = match head.end() {
        Some(end) => Element::read(input, end)?.filter(|root| root.id == SEGMENT),
        None => None,
    };
    let Some(root) = root else {
        return Ok(facts);
    };
    let (mut at, mut has_cues, mut is_codec_played) = (root.at, false, false);
    while let Some(element) = Element::read(input, at)? {
        match element.id {
            CUES => has_cues = true,
            SEEK_HEAD => has_cues |= lists_cues(&element.content(input, MAX_HEADER_BYTES)?),
            TRACKS => {
                let tracks = element.content(input, MAX_HEADER_BYTES)?;
                facts.has_video |= tracks_of(&tracks, VIDEO).next().is_some();
                is_codec_played = tracks_of(&tracks, AUDIO).next().is_some_and(is_played);
            }
            CLUSTER => break,
            _ => {}
        }
        match element.end() {
            Some(end) => at = end,
            None => break,
        }
    }
    facts.is_played = is_webm && has_cues && is_codec_played;
    if facts.is_played && facts.has_video {
        facts.sound_start_s = sound_start_s(input, root.at)?.unwrap_or(0.0);
    }
    Ok(facts)
}

/// Whether an index of the top level lists cues.
fn lists_cues(content: &[u8]) -> bool {
    elements(content)
        .filter(|(id, _)| *id == SEEK)
        .flat_map(|(_, seek)| elements(seek))
        .any(|(id, content)| id == SEEK_ID && content == CUES.to_be_bytes())
}

/// Returns the tracks of a kind.
fn tracks_of(tracks: &[u8], kind: u64) -> impl Iterator<Item = &[u8]> {
    elements(tracks)
        .filter(|(id, _)| *id == TRACK)
        .map(|(_, track)| track)
        .filter(move |track| elements(track).any(|(id, of)| id == TRACK_TYPE && be_any(of) == kind))
}

fn is_played(track: &[u8]) -> bool {
    elements(track).any(|(id, codec)| id == CODEC && matches!(codec, b"A_OPUS" | b"A_VORBIS"))
}

fn sound_start_s(input: &mut Input<'_>, at: u64) -> io::Result<Option<f64>> {
    let segment = Segment::read(input, at)?;
    let (Some(track), Some(first)) = (segment.sound_track, segment.first_cluster) else {
        return Ok(None);
    };
    let clusters = list_clusters(input, first)?;
    let sound = first_sound(input, &clusters, track)?;
    Ok(sound.map(|sound| sound.first as f64 * segment.unit_s))
}
