//! Blocks of the sound track in Matroska.

use super::cluster::{BLOCK, BLOCK_GROUP, CLUSTER, SIMPLE_BLOCK};
use super::ebml::{Element, elements, float, vint};
use super::{AUDIO, MAX_HEADER_BYTES, SEGMENT, TRACK, TRACK_NUMBER, TRACK_TYPE, TRACKS};
use crate::media::field::be_any;
use crate::media::input::Input;
use crate::media::payload::{Malformed, Payload, Step, Walk, codec};
use std::io;

const EBML: u32 = 0x1a45_dfa3;
const ENCODINGS: u32 = 0x6d80;
const CODEC: u32 = 0x86;
const CODEC_PRIVATE: u32 = 0x63a2;
const AUDIO_SETTINGS: u32 = 0xe1;
const SAMPLING_RATE: u32 = 0xb5;
const CHANNELS: u32 = 0x9f;
const BIT_DEPTH: u32 = 0x6264;
const ENCRYPTED_BLOCK: u32 = 0xaf;

/// Size of the time and the flags of a block, after its track.
const BLOCK_FIELDS: usize = 3;
/// Maximum size of the track number of a block.
const MAX_TRACK_BYTES: u64 = 8;
/// Offset of the stream information in the private data of FLAC.
const FLAC_INFO: usize = 8;

/// Returns the blocks of the only sound track, unless they are encoded again or encrypted.
pub(in crate::media::container) fn payload(input: &mut Input<'_>) -> io::Result<Option<Payload>> {
    let Some(tracks) = find_tracks(input)? else {
        return Ok(None);
    };
    let tracks = elements(&tracks).filter(|(id, _)| *id == TRACK);
    let mut sound = tracks.filter(|(_, track)| number(track, TRACK_TYPE) == Some(AUDIO));
    let (Some((_, track)), None) = (sound.next(), sound.next()) else {
        return Ok(None);
    };
    let is_encoded = field(track, ENCODINGS).is_some();
    let found = number(track, TRACK_NUMBER).zip(format(track));
    Ok(found.filter(|_| !is_encoded).map(|(track, format)| {
        let walk = Blocks {
            track,
            has_sound: false,
        };
        Payload::new(format, walk)
    }))
}

/// Returns the content of the track list.
fn find_tracks(input: &mut Input<'_>) -> io::Result<Option<Vec<u8>>> {
    let mut at = 0;
    while let Some(element) = Element::read(input, at)? {
        at = match (element.id, element.end()) {
            (TRACKS, _) => return element.content(input, MAX_HEADER_BYTES).map(Some),
            (SEGMENT, _) => element.at,
            (CLUSTER, _) | (_, None) => break,
            (_, Some(end)) => end,
        };
    }
    Ok(None)
}

fn field(content: &[u8], wanted: u32) -> Option<&[u8]> {
    let mut found = elements(content).filter(|(id, _)| *id == wanted);
    found.next().map(|(_, content)| content)
}

fn number(content: &[u8], wanted: u32) -> Option<u64> {
    field(content, wanted).map(be_any)
}

fn format(track: &[u8]) -> Option<Vec<u8>> {
    let name = field(track, CODEC)?;
    let private = field(track, CODEC_PRIVATE).unwrap_or_default();
    match name {
        b"A_AAC" => codec::aac_config(private),
        b"A_OPUS" => codec::opus(private),
        b"A_VORBIS" => codec::vorbis_private(private),
        b"A_FLAC" => codec::flac(private.get(FLAC_INFO..)?),
        b"A_MPEG/L1" | b"A_MPEG/L2" | b"A_MPEG/L3" => Some(codec::named(codec::MPEG_AUDIO)),
        b"A_AC3" | b"A_EAC3" => Some(codec::named(codec::AC3)),
        _ => {
            let settings = field(track, AUDIO_SETTINGS)?;
            // Written as a number of four or eight bytes.
            let rate = field(settings, SAMPLING_RATE).and_then(float);
            let parts = [
                name,
                private,
                &rate.unwrap_or_default().to_be_bytes(),
                &number(settings, CHANNELS).unwrap_or(1).to_be_bytes(),
                field(settings, BIT_DEPTH).unwrap_or_default(),
            ];
            Some(codec::private("matroska", &parts))
        }
    }
}

/// The blocks of one track.
#[derive(Clone)]
struct Blocks {
    track: u64,
    has_sound: bool,
}

impl Blocks {
    /// Looks at a block of `size` bytes after a header of `start` bytes.
    fn block(
        &mut self,
        bytes: &[u8],
        start: usize,
        size: u64,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<Step, Malformed> {
        let head = start + size.min(MAX_TRACK_BYTES) as usize;
        if bytes.len() < head {
            return Ok(Step::Need(head));
        }
        let (track, track_bytes) = vint(&bytes[start..]).ok_or(Malformed)?;
        let next = start as u64 + size;
        if track == Some(self.track) {
            let end = usize::try_from(next).map_err(|_| Malformed)?;
            let Some(block) = bytes.get(start + track_bytes..end) else {
                return Ok(Step::Need(end));
            };
            sink(frames(block).ok_or(Malformed)?);
            self.has_sound = true;
        }
        Ok(Step::Advance(next))
    }
}

/// Returns the frames of a block, after the sizes that lacing puts before them.
fn frames(block: &[u8]) -> Option<&[u8]> {
    let (fields, content) = block.split_first_chunk::<BLOCK_FIELDS>()?;
    let lacing = fields[2] >> 1 & 3;
    if lacing == 0 {
        return Some(content);
    }
    let (last, mut rest) = content.split_first()?;
    match lacing {
        1 => {
            for _ in 0..*last {
                let full = rest.iter().position(|byte| *byte != u8::MAX)?;
                rest = rest.get(full + 1..)?;
            }
        }
        3 => {
            for _ in 0..*last {
                let (_, bytes) = vint(rest)?;
                rest = rest.get(bytes..)?;
            }
        }
        // Equal sizes are not stated.
        _ => {}
    }
    Some(rest)
}

impl Walk for Blocks {
    fn step(
        &mut self,
        bytes: &[u8],
        at: u64,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<Step, Malformed> {
        let id_bytes = bytes[0].leading_zeros() as usize + 1;
        let Some(size_start) = bytes.get(id_bytes) else {
            return Ok(Step::Need(id_bytes + 1));
        };
        let header = id_bytes + size_start.leading_zeros() as usize + 1;
        if bytes.len() < header {
            return Ok(Step::Need(header));
        }
        let element = Element::parse(bytes, 0).ok_or(Malformed)?;
        match (element.id, element.end()) {
            (SEGMENT | CLUSTER | BLOCK_GROUP, _) => Ok(Step::Advance(element.at)),
            (SIMPLE_BLOCK | BLOCK, Some(end)) => self.block(bytes, header, end - element.at, sink),
            (ENCRYPTED_BLOCK, _) | (_, None) => Err(Malformed),
            // Another file was appended.
            (EBML, _) if at > 0 => Err(Malformed),
            (_, Some(end)) => Ok(Step::Advance(end)),
        }
    }

    fn is_complete(&self) -> bool {
        self.has_sound
    }

    fn boxed(&self) -> Box<dyn Walk> {
        Box::new(self.clone())
    }
}
