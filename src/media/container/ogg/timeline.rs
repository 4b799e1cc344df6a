//! Length of the sound in a sequence of pages.

use super::codec::{SoundCodec, is_picture};
use super::page::Page;
use std::collections::HashMap;

/// A gap at the start up to this many seconds is not taken for a recording from the middle.
const MAX_START_S: f64 = 1.0;

/// Adds up the sound of chained streams. Pages may be missing between the first and the last ones of a chain link.
#[derive(Default)]
pub(super) struct Timeline {
    finished_s: f64,
    /// Streams of the current link by serial number. A stream that is not sound is `None`.
    streams: HashMap<u32, Option<Stream>>,
    has_data: bool,
    /// Whether there is a stream that may be sound.
    has_other: bool,
}

/// Positions of a sound stream.
struct Stream {
    codec: SoundCodec,
    first: Option<FirstPage>,
    start: u64,
    end: u64,
}

/// The first page with sound.
#[derive(Clone, Copy)]
struct FirstPage {
    sequence: u32,
    position: u64,
}

impl Timeline {
    /// Adds a page and its content. The content is needed for the first page of a stream only.
    pub(super) fn push(&mut self, page: &Page, content: &[u8]) {
        if page.is_first {
            self.has_other |= !is_picture(content);
            if self.has_data {
                self.finish_link();
            }
            let stream = SoundCodec::parse(content).map(|codec| Stream {
                codec,
                first: None,
                start: 0,
                end: 0,
            });
            self.streams.insert(page.serial, stream);
            return;
        }
        if let (Some(Some(stream)), Some(position)) =
            (self.streams.get_mut(&page.serial), page.position)
            && position > 0
        {
            self.has_data = true;
            stream.push(page.sequence, position);
        }
    }

    /// Returns the seconds of all links so far.
    pub(super) fn seconds(&self) -> f64 {
        let streams = self.streams.values().flatten();
        self.finished_s + streams.map(Stream::seconds).fold(0.0, f64::max)
    }

    /// Whether the current link has a sound stream.
    pub(super) fn has_sound(&self) -> bool {
        self.streams.values().any(Option::is_some)
    }

    /// Whether all streams are known not to be sound.
    pub(super) fn has_only_pictures(&self) -> bool {
        !self.streams.is_empty() && !self.has_other
    }

    /// Whether the serial number belongs to a sound stream of the current link.
    pub(super) fn is_sound(&self, serial: u32) -> bool {
        matches!(self.streams.get(&serial), Some(Some(_)))
    }

    /// Whether the serial number belongs to a stream of the current link that is not sound.
    pub(super) fn is_other(&self, serial: u32) -> bool {
        matches!(self.streams.get(&serial), Some(None))
    }

    fn finish_link(&mut self) {
        self.finished_s = self.seconds();
        self.streams.clear();
        self.has_data = false;
    }
}

impl Stream {
    fn push(&mut self, sequence: u32, position: u64) {
        match self.first {
            None => self.first = Some(FirstPage { sequence, position }),
            // The second page tells how much the first one holds.
            Some(first) if first.sequence.wrapping_add(1) == sequence => {
                let page = position.saturating_sub(first.position);
                let start = first.position.saturating_sub(page);
                let seconds = start as f64 / f64::from(self.codec.rate);
                if seconds > MAX_START_S && page > 0 {
                    self.start = start;
                }
            }
            Some(_) => {}
        }
        self.end = self.end.max(position);
    }

    fn seconds(&self) -> f64 {
        let skip = if self.start == 0 {
            u64::from(self.codec.skip)
        } else {
            0
        };
        self.end.saturating_sub(self.start + skip) as f64 / f64::from(self.codec.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(serial: u32, sequence: u32, position: u64) -> Page {
        Page {
            is_first: sequence == 0,
            serial,
            sequence,
            position: Some(position),
            header_bytes: 0,
            bytes: 0,
        }
    }

    fn opus() -> Vec<u8> {
        let mut head = b"OpusHead\x01\x01".to_vec();
        head.extend(480_u16.to_le_bytes());
        head
    }

    #[test]
    fn links_of_a_chain_are_added_up() {
        let mut timeline = Timeline::default();
        for serial in [1, 2] {
            timeline.push(&page(serial, 0, 0), &opus());
            timeline.push(&page(serial, 9, 48_000 * 10 + 480), &[]);
        }
        assert_eq!(timeline.seconds(), 20.0);
    }

    #[test]
    fn a_stream_from_the_middle_starts_there() {
        let mut timeline = Timeline::default();
        timeline.push(&page(1, 0, 0), &opus());
        for (sequence, second) in [(7, 101), (8, 102), (20, 130)] {
            timeline.push(&page(1, sequence, 48_000 * second), &[]);
        }
        assert_eq!(timeline.seconds(), 30.0);
    }

    #[test]
    fn streams_side_by_side_are_not_added_up() {
        let mut timeline = Timeline::default();
        timeline.push(&page(1, 0, 0), b"\x80theora");
        timeline.push(&page(2, 0, 0), &opus());
        timeline.push(&page(1, 1, 1 << 40), &[]);
        timeline.push(&page(2, 1, 48_000 + 480), &[]);
        assert_eq!(timeline.seconds(), 1.0);
        assert!(timeline.has_sound() && timeline.is_other(1) && !timeline.is_other(2));
    }
}
