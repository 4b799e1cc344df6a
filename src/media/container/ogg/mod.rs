//! Ogg: Vorbis, Opus, Speex and FLAC, alone, beside video, and in chains.
//!
//! - `page`: the pages that the container consists of
//! - `codec`: units of positions
//! - `timeline`: length of a sequence of pages
//! - [`payload`](payload()): the packets of the sound

mod codec;
mod page;
mod payload;
mod timeline;

pub(super) use payload::payload;

use crate::media::id3::skip_id3v2;
use crate::media::input::Input;
use crate::media::search::last_in;
use crate::media::sound::Sound;
use page::{MAX_PAGE_BYTES, Page, pages};
use std::io;
use std::ops::Range;
use timeline::Timeline;

/// Size up to which a file is read as a whole.
const SMALL_FILE: u64 = 512 * 1024;
/// Bytes at the start of a large file that are read. They contain several pages of each stream.
const HEAD_BYTES: usize = 96 * 1024;
/// Bytes that are searched for one page in between.
const PROBE_BYTES: usize = 2 * LARGE_PAGE;
/// Mean size of pages from which the headers of all of them are a small part of the file.
const LARGE_PAGE: usize = 8 * 1024;
/// Bytes of a large page that are read: its header and the start of a first packet.
const PAGE_START_BYTES: usize = 27 + 255 + 64;
/// Number of probes that look for the links of a chain.
const PROBES: u64 = 16;

/// A page in the middle of a file.
#[derive(Debug, Clone, Copy)]
struct Probe {
    at: u64,
    serial: u32,
    position: u64,
}

/// Reads the length from the positions of pages.
pub(super) fn read(input: &mut Input<'_>) -> io::Result<Sound> {
    let start = skip_id3v2(input, 0)?;
    let mut timeline = Timeline::default();
    if input.len() <= SMALL_FILE {
        let bytes = input.read_at(start, SMALL_FILE as usize)?;
        push_all(&mut timeline, &bytes, start..input.len());
        return Ok(sound(&timeline));
    }
    let head = input.read_at(start, HEAD_BYTES)?;
    if pages(&head).count() < head.len() / LARGE_PAGE {
        return walk(input, start);
    }
    push_all(&mut timeline, &head, start..input.len());
    let mut boundaries = Vec::new();
    if timeline.has_sound() {
        find_boundaries(input, &timeline, start, &mut boundaries)?;
    }
    for (from, to) in boundaries {
        let bytes = (to - from) as usize + MAX_PAGE_BYTES;
        push_all(
            &mut timeline,
            &input.read_at(from, bytes)?,
            from..input.len(),
        );
    }
    let (from, end) = (start + head.len() as u64, input.len());
    let tail = last_in(input, from.min(end), end, |bytes, at| {
        let is_last = |(offset, page): (usize, Page)| {
            page.position.is_some()
                && timeline.is_sound(page.serial)
                && page.is_whole(at + offset as u64, end)
        };
        pages(bytes).any(is_last).then(|| (at, bytes.to_vec()))
    })?;
    if let Some((at, bytes)) = tail {
        push_all(&mut timeline, &bytes, at..end);
    }
    Ok(sound(&timeline))
}

fn sound(timeline: &Timeline) -> Sound {
    if timeline.has_only_pictures() {
        return Sound::silent("it has no sound track");
    }
    match timeline.has_sound() {
        true => Sound::exact(timeline.seconds()),
        false => Sound::default(),
    }
}

/// Reads the header of every page.
fn walk(input: &mut Input<'_>, mut at: u64) -> io::Result<Sound> {
    let mut timeline = Timeline::default();
    loop {
        let bytes = input.read_at(at, PAGE_START_BYTES)?;
        let page = Page::parse(&bytes).filter(|page| page.is_whole(at, input.len()));
        let Some(page) = page else {
            return Ok(sound(&timeline));
        };
        timeline.push(&page, bytes.get(page.header_bytes..).unwrap_or_default());
        at += page.bytes as u64;
    }
}

/// Adds the pages in `bytes`, which lie at the start of `range`. The range ends with the file. A page that is cut off at
/// the end of the file is not decoded.
fn push_all(timeline: &mut Timeline, bytes: &[u8], range: Range<u64>) {
    for (at, page) in pages(bytes) {
        if !page.is_whole(range.start + at as u64, range.end) {
            continue;
        }
        let content = bytes.get(at + page.header_bytes..).unwrap_or_default();
        timeline.push(&page, content);
    }
}

/// Finds the ranges in which one link of a chain ends and the next one begins.
fn find_boundaries(
    input: &mut Input<'_>,
    timeline: &Timeline,
    start: u64,
    boundaries: &mut Vec<(u64, u64)>,
) -> io::Result<()> {
    let end = input.len().saturating_sub(MAX_PAGE_BYTES as u64);
    let step = (end.saturating_sub(start) / PROBES).max(1);
    let mut before: Option<Probe> = None;
    for number in 0..=PROBES {
        let Some(probe) = probe(input, timeline, start + number * step)? else {
            continue;
        };
        if let Some(before) = before {
            bisect(input, timeline, before, probe, boundaries)?;
        }
        before = Some(probe);
    }
    Ok(())
}

/// Adds the boundaries between two probes, in order.
fn bisect(
    input: &mut Input<'_>,
    timeline: &Timeline,
    before: Probe,
    after: Probe,
    boundaries: &mut Vec<(u64, u64)>,
) -> io::Result<()> {
    if before.serial == after.serial && before.position <= after.position {
        return Ok(());
    }
    if after.at - before.at <= MAX_PAGE_BYTES as u64 {
        boundaries.push((before.at, after.at));
        return Ok(());
    }
    let Some(middle) = probe(input, timeline, before.at.midpoint(after.at))? else {
        return Ok(());
    };
    bisect(input, timeline, before, middle, boundaries)?;
    bisect(input, timeline, middle, after, boundaries)
}

/// Returns the first page of sound after an offset.
fn probe(input: &mut Input<'_>, timeline: &Timeline, at: u64) -> io::Result<Option<Probe>> {
    let bytes = input.read_at(at, PROBE_BYTES)?;
    let found = pages(&bytes).find_map(|(_, page)| {
        let position = page.position.filter(|_| !timeline.is_other(page.serial))?;
        Some(Probe {
            at,
            serial: page.serial,
            position,
        })
    });
    Ok(found)
}
