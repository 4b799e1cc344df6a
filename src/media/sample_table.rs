//! Samples of one sound track: the packets of its codec, their sizes, durations and places in the file.

use std::io;

/// Maximum number of samples. AAC of 48 kHz has this many in 35 hours. A table of them takes at most 120 MB.
const MAX_SAMPLES: usize = 6_000_000;

/// The samples of one track, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SampleTable {
    /// Description of the samples: a box of MP4, as `stsd` contains it.
    pub(super) entry: Vec<u8>,
    /// Units of time in a second.
    pub(super) timescale: u32,
    /// Duration at the start that is not played, in units of time.
    pub(super) skip: u64,
    /// Sum of all durations, in units of time.
    pub(super) duration: u64,
    /// Runs of equal durations: their number, and the duration of each in units of time.
    pub(super) durations: Vec<(u32, u32)>,
    /// Size of each sample in bytes.
    pub(super) sizes: Vec<u32>,
    /// Runs of samples that follow each other without a gap.
    pub(super) chunks: Vec<Chunk>,
    /// Offset after the last sample.
    end: u64,
}

/// Samples that follow each other without a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunk {
    /// Offset of the first sample in the file.
    pub(super) at: u64,
    /// Number of samples.
    pub(super) samples: u32,
}

impl SampleTable {
    /// Creates an empty table.
    pub(super) const fn new(entry: Vec<u8>, timescale: u32) -> Self {
        Self {
            entry,
            timescale,
            skip: 0,
            duration: 0,
            durations: Vec::new(),
            sizes: Vec::new(),
            chunks: Vec::new(),
            end: 0,
        }
    }

    /// Adds a sample of `bytes` at the offset `at`, of `duration` units of time.
    ///
    /// # Errors
    /// If there are too many samples.
    pub(super) fn push(&mut self, at: u64, bytes: u32, duration: u32) -> io::Result<()> {
        if self.sizes.len() == MAX_SAMPLES {
            return Err(io::Error::other(format!(
                "it has more than {MAX_SAMPLES} packets of sound"
            )));
        }
        match self.chunks.last_mut() {
            Some(chunk) if self.end == at => chunk.samples += 1,
            _ => self.chunks.push(Chunk { at, samples: 1 }),
        }
        match self.durations.last_mut() {
            Some((count, each)) if *each == duration => *count += 1,
            _ => self.durations.push((1, duration)),
        }
        self.sizes.push(bytes);
        self.duration += u64::from(duration);
        self.end = at + u64::from(bytes);
        Ok(())
    }

    /// Returns the duration that is played, in units of time.
    pub(super) const fn played(&self) -> u64 {
        self.duration.saturating_sub(self.skip)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_without_a_gap_form_a_chunk() {
        let mut table = SampleTable::new(Vec::new(), 8000);
        for (at, bytes, duration) in [(10, 5, 160), (15, 5, 160), (27, 4, 160), (31, 9, 80)] {
            table.push(at, bytes, duration).unwrap();
        }
        let chunk = |at, samples| Chunk { at, samples };
        assert_eq!(table.chunks, [chunk(10, 2), chunk(27, 2)]);
        assert_eq!(table.durations, [(3, 160), (1, 80)]);
        assert_eq!(table.sizes, [5, 5, 4, 9]);
        assert_eq!(table.duration, 560);
        table.skip = 60;
        assert_eq!(table.played(), 500);
    }
}
