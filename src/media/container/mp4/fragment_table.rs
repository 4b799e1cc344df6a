//! One table of the sound in all fragments (`moof`) of an MP4.

use super::boxes::{Mp4Box, slices};
use super::delivery::{MAX_DESCRIPTION_BYTES, edits_of, first_sound};
use super::fragment_walk::{Header, SampleDefaults};
use super::payload::{default_size, only_entry};
use super::track::{SoundTrack, Tracks, read_child};
use crate::media::field::be32;
use crate::media::input::Input;
use crate::media::sample_table::SampleTable;
use std::io;

/// Maximum number of samples in a fragment. An hour of AAC has fewer.
const MAX_FRAGMENT_SAMPLES: usize = 1 << 20;
/// Maximum size of the header of a fragment.
const MAX_FRAGMENT_BYTES: usize = 8 * 1024 * 1024;

/// The sound track whose samples are listed.
struct Listed {
    track: SoundTrack,
    defaults: SampleDefaults,
}

/// Lists the samples of the first sound track in all fragments. Returns `None` if the file has other samples, too, or fragments
/// that cannot be read. `input` delivers the whole file.
///
/// The samples follow each other without gaps, as in a full decode.
///
/// # Errors
/// If the file cannot be read, or has too many samples.
pub(in crate::media) fn fragment_table(input: &mut Input<'_>) -> io::Result<Option<SampleTable>> {
    let (mut at, mut found) = (0, None);
    while let Some(one) = Mp4Box::read(input, at, input.len())? {
        match (&one.kind, &mut found) {
            (b"moov", None) => {
                found = start(input, &one)?;
                if found.is_none() {
                    return Ok(None);
                }
            }
            (b"moof", Some((listed, table))) => {
                let content = one.content(input, MAX_FRAGMENT_BYTES)?;
                if listed
                    .add(&content, one.start, input.len(), table)?
                    .is_none()
                {
                    return Ok(None);
                }
            }
            _ => {}
        }
        at = one.end;
    }
    Ok(found
        .map(|(_, table)| table)
        .filter(|table| !table.sizes.is_empty()))
}

/// Reads the description of the track in the index.
fn start(input: &mut Input<'_>, index: &Mp4Box) -> io::Result<Option<(Listed, SampleTable)>> {
    let Some(found) = first_sound(input, index)? else {
        return Ok(None);
    };
    let path: &[&[u8; 4]] = &[b"mdia", b"minf", b"stbl", b"stsd"];
    let description = read_child(input, &found, path, MAX_DESCRIPTION_BYTES)?;
    let edits = read_child(input, &found, &[b"edts", b"elst"], MAX_DESCRIPTION_BYTES)?;
    let track = Tracks::read(input, index)?.sound.into_iter().next();
    let (Some(track), Some(entry)) = (track, only_entry(&description)) else {
        return Ok(None);
    };
    // Samples in the index come first, and are not in a fragment.
    if track.samples_s > 0.0 {
        return Ok(None);
    }
    let mut table = SampleTable::new(entry.to_vec(), track.timescale as u32);
    let played = edits_of(&edits).find(|edit| edit.start >= 0);
    table.skip = played.map_or(0, |edit| edit.start.unsigned_abs());
    let defaults = SampleDefaults {
        track: track.id,
        size: default_size(input, index, track.id)?,
    };
    Ok(Some((Listed { track, defaults }, table)))
}

impl Listed {
    /// Adds the samples of a fragment at the offset `start` that lie within the first `len` bytes of the file.
    fn add(
        &self,
        content: &[u8],
        start: u64,
        len: u64,
        table: &mut SampleTable,
    ) -> io::Result<Option<()>> {
        let mut is_first = true;
        for (kind, content) in slices(content) {
            if &kind == b"traf" {
                let samples = self.samples(content, start, is_first);
                let Some(samples) = samples else {
                    return Ok(None);
                };
                // A crash cuts off the last fragment.
                let is_there = |at: u64, bytes: u32| at.saturating_add(bytes.into()) <= len;
                let there = samples
                    .into_iter()
                    .take_while(|(at, bytes, _)| is_there(*at, *bytes));
                for (at, bytes, duration) in there {
                    table.push(at, bytes, duration)?;
                }
                is_first = false;
            }
        }
        Ok(Some(()))
    }

    /// Returns the samples of a track fragment: their offsets, sizes and durations. None if it is another track.
    fn samples(&self, content: &[u8], start: u64, is_first: bool) -> Option<Vec<(u64, u32, u32)>> {
        let children = slices(content);
        let (_, header) = children.iter().find(|(kind, _)| kind == b"tfhd")?;
        let mut samples = Vec::new();
        if be32(header, 4)? != self.defaults.track {
            return Some(samples);
        }
        let header = Header::parse(header, self.defaults, start, is_first)?;
        let mut at = header.base;
        for (kind, content) in children {
            match &kind {
                b"trun" => {
                    header.list(content, self.track.default_sample, &mut at, &mut samples)?
                }
                // Encrypted samples.
                b"senc" => return None,
                _ => {}
            }
        }
        Some(samples)
    }
}

impl Header {
    /// Adds the samples of a run. `at` is where it lies if it does not say so, and becomes the offset after it.
    fn list(
        &self,
        content: &[u8],
        default_duration: u32,
        at: &mut u64,
        samples: &mut Vec<(u64, u32, u32)>,
    ) -> Option<()> {
        let (flags, count) = (be32(content, 0)?, be32(content, 4)?);
        let mut next = 8;
        if flags & 0x1 != 0 {
            let offset = be32(content, next)? as i32;
            *at = self.base.checked_add_signed(offset.into())?;
            next += 4;
        }
        next += if flags & 0x4 != 0 { 4 } else { 0 };
        let duration = self.duration.unwrap_or(default_duration);
        // Without fields, a run of any length has no bytes.
        if samples.len().saturating_add(count as usize) > MAX_FRAGMENT_SAMPLES {
            return None;
        }
        for _ in 0..count {
            let mut field = |flag: u32, default: Option<u32>| {
                if flags & flag == 0 {
                    return default;
                }
                next += 4;
                be32(content, next - 4)
            };
            let duration = field(0x100, Some(duration))?;
            let bytes = field(0x200, self.size).filter(|bytes| *bytes > 0)?;
            field(0x400, Some(0))?;
            field(0x800, Some(0))?;
            samples.push((*at, bytes, duration));
            *at = at.checked_add(bytes.into())?;
        }
        Some(())
    }
}
