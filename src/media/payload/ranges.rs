//! Sound at known offsets.

use super::{Malformed, Payload, Step, Walk, pass_range};
use std::ops::Range;
use std::sync::Arc;

/// Ranges of a file, in order.
#[derive(Debug, Clone)]
pub(in crate::media) struct Ranges {
    ranges: Arc<[Range<u64>]>,
    next: usize,
}

impl Ranges {
    /// Merges adjacent ranges. Returns `None` if they are not in order, overlap, or contain nothing.
    pub(in crate::media) fn new(ranges: impl IntoIterator<Item = Range<u64>>) -> Option<Self> {
        let mut merged: Vec<Range<u64>> = Vec::new();
        for range in ranges.into_iter().filter(|range| !range.is_empty()) {
            match merged.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                Some(last) if last.end > range.start => return None,
                _ => merged.push(range),
            }
        }
        (!merged.is_empty()).then(|| Self {
            ranges: merged.into(),
            next: 0,
        })
    }
}

impl Payload {
    /// Describes sound that is one range of the file. Returns `None` if it is empty.
    pub(in crate::media) fn of_range(format: Vec<u8>, range: Range<u64>) -> Option<Self> {
        Some(Self::new(format, Ranges::new([range])?))
    }
}

impl Walk for Ranges {
    fn step(
        &mut self,
        bytes: &[u8],
        at: u64,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<Step, Malformed> {
        let Some(range) = self.ranges.get(self.next) else {
            return Ok(Step::End);
        };
        let (step, is_passed) = pass_range(range, bytes, at, sink);
        self.next += usize::from(is_passed);
        Ok(step)
    }

    fn is_complete(&self) -> bool {
        self.next == self.ranges.len()
    }

    fn boxed(&self) -> Box<dyn Walk> {
        Box::new(self.clone())
    }
}
