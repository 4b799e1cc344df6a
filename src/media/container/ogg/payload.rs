//! Packets in Ogg, without the pages and the comments.

use super::codec::{SoundCodec, is_picture};
use super::page::{MAX_PAGE_BYTES, Page, pages};
use crate::media::field::be16;
use crate::media::id3::skip_id3v2;
use crate::media::input::Input;
use crate::media::payload::{Malformed, Payload, Step, Walk, codec};
use std::io;

/// Bytes that contain the first pages of all streams.
const HEAD_BYTES: usize = 16 * 1024;
/// Bytes of a page header before its segment table.
const FIXED_BYTES: usize = 27;
/// Size of a segment that does not end a packet.
const FULL_SEGMENT: u8 = 255;
/// Size of the prefix of FLAC in Ogg, before the header of the stream information.
const FLAC_PREFIX: usize = 9;
/// Offset of the stream information in its block, with the mark of FLAC before it.
const FLAC_INFO: usize = FLAC_PREFIX + 8;

/// Returns the packets of the only sound stream. A chain of streams has none.
pub(in crate::media::container) fn payload(input: &mut Input<'_>) -> io::Result<Option<Payload>> {
    let start = skip_id3v2(input, 0)?;
    let head = input.read_at(start, HEAD_BYTES)?;
    let mut found = None;
    for (at, page) in pages(&head).take_while(|(_, page)| page.is_first) {
        let content = head.get(at + page.header_bytes..at + page.bytes);
        let content = content.unwrap_or_default();
        let is_sound = SoundCodec::parse(content).is_some();
        // Another stream may be sound in a codec that is unknown here.
        if is_sound && found.is_some() || !is_sound && !is_picture(content) {
            return Ok(None);
        }
        found = found.or_else(|| is_sound.then(|| (page.serial, content.to_vec())));
    }
    let Some((serial, first)) = found else {
        return Ok(None);
    };
    Ok(headers(&first).map(|(format, headers, kept)| {
        let walk = OggPackets {
            start,
            serial,
            headers,
            kept,
            packet: 0,
            has_data: false,
        };
        Payload::new(format, walk)
    }))
}

/// Returns the format, the number of header packets and those of them that belong to the sound.
fn headers(first: &[u8]) -> Option<(Vec<u8>, u64, &'static [u64])> {
    if first.starts_with(b"OpusHead") {
        return Some((codec::opus(first)?, 2, &[]));
    }
    if first.starts_with(b"\x01vorbis") {
        return Some((codec::named(codec::VORBIS), 3, &[0, 2]));
    }
    if first.starts_with(b"\x7fFLAC") {
        // Zero means unknown.
        let more = be16(first, 7).filter(|more| *more > 0)?;
        let format = codec::flac(first.get(FLAC_INFO..)?)?;
        return Some((format, 1 + u64::from(more), &[]));
    }
    if first.starts_with(b"Speex   ") {
        let extra = crate::media::field::le32(first, 68)?;
        return Some((codec::private("speex", &[first]), 2 + u64::from(extra), &[]));
    }
    None
}

/// The packets of one stream.
#[derive(Clone)]
struct OggPackets {
    /// Offset of the first page.
    start: u64,
    serial: u32,
    /// Number of header packets.
    headers: u64,
    /// Numbers of the header packets that are passed on.
    kept: &'static [u64],
    /// Number of packets that have ended.
    packet: u64,
    /// Whether a page after the first ones of the streams was read.
    has_data: bool,
}

impl OggPackets {
    /// Passes on the parts of the packets on a page.
    fn page(&mut self, segments: &[u8], content: &[u8], sink: &mut dyn FnMut(&[u8])) {
        let (mut from, mut to) = (0, 0);
        for segment in segments {
            to += usize::from(*segment);
            if *segment == FULL_SEGMENT {
                continue;
            }
            self.pass_on(&content[from..to], sink);
            self.packet += 1;
            from = to;
        }
        self.pass_on(&content[from..to], sink);
    }

    fn pass_on(&self, part: &[u8], sink: &mut dyn FnMut(&[u8])) {
        if self.packet >= self.headers || self.kept.contains(&self.packet) {
            sink(part);
        }
    }
}

impl Walk for OggPackets {
    fn step(
        &mut self,
        bytes: &[u8],
        at: u64,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<Step, Malformed> {
        if at < self.start {
            return Ok(Step::Advance(self.start - at));
        }
        let Some(&segments) = bytes.get(FIXED_BYTES - 1) else {
            return Ok(Step::Need(FIXED_BYTES));
        };
        let header_bytes = FIXED_BYTES + usize::from(segments);
        if bytes.len() < header_bytes {
            return Ok(Step::Need(header_bytes));
        }
        let page = Page::parse(bytes).ok_or(Malformed)?;
        let Some(whole) = bytes.get(..page.bytes) else {
            return Ok(Step::Need(page.bytes.min(MAX_PAGE_BYTES)));
        };
        if page.is_first && self.has_data {
            // Another link of a chain.
            return Err(Malformed);
        }
        self.has_data |= !page.is_first;
        if page.serial == self.serial {
            let (header, content) = whole.split_at(header_bytes);
            self.page(&header[FIXED_BYTES..], content, sink);
        }
        Ok(Step::Advance(page.bytes as u64))
    }

    fn is_complete(&self) -> bool {
        self.packet > self.headers
    }

    fn boxed(&self) -> Box<dyn Walk> {
        Box::new(self.clone())
    }
}
