//! MPEG transport streams (`.ts`, `.mts`, `.m2ts`).

use super::pes::{Times, presentation_time};
use crate::media::field::be16;
use crate::media::input::Input;
use crate::media::search::{first_in, last_in};
use crate::media::sound::Sound;
use std::io;

const SYNC: u8 = 0x47;
/// Size of a packet: plain, with a time before it (M2TS), and with error correction after it.
const PACKET_SIZES: [usize; 3] = [188, 192, 204];
/// Number of packets in a row that identify a transport stream.
const RUN: usize = 5;
/// Bytes at the start that contain the tables.
const HEAD_BYTES: usize = 128 * 1024;
const ASSOCIATION_TABLE: u16 = 0;
/// Stream type of private data.
const PRIVATE_DATA: u8 = 0x06;

/// Layout of the packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layout {
    size: usize,
    /// Offset of the first sync byte.
    start: usize,
}

/// Streams of a programme.
#[derive(Debug, Default)]
struct Programme {
    sound: Option<u16>,
    streams: usize,
}

/// Whether the file starts with a transport stream.
pub(in crate::media::container) fn is_transport_stream(head: &[u8]) -> bool {
    Layout::find(head).is_some()
}

/// Reads the length from the times of the first and the last sound packet.
pub(in crate::media::container) fn read(input: &mut Input<'_>) -> io::Result<Sound> {
    let head = input.read_at(0, HEAD_BYTES)?;
    let Some(layout) = Layout::find(&head) else {
        return Ok(Sound::default());
    };
    let Some(programme) = find_programme(&head, layout) else {
        return Ok(Sound::default());
    };
    let Some(sound) = programme.sound else {
        return Ok(match programme.streams {
            0 => Sound::default(),
            _ => Sound::silent("it has no sound track"),
        });
    };
    let times = |bytes: &[u8], at| {
        let times = times(layout.align(bytes, at), layout, sound);
        (!times.is_empty()).then_some(times)
    };
    let (start, end) = (layout.start as u64, input.len());
    let (first, last) = (
        first_in(input, start, times)?,
        last_in(input, start, end, times)?,
    );
    let seconds = first
        .zip(last)
        .and_then(|(first, last)| first.seconds_to(&last));
    Ok(seconds.map_or_else(Sound::default, Sound::exact))
}

impl Layout {
    fn find(head: &[u8]) -> Option<Self> {
        PACKET_SIZES.into_iter().find_map(|size| {
            let is_run = |start: &usize| {
                (0..RUN).all(|number| head.get(start + number * size) == Some(&SYNC))
            };
            (0..size).find(is_run).map(|start| Self { size, start })
        })
    }

    /// Returns the bytes from the first whole packet on. They lie at the offset `at` of the file.
    fn align(self, bytes: &[u8], at: u64) -> &[u8] {
        let beyond = (at.saturating_sub(self.start as u64) % self.size as u64) as usize;
        bytes
            .get((self.size - beyond) % self.size..)
            .unwrap_or_default()
    }

    /// Returns the packets from the first sync byte on.
    fn packets(self, bytes: &[u8]) -> impl Iterator<Item = Packet<'_>> {
        bytes
            .chunks(self.size)
            .filter_map(|packet| Packet::parse(packet.get(..188)?))
    }
}

/// A packet of one stream.
struct Packet<'a> {
    stream: u16,
    /// Whether a table or a packet of the stream begins here.
    is_start: bool,
    payload: &'a [u8],
}

impl<'a> Packet<'a> {
    fn parse(packet: &'a [u8]) -> Option<Self> {
        let (&[sync, second, third, fourth], rest) = packet.split_first_chunk()?;
        let adaptation = match fourth & 0x20 {
            0 => 0,
            _ => 1 + usize::from(*rest.first()?),
        };
        (sync == SYNC && fourth & 0x10 != 0).then_some(Self {
            stream: u16::from_be_bytes([second & 0x1f, third]),
            is_start: second & 0x40 != 0,
            payload: rest.get(adaptation..)?,
        })
    }
}

/// Finds the streams of the first programme that has sound.
fn find_programme(head: &[u8], layout: Layout) -> Option<Programme> {
    let mut tables = Vec::new();
    let mut found = None;
    for packet in layout
        .packets(&head[layout.start..])
        .filter(|packet| packet.is_start)
    {
        if packet.stream == ASSOCIATION_TABLE {
            tables = table_section(packet.payload).map_or_else(Vec::new, programme_tables);
        } else if tables.contains(&packet.stream)
            && let Some(section) = table_section(packet.payload)
        {
            let programme = streams(section);
            if programme.sound.is_some() {
                return Some(programme);
            }
            found = found.or(Some(programme));
        }
    }
    found
}

/// Returns the section of a table, without its checksum.
fn table_section(payload: &[u8]) -> Option<&[u8]> {
    let start = 1 + usize::from(*payload.first()?);
    let length = usize::from(be16(payload, start + 1)? & 0xfff);
    // A long table continues in the next packet. The first streams are enough.
    let end = (start + 3 + length.checked_sub(4)?).min(payload.len());
    payload.get(start..end)
}

/// Returns the streams that contain the tables of programmes.
fn programme_tables(section: &[u8]) -> Vec<u16> {
    let entries = section.get(8..).unwrap_or_default().chunks_exact(4);
    entries
        .filter(|entry| entry[..2] != [0, 0])
        .filter_map(|entry| Some(be16(entry, 2)? & 0x1fff))
        .collect()
}

/// Returns the streams of a programme by its table.
fn streams(section: &[u8]) -> Programme {
    let (mut programme, mut private) = (Programme::default(), None);
    let information = be16(section, 10).map_or(0, |size| usize::from(size & 0xfff));
    let mut at = 12 + information;
    while let (Some(&kind), Some(stream), Some(size)) = (
        section.get(at),
        be16(section, at + 1),
        be16(section, at + 3),
    ) {
        let size = usize::from(size & 0xfff);
        let descriptors = section.get(at + 5..at + 5 + size).unwrap_or_default();
        programme.streams += 1;
        let stream = Some(stream & 0x1fff);
        match is_sound(kind, descriptors) {
            true if kind == PRIVATE_DATA => private = private.or(stream),
            true => programme.sound = programme.sound.or(stream),
            false => {}
        }
        at += 5 + size;
    }
    // Private data may also be video of a kind that has no type of its own.
    programme.sound = programme.sound.or(private);
    programme
}

/// Whether a stream type is sound: MPEG, AAC, PCM, Dolby and DTS. Private data may be any of them.
fn is_sound(kind: u8, descriptors: &[u8]) -> bool {
    match kind {
        0x03 | 0x04 | 0x0f | 0x11 | 0x1c | 0x80..=0x87 => true,
        PRIVATE_DATA => !is_subtitle(descriptors),
        _ => false,
    }
}

/// Whether the descriptors of private data say teletext or subtitles.
fn is_subtitle(mut descriptors: &[u8]) -> bool {
    while let [tag, size, rest @ ..] = descriptors {
        if matches!(tag, 0x56 | 0x59) {
            return true;
        }
        descriptors = rest.get(usize::from(*size)..).unwrap_or_default();
    }
    false
}

fn times(bytes: &[u8], layout: Layout, sound: u16) -> Times {
    let mut times = Times::default();
    for packet in layout
        .packets(bytes)
        .filter(|packet| packet.is_start && packet.stream == sound)
    {
        if let Some(time) = presentation_time(packet.payload) {
            times.push(time);
        }
    }
    times
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_data_is_sound_only_if_nothing_else_is() {
        let section = |kinds: [u8; 2]| {
            let mut section = vec![0; 12];
            for (kind, stream) in kinds.into_iter().zip([0x11, 0x12]) {
                section.extend([kind, 0xe0, stream, 0xf0, 0]);
            }
            section
        };
        let sound = |kinds| streams(&section(kinds)).sound;
        assert_eq!(sound([PRIVATE_DATA, 0x81]), Some(0x12));
        assert_eq!(sound([PRIVATE_DATA, 0x1b]), Some(0x11));
        assert_eq!(sound([0x0f, 0x81]), Some(0x11));
        assert_eq!(sound([0x1b, 0x02]), None);
    }
}
