//! Samples of the sound track in MP4.

use super::Layout;
use super::boxes::{Mp4Box, slices};
use super::chunks::chunks;
use super::fragment_walk::{FragmentWalk, SampleDefaults};
use super::sample_entry::format;
use super::track::{read_child, timescale, track_id};
use crate::media::field::{be16, be32, be64};
use crate::media::input::Input;
use crate::media::payload::Payload;
use std::io;

/// Maximum size of the descriptions of a track.
const MAX_DESCRIPTION_BYTES: usize = 64 * 1024;
/// Time at the start or the end that an edit may leave out, in seconds. Encoders add less.
const MAX_EDIT_S: f64 = 0.25;
/// Flag of data that is in the same file.
const SELF_CONTAINED: u32 = 1;
/// The normal speed of an edit.
const NORMAL_SPEED: u16 = 1;

/// Returns the samples of the only sound track, unless it is cut by edits or encrypted.
pub(in crate::media::container) fn payload(input: &mut Input<'_>) -> io::Result<Option<Payload>> {
    let layout = Layout::read(input)?;
    let Some(index) = layout.index.filter(|_| layout.truncation.is_none()) else {
        return Ok(None);
    };
    let mut sound = Vec::new();
    for child in index.children(input)? {
        if &child.kind == b"trak" && is_sound(input, &child)? {
            sound.push(child);
        }
    }
    let [track] = sound.as_slice() else {
        return Ok(None);
    };
    let Some(table) = track.find(input, &[b"mdia", b"minf", b"stbl"])? else {
        return Ok(None);
    };
    let description = read_child(input, &table, &[b"stsd"], MAX_DESCRIPTION_BYTES)?;
    let (Some(entry), true) = (only_entry(&description), is_here(input, track)?) else {
        return Ok(None);
    };
    let Some(format) = format(entry) else {
        return Ok(None);
    };
    let samples = chunks(input, &table)?;
    if layout.fragments.is_empty() {
        let is_whole = plays_all(input, track, &index)?;
        let samples = samples.filter(|_| is_whole);
        return Ok(samples.map(|samples| Payload::new(format, samples)));
    }
    // A recorder may write the first samples into the index, which then come before the fragments.
    if samples.is_some() {
        return Ok(None);
    }
    let header = read_child(input, track, &[b"tkhd"], 32)?;
    let Some(id) = track_id(&header) else {
        return Ok(None);
    };
    let default_size = default_size(input, &index, id)?;
    let defaults = SampleDefaults {
        track: id,
        size: default_size,
    };
    Ok(Some(Payload::new(format, FragmentWalk::new(defaults))))
}

pub(super) fn is_sound(input: &mut Input<'_>, track: &Mp4Box) -> io::Result<bool> {
    let handler = read_child(input, track, &[b"mdia", b"hdlr"], 16)?;
    Ok(handler.get(8..12) == Some(b"soun"))
}

/// Returns the sample description if there is exactly one.
pub(super) fn only_entry(description: &[u8]) -> Option<&[u8]> {
    (be32(description, 4)? == 1).then(|| description.get(8..))?
}

/// Whether the samples are in this file.
fn is_here(input: &mut Input<'_>, track: &Mp4Box) -> io::Result<bool> {
    let path: &[&[u8; 4]] = &[b"mdia", b"minf", b"dinf", b"dref"];
    let references = read_child(input, track, path, MAX_DESCRIPTION_BYTES)?;
    let entries = slices(references.get(8..).unwrap_or_default());
    let is_here =
        |content: &[u8]| be32(content, 0).is_some_and(|flags| flags & SELF_CONTAINED != 0);
    Ok(entries.into_iter().all(|(_, content)| is_here(content)))
}

/// Whether the edits of a track play all of its samples once, in order.
fn plays_all(input: &mut Input<'_>, track: &Mp4Box, index: &Mp4Box) -> io::Result<bool> {
    let edits = read_child(input, track, &[b"edts", b"elst"], MAX_DESCRIPTION_BYTES)?;
    if edits.is_empty() {
        return Ok(true);
    }
    let movie = read_child(input, index, &[b"mvhd"], 32)?;
    let media = read_child(input, track, &[b"mdia", b"mdhd"], 36)?;
    let scales = timescale(&movie).zip(timescale(&media));
    let all = media_duration(&media).zip(only_edit(&edits)).zip(scales);
    Ok(
        all.is_some_and(|((duration, edit), (movie_scale, media_scale))| {
            let start_s = edit.start as f64 / media_scale;
            let end_s = start_s + edit.duration as f64 / movie_scale;
            start_s < MAX_EDIT_S && end_s + MAX_EDIT_S > duration as f64 / media_scale
        }),
    )
}

/// A part of the media that is played.
struct Edit {
    /// In units of the movie.
    duration: u64,
    /// In units of the media.
    start: u64,
}

/// Returns the edit of the media if there is only one, at normal speed. There may be gaps before it.
fn only_edit(table: &[u8]) -> Option<Edit> {
    let is_long = table.first() == Some(&1);
    let entry_bytes = if is_long { 20 } else { 12 };
    let mut only = None;
    for entry in table.get(8..)?.chunks_exact(entry_bytes) {
        let (duration, start) = match is_long {
            true => (be64(entry, 0)?, be64(entry, 8)? as i64),
            false => (be32(entry, 0)?.into(), i64::from(be32(entry, 4)? as i32)),
        };
        let Ok(start) = u64::try_from(start) else {
            continue;
        };
        if only.is_some() || be16(entry, entry_bytes - 4)? != NORMAL_SPEED {
            return None;
        }
        only = Some(Edit { duration, start });
    }
    only
}

fn media_duration(header: &[u8]) -> Option<u64> {
    match header.first()? {
        1 => be64(header, 24),
        _ => be32(header, 16).map(u64::from),
    }
}

/// Returns the default size of a sample in fragments.
pub(super) fn default_size(
    input: &mut Input<'_>,
    index: &Mp4Box,
    track: u32,
) -> io::Result<Option<u32>> {
    let Some(extends) = index.find(input, &[b"mvex"])? else {
        return Ok(None);
    };
    for child in extends.children(input)? {
        let content = child.content(input, 24)?;
        if &child.kind == b"trex" && be32(&content, 4) == Some(track) {
            return Ok(be32(&content, 16).filter(|size| *size > 0));
        }
    }
    Ok(None)
}
