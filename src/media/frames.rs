//! Sound without a container: a sequence of frames, each with its own header.
//!
//! Small files are read as a whole. Of large ones, evenly spaced parts are read, and the length is extrapolated.

use super::input::Input;
use std::io;

/// Size up to which all frames are read.
const SMALL_BYTES: u64 = 640 * 1024;
/// Size of a part of a large file, in bytes. It contains dozens of frames.
const PART_BYTES: usize = 16 * 1024;
/// Number of parts that are read of a large file.
const PARTS: u64 = 32;
/// Bytes in which the end of the sound is searched at a time.
const END_STEP: u64 = 4 * 1024;
/// Greatest difference of the bit rate between parts of a constant rate. Padding and the reservoir cause it.
const CONSTANT: f64 = 0.01;

/// One frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Frame {
    /// Size in bytes, including the header.
    pub(super) bytes: usize,
    /// Duration in seconds.
    pub(super) seconds: f64,
    /// Properties that all frames of a recording have in common.
    pub(super) kind: u32,
}

/// A format of frames.
#[derive(Clone, Copy)]
pub(super) struct FrameFormat {
    /// Parses the frame at the start of the bytes.
    pub(super) parse: fn(&[u8]) -> Option<Frame>,
    /// Number of frames in a row that are not taken for something else.
    pub(super) run: usize,
}

/// Sound in a range of a file.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct FrameSound {
    /// Length in seconds.
    pub(super) seconds: f64,
    /// Whether all frames were read, or have the same bit rate.
    pub(super) is_exact: bool,
}

/// Frames that were read.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Tally {
    bytes: u64,
    seconds: f64,
}

impl FrameFormat {
    /// Returns the offset of the first run of frames in `bytes`.
    pub(super) fn find(&self, bytes: &[u8]) -> Option<usize> {
        (0..bytes.len()).find(|at| self.is_run(&bytes[*at..]))
    }

    /// Whether `bytes` starts with a run of frames of one kind. A run may be cut off by the end of the bytes.
    fn is_run(&self, bytes: &[u8]) -> bool {
        let Some(first) = (self.parse)(bytes) else {
            return false;
        };
        let mut at = first.bytes;
        for number in 1..self.run {
            if at == bytes.len() && number > 1 {
                break;
            }
            match bytes.get(at..).and_then(self.parse) {
                Some(frame) if frame.kind == first.kind => at += frame.bytes,
                _ => return false,
            }
        }
        true
    }

    /// Measures the frames between two offsets. Returns `None` if there are none.
    pub(super) fn measure(
        &self,
        input: &mut Input<'_>,
        start: u64,
        end: u64,
    ) -> io::Result<Option<FrameSound>> {
        let bytes = end.saturating_sub(start);
        if bytes <= SMALL_BYTES {
            let tally = self.tally(&input.read_at(start, bytes as usize)?);
            return Ok((tally.seconds > 0.0).then_some(FrameSound {
                seconds: tally.seconds,
                is_exact: true,
            }));
        }
        let end = self.find_end(input, start, end)?;
        self.sample(input, start, end)
    }

    /// Adds up all frames in `bytes`.
    fn tally(&self, bytes: &[u8]) -> Tally {
        let (mut at, mut tally) = (0, Tally::default());
        while let Some(found) = bytes.get(at..).and_then(|rest| self.find(rest)) {
            at += found;
            while let Some(frame) = bytes.get(at..).and_then(self.parse) {
                let there = frame.bytes.min(bytes.len() - at);
                at += frame.bytes;
                if there == frame.bytes {
                    tally.bytes += there as u64;
                    tally.seconds += frame.seconds;
                }
            }
        }
        tally
    }

    /// Returns the offset at which the frames end. What follows, such as zeros or unknown tags, is not sound.
    fn find_end(&self, input: &mut Input<'_>, start: u64, end: u64) -> io::Result<u64> {
        let (mut sound, mut other) = (start, end);
        if self.has_frames(input, end.saturating_sub(PART_BYTES as u64), end)? {
            return Ok(end);
        }
        while other - sound > END_STEP {
            let middle = sound.midpoint(other);
            match self.has_frames(input, middle, end)? {
                true => sound = middle,
                false => other = middle,
            }
        }
        Ok(other)
    }

    fn has_frames(&self, input: &mut Input<'_>, at: u64, end: u64) -> io::Result<bool> {
        let bytes = input.read_at(at, (end - at).min(PART_BYTES as u64) as usize)?;
        Ok(self.find(&bytes).is_some())
    }

    /// Extrapolates from evenly spaced parts.
    fn sample(
        &self,
        input: &mut Input<'_>,
        start: u64,
        end: u64,
    ) -> io::Result<Option<FrameSound>> {
        let (mut all, mut rates, mut with_frames) = (Tally::default(), Vec::new(), 0.0);
        let step = (end - start).saturating_sub(PART_BYTES as u64) / (PARTS - 1);
        let mut parts = 0.0;
        for number in 0..PARTS {
            let part = input.read_at(start + number * step, PART_BYTES)?;
            if part.is_empty() {
                break;
            }
            parts += 1.0;
            let tally = self.tally(&part);
            if tally.seconds > 0.0 {
                with_frames += 1.0;
                rates.push(tally.bytes as f64 / tally.seconds);
                all.bytes += tally.bytes;
                all.seconds += tally.seconds;
            }
        }
        if all.bytes == 0 {
            return Ok(None);
        }
        let mean = all.bytes as f64 / all.seconds;
        let is_constant = |rate: &f64| (rate / mean - 1.0).abs() < CONSTANT;
        Ok(Some(FrameSound {
            seconds: (end - start) as f64 * (with_frames / parts) / mean,
            is_exact: with_frames == parts && rates.iter().all(is_constant),
        }))
    }
}
