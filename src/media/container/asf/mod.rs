//! Windows Media (ASF, WMA, WMV).
//!
//! - `packet`: data packets

mod packet;

use crate::media::field::{le32, le64};
use crate::media::input::Input;
use crate::media::payload::{Payload, codec};
use crate::media::sound::{Sound, missing_bytes};
use std::io;

pub(in crate::media::container) const HEADER: [u8; 16] =
    *b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c";
const FILE_PROPERTIES: [u8; 16] =
    *b"\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65";
const STREAM_PROPERTIES: [u8; 16] =
    *b"\x91\x07\xdc\xb7\xb7\xa9\xcf\x11\x8e\xe6\x00\xc0\x0c\x20\x53\x65";
const DATA: [u8; 16] = *b"\x36\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c";
const AUDIO: [u8; 16] = *b"\x40\x9e\x69\xf8\x4d\x5b\xcf\x11\xa8\xfd\x00\x80\x5f\x5c\x44\x2b";

/// Maximum size of the header that is read.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Maximum size of the header whose sound can be told from its tags, which contain pictures.
const MAX_TAGGED_HEADER_BYTES: u64 = 512 * 1024;
/// Number of packets that are searched for sound from the end.
const MAX_PACKETS: u64 = 64;
/// Size of the header of the data object.
const DATA_HEADER: u64 = 50;
/// Units of time in a second: 100 ns.
const UNITS: f64 = 1e7;
/// Fraction of the file that a complete one has at least. Some writers state a size with an index they leave out.
const COMPLETE: f64 = 0.97;

/// The file properties.
struct Properties {
    file_bytes: u64,
    /// Number of data packets, if stated.
    packets: Option<u64>,
    play_units: u64,
    preroll_ms: u64,
    /// Whether the file is a recorded broadcast. Its header then states neither size nor length.
    is_broadcast: bool,
    packet_bytes: u32,
}

/// Reads the length from the time of the last packet with sound, or from the file properties.
pub(in crate::media::container) fn read(input: &mut Input<'_>) -> io::Result<Sound> {
    let head = input.read_at(0, MAX_HEADER_BYTES)?;
    let Some(header_bytes) = le64(&head, 16) else {
        return Ok(Sound::default());
    };
    let (mut properties, mut streams, mut sound) = (None, 0, None);
    for (id, object) in objects(&head, header_bytes) {
        if id == FILE_PROPERTIES {
            properties = Properties::parse(object);
        } else if id == STREAM_PROPERTIES {
            streams += 1;
            sound = sound.or(sound_stream(object));
        }
    }
    let (Some(properties), Some(stream)) = (properties, sound) else {
        return Ok(match streams {
            0 => Sound::default(),
            _ => Sound::silent("it has no sound track"),
        });
    };
    let truncation = properties.truncation(input.len());
    let measured = last_sound(input, header_bytes, &properties, stream)?;
    let sound = match (measured, properties.seconds()) {
        (Some(seconds), _) | (None, Some(seconds)) => Sound::exact(seconds),
        (None, None) => Sound::default(),
    };
    Ok(sound.with_truncation(truncation))
}

/// Returns the data packets of all streams. They are not taken apart, so a recording is equal only within this container.
pub(in crate::media::container) fn payload(input: &mut Input<'_>) -> io::Result<Option<Payload>> {
    let start = input.read_at(0, 24)?;
    let Some(header_bytes) = le64(&start, 16).filter(|bytes| *bytes <= MAX_TAGGED_HEADER_BYTES)
    else {
        return Ok(None);
    };
    let head = input.read_at(0, header_bytes as usize)?;
    let data = input.read_at(header_bytes, DATA_HEADER as usize)?;
    let size = le64(&data, 16).filter(|_| data.starts_with(&DATA));
    let streams = objects(&head, header_bytes).filter(|(id, _)| *id == STREAM_PROPERTIES);
    let streams: Vec<_> = streams.map(|(_, object)| object).collect();
    let end = size.and_then(|size| header_bytes.checked_add(size));
    let (Some(end), false) = (end.filter(|end| *end <= input.len()), streams.is_empty()) else {
        return Ok(None);
    };
    let format = codec::private("asf", &streams);
    Ok(Payload::of_range(format, header_bytes + DATA_HEADER..end))
}

/// Returns the number of a stream if it is one of sound.
fn sound_stream(properties: &[u8]) -> Option<u8> {
    let number = properties.get(48).map(|flags| flags & 0x7f);
    number.filter(|_| properties.starts_with(&AUDIO))
}

/// Returns the objects of the header with their content.
fn objects(head: &[u8], header_bytes: u64) -> impl Iterator<Item = ([u8; 16], &[u8])> {
    let mut at = 30;
    std::iter::from_fn(move || {
        if at as u64 >= header_bytes {
            return None;
        }
        let id = *head.get(at..)?.first_chunk()?;
        let size = usize::try_from(le64(head, at + 16)?).ok()?;
        let content = head.get(at + 24..head.len().min(at.checked_add(size)?))?;
        at += size.max(24);
        Some((id, content))
    })
}

impl Properties {
    fn parse(object: &[u8]) -> Option<Self> {
        Some(Self {
            file_bytes: le64(object, 16)?,
            packets: le64(object, 32).filter(|packets| *packets > 0),
            play_units: le64(object, 40)?,
            preroll_ms: le64(object, 56)?,
            is_broadcast: le32(object, 64)? & 1 != 0,
            packet_bytes: le32(object, 68)?,
        })
    }

    fn seconds(&self) -> Option<f64> {
        let seconds = self.play_units as f64 / UNITS - self.preroll_ms as f64 / 1000.0;
        (!self.is_broadcast && seconds > 0.0).then_some(seconds)
    }

    fn truncation(&self, len: u64) -> Option<String> {
        let is_complete = len as f64 >= COMPLETE * self.file_bytes as f64;
        (!is_complete).then(|| missing_bytes(self.file_bytes, len))?
    }
}

/// Returns the seconds up to the last packet with sound. Video may go on after it.
fn last_sound(
    input: &mut Input<'_>,
    header_bytes: u64,
    properties: &Properties,
    stream: u8,
) -> io::Result<Option<f64>> {
    let data = header_bytes.saturating_add(DATA_HEADER);
    let packet_bytes = u64::from(properties.packet_bytes);
    let there = input
        .len()
        .saturating_sub(data)
        .checked_div(packet_bytes)
        .unwrap_or(0);
    // An index follows the packets.
    let packets = properties
        .packets
        .filter(|_| !properties.is_broadcast)
        .map_or(there, |packets| packets.min(there));
    let (mut before, mut after, mut last) = (0, packets, None);
    let mut from = packets.saturating_sub(MAX_PACKETS);
    while before < after {
        let mut found = None;
        for number in from..packets.min(from + MAX_PACKETS) {
            let packet = input.read_at(data + number * packet_bytes, packet_bytes as usize)?;
            found = found.max(packet::last_time_ms(&packet, stream));
        }
        match found {
            Some(_) => (before, last) = (from + 1, found),
            None => after = from,
        }
        if from + MAX_PACKETS >= packets && found.is_some()
            || after.saturating_sub(before) < MAX_PACKETS / 2
        {
            break;
        }
        from = before.midpoint(after);
    }
    let seconds = last.map(|ms| f64::from(ms) / 1000.0 - properties.preroll_ms as f64 / 1000.0);
    Ok(seconds.filter(|seconds| *seconds > 0.0))
}
