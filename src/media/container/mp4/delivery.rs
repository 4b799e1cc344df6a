//! Facts about an MP4 that decide how players get it.

use super::Layout;
use super::boxes::Mp4Box;
use super::payload::{is_sound, only_entry};
use super::track::{Tracks, read_child, timescale};
use crate::media::field::{be32, be64, id};
use crate::media::input::Input;
use std::io;

/// Maximum size of the descriptions and of the edits of a track.
pub(super) const MAX_DESCRIPTION_BYTES: usize = 64 * 1024;
/// Codecs that browsers play: AAC or MP3, MP3, Opus, FLAC.
const PLAYED: [&[u8; 4]; 4] = [b"mp4a", b".mp3", b"Opus", b"fLaC"];

/// Facts about the first sound track.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::media::container) struct Mp4Delivery {
    /// Whether browsers play its codec.
    pub(in crate::media::container) is_played: bool,
    /// Whether the sound lies in fragments.
    pub(in crate::media::container) is_fragmented: bool,
    /// Whether there is a picture.
    pub(in crate::media::container) has_video: bool,
    /// Time before the first sound, in seconds.
    pub(in crate::media::container) sound_start_s: f64,
}

/// Reads the facts. Returns `None` without an index or without a sound track.
pub(in crate::media::container) fn delivery(
    input: &mut Input<'_>,
) -> io::Result<Option<Mp4Delivery>> {
    let layout = Layout::read(input)?;
    let Some(index) = layout.index else {
        return Ok(None);
    };
    let is_fragmented = !layout.fragments.is_empty() || Tracks::read(input, &index)?.is_fragmented;
    let Some(track) = first_sound(input, &index)? else {
        return Ok(None);
    };
    let mut has_video = false;
    for child in index.children(input)? {
        let handler = read_child(input, &child, &[b"mdia", b"hdlr"], 16)?;
        has_video |= &child.kind == b"trak" && handler.get(8..12) == Some(b"vide");
    }
    let description = read_child(
        input,
        &track,
        &[b"mdia", b"minf", b"stbl", b"stsd"],
        MAX_DESCRIPTION_BYTES,
    )?;
    let codec = only_entry(&description).and_then(|entry| id(entry, 4));
    Ok(Some(Mp4Delivery {
        is_played: codec.is_some_and(|codec| PLAYED.contains(&&codec)),
        is_fragmented,
        has_video,
        sound_start_s: gap_s(input, &index, &track)?,
    }))
}

/// Returns the first sound track.
pub(super) fn first_sound(input: &mut Input<'_>, index: &Mp4Box) -> io::Result<Option<Mp4Box>> {
    for child in index.children(input)? {
        if &child.kind == b"trak" && is_sound(input, &child)? {
            return Ok(Some(child));
        }
    }
    Ok(None)
}

/// Returns the gap before the sound, in seconds: the empty edits at the start.
fn gap_s(input: &mut Input<'_>, index: &Mp4Box, track: &Mp4Box) -> io::Result<f64> {
    let movie = read_child(input, index, &[b"mvhd"], 32)?;
    let edits = read_child(input, track, &[b"edts", b"elst"], MAX_DESCRIPTION_BYTES)?;
    let units: u64 = edits_of(&edits)
        .take_while(|edit| edit.start < 0)
        .map(|edit| edit.duration)
        .sum();
    Ok(timescale(&movie).map_or(0.0, |scale| units as f64 / scale))
}

/// An edit, as a list states it.
pub(super) struct ListedEdit {
    /// In units of the movie.
    pub(super) duration: u64,
    /// In units of the media. Negative for a gap.
    pub(super) start: i64,
}

/// Returns the edits in the content of an edit list.
pub(super) fn edits_of(list: &[u8]) -> impl Iterator<Item = ListedEdit> {
    let is_long = list.first() == Some(&1);
    let entries = list.get(8..).unwrap_or_default();
    entries
        .chunks_exact(if is_long { 20 } else { 12 })
        .map_while(move |entry| {
            Some(match is_long {
                true => ListedEdit {
                    duration: be64(entry, 0)?.min(u64::from(u32::MAX)),
                    start: be64(entry, 8)? as i64,
                },
                false => ListedEdit {
                    duration: be32(entry, 0)?.into(),
                    start: i64::from(be32(entry, 4)? as i32),
                },
            })
        })
}
