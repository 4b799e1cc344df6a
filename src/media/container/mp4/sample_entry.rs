//! Description of the samples of a sound track: the codec and its parameters.

use super::boxes::slices;
use crate::media::field::{be16, be32, id};
use crate::media::payload::codec;

/// Size of the header of a box.
const HEADER_BYTES: usize = 8;
/// Offset of the version of QuickTime in an entry.
const VERSION_AT: usize = 16;
/// Size of the fields of an entry, before its boxes.
const FIELD_BYTES: usize = 36;
/// Size of the further fields in the versions 1 and 2 of QuickTime.
const MORE_FIELD_BYTES: [usize; 3] = [0, 16, 36];
/// Offset of the stream information in `dfLa`, after a version and the header of the block.
const FLAC_INFO: usize = 8;

/// Kinds of streams in a decoder configuration.
const AAC: u8 = 0x40;
const MPEG_AUDIO: [u8; 2] = [0x69, 0x6b];

/// Tags of descriptors.
const STREAM: u8 = 3;
const CONFIGURATION: u8 = 4;
const SPECIFIC: u8 = 5;

/// Returns the format of the samples that `entry` describes, which begins with its size. Returns `None` if they are
/// encrypted, or if only the packets say how many channels they have.
pub(super) fn format(entry: &[u8]) -> Option<Vec<u8>> {
    let entry = entry.get(..be32(entry, 0)? as usize)?;
    let kind = id(entry, 4)?;
    let children = || {
        let version = usize::from(be16(entry, VERSION_AT)?);
        let at = FIELD_BYTES + MORE_FIELD_BYTES.get(version)?;
        Some(slices(entry.get(at..)?))
    };
    let child = |wanted: &[u8; 4]| {
        let mut children = children()?.into_iter();
        children
            .find(|(kind, _)| kind == wanted)
            .map(|(_, content)| content)
    };
    match &kind {
        b"enca" | b"drms" => None,
        b"mp4a" => {
            let in_wave = || {
                let mut boxes = slices(child(b"wave")?).into_iter();
                boxes
                    .find(|(kind, _)| kind == b"esds")
                    .map(|(_, content)| content)
            };
            match child(b"esds").or_else(in_wave).and_then(configuration) {
                Some((AAC, specific)) => codec::aac_config(specific),
                Some((stream, _)) if MPEG_AUDIO.contains(&stream) => {
                    Some(codec::named(codec::MPEG_AUDIO))
                }
                _ => Some(private(entry)),
            }
        }
        b".mp3" => Some(codec::named(codec::MPEG_AUDIO)),
        b"Opus" => codec::opus_box(child(b"dOps")?),
        b"fLaC" => codec::flac(child(b"dfLa")?.get(FLAC_INFO..)?),
        b"ac-3" | b"ec-3" => Some(codec::named(codec::AC3)),
        b"samr" => Some(codec::named(codec::AMR)),
        b"sawb" => Some(codec::named(codec::AMR_WIDE)),
        _ => Some(private(entry)),
    }
}

/// An entry as it is. It may state other sizes of samples, so uncompressed sound is equal only if it is described alike.
fn private(entry: &[u8]) -> Vec<u8> {
    codec::private("mp4", &[&entry[HEADER_BYTES - 4..]])
}

/// Returns the kind of the stream, and the configuration of its decoder, in a stream descriptor.
fn configuration(content: &[u8]) -> Option<(u8, &[u8])> {
    let stream = descriptor(content.get(4..)?, STREAM)?;
    let flags = *stream.get(2)?;
    let dependency = if flags & 0x80 != 0 { 2 } else { 0 };
    let clock = if flags & 0x20 != 0 { 2 } else { 0 };
    if flags & 0x40 != 0 {
        // The stream is at an address.
        return None;
    }
    let configuration = descriptor(stream.get(3 + dependency + clock..)?, CONFIGURATION)?;
    let specific = descriptor(configuration.get(13..)?, SPECIFIC);
    Some((*configuration.first()?, specific.unwrap_or_default()))
}

/// Returns the content of the descriptor at the start of `bytes`. Each byte of its size has seven bits.
fn descriptor(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let mut rest = bytes.strip_prefix(&[tag])?;
    let mut size = 0;
    for _ in 0..4 {
        let (byte, after) = rest.split_first()?;
        rest = after;
        size = size << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    rest.get(..size)
}
