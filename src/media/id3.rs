//! Tags before and after sound that has no container: ID3, APE and Lyrics3.

use super::field::{id, le32, syncsafe32};
use super::input::Input;
use std::io;

/// Size of the header of an ID3v2 tag.
const ID3V2_HEADER: u64 = 10;
/// Size of an ID3v1 tag.
const ID3V1_BYTES: u64 = 128;
/// Size of the header and of the footer of an APE tag.
const APE_HEADER: u64 = 32;
/// Size of the mark at the end of a Lyrics3 tag, with the number before it.
const LYRICS_FOOTER: u64 = 15;
/// Maximum number of tags in a row.
const MAX_TAGS: usize = 16;

/// Returns the offset after the tags at `at`.
pub(super) fn skip_tags(input: &mut Input<'_>, mut at: u64) -> io::Result<u64> {
    for _ in 0..MAX_TAGS {
        let head = input.read_at(at, APE_HEADER as usize)?;
        match leading_tag(&head) {
            Some(bytes) => at = at.saturating_add(bytes),
            None => break,
        }
    }
    Ok(at)
}

/// Returns the offset after the ID3v2 tags at `at`.
pub(super) fn skip_id3v2(input: &mut Input<'_>, mut at: u64) -> io::Result<u64> {
    for _ in 0..MAX_TAGS {
        match id3v2(&input.read_at(at, ID3V2_HEADER as usize)?) {
            Some(bytes) => at += bytes,
            None => break,
        }
    }
    Ok(at)
}

/// Returns the size of the tag at the start of `head`.
fn leading_tag(head: &[u8]) -> Option<u64> {
    if head.starts_with(b"APETAGEX") {
        return Some(APE_HEADER + u64::from(le32(head, 12)?));
    }
    if head.starts_with(b"TAG") {
        return Some(ID3V1_BYTES);
    }
    id3v2(head)
}

fn id3v2(head: &[u8]) -> Option<u64> {
    if !head.starts_with(b"ID3") {
        return None;
    }
    let has_footer = head.get(5)? & 0x10 != 0;
    let footer = if has_footer { ID3V2_HEADER } else { 0 };
    Some(ID3V2_HEADER + u64::from(syncsafe32(head, 6)?) + footer)
}

/// Returns the offset of the tags that end at `end`, or `end` if there are none.
pub(super) fn trim_tags(input: &mut Input<'_>, mut end: u64) -> io::Result<u64> {
    for _ in 0..MAX_TAGS {
        let from = end.saturating_sub(ID3V1_BYTES);
        let tail = input.read_at(from, usize::try_from(end - from).unwrap_or(0))?;
        match trailing_tag(&tail) {
            Some(bytes) if bytes <= end => end -= bytes,
            _ => break,
        }
    }
    Ok(end)
}

/// Returns the size of the tag at the end of `tail`.
fn trailing_tag(tail: &[u8]) -> Option<u64> {
    let footer = |bytes: u64| tail.len().checked_sub(bytes as usize);
    if tail.len() as u64 == ID3V1_BYTES && tail.starts_with(b"TAG") {
        return Some(ID3V1_BYTES);
    }
    if let Some(at) = footer(APE_HEADER)
        && tail[at..].starts_with(b"APETAGEX")
    {
        let has_header = le32(tail, at + 20)? & 0x8000_0000 != 0;
        let header = if has_header { APE_HEADER } else { 0 };
        return Some(u64::from(le32(tail, at + 12)?) + header);
    }
    let at = footer(LYRICS_FOOTER)?;
    let digits = std::str::from_utf8(tail.get(at..at + 6)?).ok()?;
    let is_lyrics = id(tail, at + 6)? == *b"LYRI" && tail.ends_with(b"LYRICS200");
    is_lyrics.then_some(digits.parse::<u64>().ok()? + LYRICS_FOOTER)
}
