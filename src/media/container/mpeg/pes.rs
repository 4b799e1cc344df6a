//! Times in packetised elementary streams, of which transport and program streams consist.

use crate::media::field::be_any;

/// Units of time in a second.
const CLOCK_HZ: f64 = 90_000.0;
/// Number of units after which times start again: 26 hours.
const WRAP: u64 = 1 << 33;

/// Times of a sound stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Times {
    first: Option<u64>,
    last: Option<u64>,
    step: u64,
}

impl Times {
    /// Adds the time of the next packet.
    pub(super) fn push(&mut self, time: u64) {
        if let Some(last) = self.last
            && time > last
            && time - last < CLOCK_HZ as u64
        {
            self.step = time - last;
        }
        self.first = self.first.or(Some(time));
        self.last = Some(time);
    }

    /// Whether no packet was added.
    pub(super) const fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    /// Returns the seconds from the first packet to the end of the last one in `tail`. Returns `None` if the times went
    /// backwards, as in joined streams.
    pub(super) fn seconds_to(&self, tail: &Self) -> Option<f64> {
        let units = (tail.last? + WRAP - self.first?) % WRAP;
        let seconds = (units + self.step.max(tail.step)) as f64 / CLOCK_HZ;
        (units < WRAP / 2).then_some(seconds)
    }
}

/// Returns the presentation time in a packet that starts with its start code. Reads both MPEG-1 and MPEG-2.
pub(super) fn presentation_time(packet: &[u8]) -> Option<u64> {
    if !packet.starts_with(&[0, 0, 1]) {
        return None;
    }
    if packet.get(6)? & 0xc0 == 0x80 {
        let has_time = packet.get(7)? & 0x80 != 0;
        return has_time.then(|| time(packet.get(9..14)?))?;
    }
    let stuffing = packet
        .get(6..)?
        .iter()
        .take_while(|byte| **byte == 0xff)
        .count();
    let mut at = 6 + stuffing;
    if packet.get(at)? & 0xc0 == 0x40 {
        at += 2;
    }
    matches!(packet.get(at)? >> 4, 2 | 3).then(|| time(packet.get(at..at + 5)?))?
}

/// Parses 33 bits in five bytes, with a marker after each part.
fn time(bytes: &[u8]) -> Option<u64> {
    let number = be_any(bytes);
    let has_markers = number & 0x01_0001_0001 == 0x01_0001_0001;
    has_markers.then_some(number >> 3 & 7 << 30 | number >> 2 & 0x7fff << 15 | number >> 1 & 0x7fff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_both_versions_are_read() {
        // 90000 units.
        let time = [0x21, 0x00, 0x05, 0xbf, 0x21];
        let new = [&[0, 0, 1, 0xc0, 0, 9, 0x80, 0x80, 5][..], &time].concat();
        let old = [&[0, 0, 1, 0xc0, 0, 9, 0xff, 0xff][..], &time].concat();
        assert_eq!(presentation_time(&new), Some(90_000));
        assert_eq!(presentation_time(&old), Some(90_000));
        assert_eq!(presentation_time(&new[..12]), None);
    }

    #[test]
    fn times_that_start_again_are_continued() {
        let (mut head, mut tail) = (Times::default(), Times::default());
        head.push(WRAP - 90_000);
        tail.push(90_000);
        tail.push(135_000);
        assert_eq!(head.seconds_to(&tail), Some(3.0));
        assert_eq!(tail.seconds_to(&Times::default()), None);
    }
}
