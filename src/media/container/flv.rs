//! Flash video.

use crate::media::field::{be_any, be32};
use crate::media::input::Input;
use crate::media::sound::Sound;
use std::io;

const AUDIO: u8 = 8;
/// Size of the header of a tag.
const TAG_HEADER: u64 = 11;
/// Size of the number after each tag: the size of the tag.
const BACK_POINTER: u64 = 4;
/// Maximum number of tags that are searched for sound from the start and from the end.
const MAX_TAGS: usize = 2000;

/// A tag.
struct Tag {
    kind: u8,
    bytes: u64,
    time_ms: u32,
}

/// Reads the length from the times of the first and the last sound tag.
pub(super) fn read(input: &mut Input<'_>) -> io::Result<Sound> {
    let header = input.read_at(0, 9)?;
    let Some(start) = be32(&header, 5) else {
        return Ok(Sound::default());
    };
    let first = u64::from(start) + BACK_POINTER;
    let (Some(from), Some(to)) = (first_sound(input, first)?, last_sound(input, first)?) else {
        return Ok(Sound::default());
    };
    let ms = to.saturating_sub(from);
    Ok(if ms > 0 {
        Sound::exact(f64::from(ms) / 1000.0)
    } else {
        Sound::default()
    })
}

fn read_tag(input: &mut Input<'_>, at: u64) -> io::Result<Option<Tag>> {
    Ok(parse_tag(&input.read_at(at, TAG_HEADER as usize)?))
}

fn parse_tag(header: &[u8]) -> Option<Tag> {
    let (&kind, time) = (header.first()?, header.get(4..7)?);
    Some(Tag {
        kind: kind & 0x1f,
        bytes: TAG_HEADER + be_any(header.get(1..4)?),
        // The highest byte follows the other three.
        time_ms: u32::from(*header.get(7)?) << 24 | be_any(time) as u32,
    })
}

fn first_sound(input: &mut Input<'_>, mut at: u64) -> io::Result<Option<u32>> {
    for _ in 0..MAX_TAGS {
        match read_tag(input, at)? {
            Some(tag) if tag.kind == AUDIO => return Ok(Some(tag.time_ms)),
            Some(tag) => at += tag.bytes + BACK_POINTER,
            None => break,
        }
    }
    Ok(None)
}

fn last_sound(input: &mut Input<'_>, first: u64) -> io::Result<Option<u32>> {
    let mut end = complete_end(input, first)?;
    for _ in 0..MAX_TAGS {
        let Some(bytes) = be32(&input.read_at(end.saturating_sub(BACK_POINTER), 4)?, 0) else {
            break;
        };
        let Some(at) = end
            .checked_sub(BACK_POINTER + u64::from(bytes))
            .filter(|at| *at >= first)
        else {
            break;
        };
        match read_tag(input, at)? {
            Some(tag) if tag.kind == AUDIO => return Ok(Some(tag.time_ms)),
            Some(_) => end = at,
            None => break,
        }
    }
    Ok(None)
}

/// Returns the offset after the last complete tag. A recorder that was killed leaves a part of one.
fn complete_end(input: &mut Input<'_>, first: u64) -> io::Result<u64> {
    let len = input.len();
    if is_tag_end(input, len)? {
        return Ok(len);
    }
    let (mut at, mut end) = (first, first);
    while let Some(tag) = read_tag(input, at)? {
        at += tag.bytes + BACK_POINTER;
        if at > len {
            break;
        }
        end = at;
    }
    Ok(end)
}

fn is_tag_end(input: &mut Input<'_>, end: u64) -> io::Result<bool> {
    let pointer = be32(&input.read_at(end.saturating_sub(BACK_POINTER), 4)?, 0).map(u64::from);
    let Some((bytes, at)) =
        pointer.and_then(|bytes| Some((bytes, end.checked_sub(BACK_POINTER + bytes)?)))
    else {
        return Ok(false);
    };
    Ok(read_tag(input, at)?.is_some_and(|tag| tag.bytes == bytes))
}
