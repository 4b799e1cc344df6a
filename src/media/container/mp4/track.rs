//! Sound tracks in the index (`moov`) of MP4.

use super::boxes::Mp4Box;
use crate::media::field::{be32, be64};
use crate::media::input::Input;
use std::io;

/// Maximum size of a table of sample durations or edits. Most have one entry of eight bytes.
const MAX_TABLE_BYTES: usize = 256 * 1024;

/// A sound track.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SoundTrack {
    /// Track number, to which fragments refer.
    pub(super) id: u32,
    /// Units of time in a second.
    pub(super) timescale: f64,
    /// Length of the samples in the index, in seconds.
    pub(super) samples_s: f64,
    /// Length of the parts that are played, in seconds. `None` if all samples are.
    pub(super) edited_s: Option<f64>,
    /// Default duration of a sample in a fragment, in units of time.
    pub(super) default_sample: u32,
}

/// Tracks of an index.
#[derive(Debug, Default)]
pub(super) struct Tracks {
    /// Sound tracks.
    pub(super) sound: Vec<SoundTrack>,
    /// Number of tracks of any kind.
    pub(super) total: usize,
    /// Whether fragments follow.
    pub(super) is_fragmented: bool,
}

impl Tracks {
    /// Reads the tracks of an index.
    pub(super) fn read(input: &mut Input<'_>, index: &Mp4Box) -> io::Result<Self> {
        let children = index.children(input)?;
        let mut tracks = Self::default();
        let mut movie_timescale = 0.0;
        for child in &children {
            match &child.kind {
                b"mvhd" => movie_timescale = timescale(&child.content(input, 32)?).unwrap_or(0.0),
                b"mvex" => tracks.is_fragmented = true,
                _ => {}
            }
        }
        for track in children.iter().filter(|child| &child.kind == b"trak") {
            tracks.total += 1;
            tracks
                .sound
                .extend(read_track(input, track, movie_timescale)?);
        }
        for extends in children.iter().filter(|child| &child.kind == b"mvex") {
            tracks.read_defaults(input, extends)?;
        }
        Ok(tracks)
    }

    /// Reads the default durations of fragment samples.
    fn read_defaults(&mut self, input: &mut Input<'_>, extends: &Mp4Box) -> io::Result<()> {
        for child in extends.children(input)? {
            if &child.kind != b"trex" {
                continue;
            }
            let content = child.content(input, 24)?;
            let track = self
                .sound
                .iter_mut()
                .find(|track| Some(track.id) == be32(&content, 4));
            if let (Some(track), Some(duration)) = (track, be32(&content, 12)) {
                track.default_sample = duration;
            }
        }
        Ok(())
    }
}

/// Returns a track if it is one of sound.
fn read_track(
    input: &mut Input<'_>,
    track: &Mp4Box,
    movie_timescale: f64,
) -> io::Result<Option<SoundTrack>> {
    let Some(media) = track.find(input, &[b"mdia"])? else {
        return Ok(None);
    };
    let handler = read_child(input, &media, &[b"hdlr"], 16)?;
    if handler.get(8..12) != Some(b"soun") {
        return Ok(None);
    }
    let header = read_child(input, track, &[b"tkhd"], 32)?;
    let media_header = read_child(input, &media, &[b"mdhd"], 32)?;
    let times = read_child(input, &media, &[b"minf", b"stbl", b"stts"], MAX_TABLE_BYTES)?;
    let edits = read_child(input, track, &[b"edts", b"elst"], MAX_TABLE_BYTES)?;
    let Some(timescale) = timescale(&media_header) else {
        return Ok(None);
    };
    let samples_s = sum_of_samples(&times) / timescale;
    Ok(Some(SoundTrack {
        id: track_id(&header).unwrap_or(0),
        timescale,
        samples_s,
        edited_s: edited_seconds(&edits, samples_s, timescale, movie_timescale),
        default_sample: 0,
    }))
}

/// Reads the content of a box below `parent`. It is empty if there is none.
pub(super) fn read_child(
    input: &mut Input<'_>,
    parent: &Mp4Box,
    path: &[&[u8; 4]],
    max: usize,
) -> io::Result<Vec<u8>> {
    match parent.find(input, path)? {
        Some(found) => found.content(input, max),
        None => Ok(Vec::new()),
    }
}

/// Returns the units of time in a second, from a movie or media header.
pub(super) fn timescale(header: &[u8]) -> Option<f64> {
    let at = if header.first() == Some(&1) { 20 } else { 12 };
    be32(header, at).filter(|scale| *scale > 0).map(f64::from)
}

/// Returns the number of a track, from its header.
pub(super) fn track_id(header: &[u8]) -> Option<u32> {
    be32(header, if header.first() == Some(&1) { 20 } else { 12 })
}

/// Adds up a table of sample durations. An entry has a number of samples and the duration of each.
fn sum_of_samples(table: &[u8]) -> f64 {
    let entries = table.get(8..).unwrap_or_default().chunks_exact(8);
    entries
        .filter_map(|entry| Some(f64::from(be32(entry, 0)?) * f64::from(be32(entry, 4)?)))
        .sum()
}

/// Adds up the edits. An edit has a duration in units of the movie, and a start in units of the media, or -1 for a gap.
/// Returns `None` without a stated duration, as in fragmented files.
fn edited_seconds(
    table: &[u8],
    samples_s: f64,
    timescale: f64,
    movie_timescale: f64,
) -> Option<f64> {
    let is_long = table.first() == Some(&1);
    let entry_bytes = if is_long { 20 } else { 12 };
    let mut seconds = 0.0;
    for entry in table.get(8..)?.chunks_exact(entry_bytes) {
        let (duration, start) = match is_long {
            true => (be64(entry, 0)? as f64, be64(entry, 8)? as i64),
            false => (
                f64::from(be32(entry, 0)?),
                i64::from(be32(entry, 4)? as i32),
            ),
        };
        if start >= 0 {
            let rest = (samples_s - start as f64 / timescale).max(0.0);
            seconds += (duration / movie_timescale).min(rest);
        }
    }
    (seconds > 0.0).then_some(seconds)
}
