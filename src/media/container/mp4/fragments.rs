//! Fragments (`moof`) of MP4, as recorders write them so that a crash loses little.

use super::boxes::Mp4Box;
use super::track::SoundTrack;
use crate::media::field::{be32, be64};
use crate::media::input::Input;
use std::io;

/// Maximum size of a run of samples.
const MAX_RUN_BYTES: usize = 256 * 1024;

/// A fragment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fragment {
    /// Its header (`moof`).
    pub(super) header: Mp4Box,
    /// Part of its media data that the file has, from 0 to 1.
    pub(super) share: f64,
}

impl Fragment {
    /// A fragment whose media data is complete.
    pub(super) const fn whole(header: Mp4Box) -> Self {
        Self { header, share: 1.0 }
    }
}

/// Sound of one track in one fragment, in units of time.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct FragmentSound {
    /// Start, if stated.
    start: Option<u64>,
    duration: u64,
}

/// Length of a track in fragments, in seconds. `None` if the fragments hold none of it.
///
/// All fragments are added up if they are small. Otherwise the first and the last one decide, which state when they
/// start.
pub(super) fn seconds(
    input: &mut Input<'_>,
    fragments: &[Fragment],
    track: &SoundTrack,
) -> io::Result<Option<f64>> {
    let bytes: u64 = fragments
        .iter()
        .map(|fragment| fragment.header.end - fragment.header.start)
        .sum();
    let units = match bytes < input.allowance() / 2 {
        true => sum(input, fragments, track)?,
        false => span(input, fragments, track)?,
    };
    Ok(units.map(|units| units as f64 / track.timescale))
}

fn sum(
    input: &mut Input<'_>,
    fragments: &[Fragment],
    track: &SoundTrack,
) -> io::Result<Option<u64>> {
    let mut units = None;
    for fragment in fragments {
        if let Some(sound) = read_fragment(input, fragment, track)? {
            units = Some(units.unwrap_or(0) + sound.duration);
        }
    }
    Ok(units)
}

/// Returns the units between the start of the first fragment and the end of the last one.
fn span(
    input: &mut Input<'_>,
    fragments: &[Fragment],
    track: &SoundTrack,
) -> io::Result<Option<u64>> {
    let mut first = None;
    for fragment in fragments {
        first = read_fragment(input, fragment, track)?.and_then(|sound| sound.start);
        if first.is_some() {
            break;
        }
    }
    for fragment in fragments.iter().rev() {
        let sound = read_fragment(input, fragment, track)?;
        if let (
            Some(first),
            Some(FragmentSound {
                start: Some(start),
                duration,
            }),
        ) = (first, sound)
        {
            return Ok(start
                .checked_add(duration)
                .and_then(|end| end.checked_sub(first)));
        }
    }
    Ok(None)
}

fn read_fragment(
    input: &mut Input<'_>,
    fragment: &Fragment,
    track: &SoundTrack,
) -> io::Result<Option<FragmentSound>> {
    let mut found: Option<FragmentSound> = None;
    for child in fragment.header.children(input)? {
        if &child.kind == b"traf"
            && let Some(sound) = read_track_fragment(input, &child, track)?
        {
            let all = found.get_or_insert_default();
            all.start = all.start.or(sound.start);
            all.duration += sound.duration;
        }
    }
    if let Some(all) = &mut found {
        all.duration = (all.duration as f64 * fragment.share) as u64;
    }
    Ok(found)
}

/// Returns the sound of a track fragment, or `None` if it belongs to another track.
fn read_track_fragment(
    input: &mut Input<'_>,
    fragment: &Mp4Box,
    track: &SoundTrack,
) -> io::Result<Option<FragmentSound>> {
    let (mut sound, mut default) = (FragmentSound::default(), track.default_sample);
    for child in fragment.children(input)? {
        match &child.kind {
            b"tfhd" => {
                let header = child.content(input, 40)?;
                if be32(&header, 4) != Some(track.id) {
                    return Ok(None);
                }
                default = default_duration(&header).unwrap_or(default);
            }
            b"tfdt" => sound.start = decode_time(&child.content(input, 16)?),
            b"trun" => {
                let run = child.content(input, MAX_RUN_BYTES)?;
                sound.duration += run_duration(&run, default).unwrap_or(0);
            }
            _ => {}
        }
    }
    Ok(Some(sound))
}

/// Returns the default duration in a track fragment header, which follows other optional fields.
fn default_duration(header: &[u8]) -> Option<u32> {
    let flags = be32(header, 0)?;
    let base_offset = if flags & 0x1 != 0 { 8 } else { 0 };
    let description = if flags & 0x2 != 0 { 4 } else { 0 };
    (flags & 0x8 != 0).then(|| be32(header, 8 + base_offset + description))?
}

fn decode_time(content: &[u8]) -> Option<u64> {
    match content.first()? {
        1 => be64(content, 4),
        _ => be32(content, 4).map(u64::from),
    }
}

/// Adds up a run of samples.
fn run_duration(run: &[u8], default: u32) -> Option<u64> {
    let (flags, count) = (be32(run, 0)?, be32(run, 4)?);
    if flags & 0x100 == 0 {
        return Some(u64::from(count) * u64::from(default));
    }
    let mut at = 8;
    at += if flags & 0x1 != 0 { 4 } else { 0 };
    at += if flags & 0x4 != 0 { 4 } else { 0 };
    let entry_bytes = 4 * (flags & 0xf00).count_ones() as usize;
    let entries = run
        .get(at..)?
        .chunks_exact(entry_bytes)
        .take(count as usize);
    Some(
        entries
            .filter_map(|entry| be32(entry, 0))
            .map(u64::from)
            .sum(),
    )
}
