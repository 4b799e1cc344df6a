//! Samples in fragments (`moof`) of MP4. Each fragment says where its samples lie, shortly before them.

use super::boxes::{Mp4Box, slices};
use crate::media::field::{be32, be64};
use crate::media::payload::{Malformed, Step, Walk, pass_range};
use std::collections::VecDeque;
use std::ops::Range;

/// Size of the header of a box, and of one with a size of 64 bits.
const HEADER_BYTES: usize = 8;
const LONG_HEADER_BYTES: usize = 16;

/// Defaults of the index for samples in fragments.
#[derive(Debug, Clone, Copy)]
pub(super) struct SampleDefaults {
    /// Number of the track.
    pub(super) track: u32,
    /// Size of a sample, unless the fragment states another.
    pub(super) size: Option<u32>,
}

/// The samples of one track.
#[derive(Clone)]
pub(super) struct FragmentWalk {
    defaults: SampleDefaults,
    /// Sound that the fragments so far have announced.
    ranges: VecDeque<Range<u64>>,
    /// End of the media data that is being read.
    data_end: u64,
    has_sound: bool,
}

impl FragmentWalk {
    pub(super) const fn new(defaults: SampleDefaults) -> Self {
        Self {
            defaults,
            ranges: VecDeque::new(),
            data_end: 0,
            has_sound: false,
        }
    }

    /// Reads media data, in which the announced sound lies.
    fn data(
        &mut self,
        bytes: &[u8],
        at: u64,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<Step, Malformed> {
        let next = self
            .ranges
            .front()
            .filter(|next| next.start < self.data_end);
        let Some(next) = next else {
            return Ok(Step::Advance(self.data_end - at));
        };
        if next.end > self.data_end {
            return Err(Malformed);
        }
        let (step, is_passed) = pass_range(next, bytes, at, sink);
        if is_passed {
            self.ranges.pop_front();
        }
        Ok(step)
    }

    /// Adds the samples that a fragment announces.
    fn fragment(&mut self, content: &[u8], start: u64) -> Result<(), Malformed> {
        let mut is_first = true;
        for (kind, content) in slices(content) {
            if &kind == b"traf" {
                self.track_fragment(content, start, is_first)
                    .ok_or(Malformed)?;
                is_first = false;
            }
        }
        Ok(())
    }

    fn track_fragment(&mut self, content: &[u8], start: u64, is_first: bool) -> Option<()> {
        let children = slices(content);
        let (_, header) = children.iter().find(|(kind, _)| kind == b"tfhd")?;
        if be32(header, 4)? != self.defaults.track {
            return Some(());
        }
        let header = Header::parse(header, self.defaults, start, is_first)?;
        let mut at = header.base;
        for (kind, content) in children {
            match &kind {
                b"trun" => {
                    let range = header.run(content, at)?;
                    at = range.end;
                    self.push(range)?;
                }
                // Encrypted samples.
                b"senc" => return None,
                _ => {}
            }
        }
        Some(())
    }

    fn push(&mut self, range: Range<u64>) -> Option<()> {
        if range.is_empty() {
            return Some(());
        }
        let last = self.ranges.back().map_or(self.data_end, |last| last.end);
        self.ranges.push_back(range.clone());
        self.has_sound = true;
        (range.start >= last).then_some(())
    }
}

/// Header of a track fragment.
pub(super) struct Header {
    /// Offset to which those of the runs are relative.
    pub(super) base: u64,
    /// Duration of a sample, unless the run states others.
    pub(super) duration: Option<u32>,
    /// Size of a sample, unless the run states others.
    pub(super) size: Option<u32>,
}

impl Header {
    /// Parses the header of a track fragment. `start` is the offset of its fragment.
    pub(super) fn parse(
        content: &[u8],
        defaults: SampleDefaults,
        start: u64,
        is_first: bool,
    ) -> Option<Self> {
        let flags = be32(content, 0)?;
        let mut at = 8;
        let mut skip = |flag: u32, bytes: usize| {
            let found = (flags & flag != 0).then_some(at);
            at += found.map_or(0, |_| bytes);
            found
        };
        let base = skip(0x1, 8);
        // A fragment may use another description than the only one.
        let description = skip(0x2, 4);
        let duration = skip(0x8, 4);
        let size = skip(0x10, 4);
        if description.is_some_and(|at| be32(content, at) != Some(1)) {
            return None;
        }
        let is_relative = is_first || flags & 0x2_0000 != 0;
        Some(Self {
            base: match base {
                Some(at) => be64(content, at)?,
                None if is_relative => start,
                // It follows the data of the track fragment before, which may be another track.
                None => return None,
            },
            duration: match duration {
                Some(at) => Some(be32(content, at)?),
                None => None,
            },
            size: match size {
                Some(at) => Some(be32(content, at)?),
                None => defaults.size,
            },
        })
    }

    /// Returns the range of a run. `at` is where it lies if it does not say so.
    fn run(&self, content: &[u8], at: u64) -> Option<Range<u64>> {
        let (flags, count) = (be32(content, 0)?, be32(content, 4)?);
        let (mut next, mut start) = (8, at);
        if flags & 0x1 != 0 {
            let offset = be32(content, next)? as i32;
            start = self.base.checked_add_signed(offset.into())?;
            next += 4;
        }
        next += if flags & 0x4 != 0 { 4 } else { 0 };
        if flags & 0x200 == 0 {
            let bytes = u64::from(self.size?).checked_mul(count.into())?;
            return Some(start..start.checked_add(bytes)?);
        }
        let size_at = if flags & 0x100 != 0 { 4 } else { 0 };
        let entry_bytes = 4 * (flags & 0xf00).count_ones() as usize;
        let entries = content.get(next..)?.chunks_exact(entry_bytes);
        let sizes = entries
            .take(count as usize)
            .map(|entry| be32(entry, size_at));
        let (mut bytes, mut read) = (0, 0);
        for size in sizes {
            bytes += u64::from(size?);
            read += 1;
        }
        (read == count).then_some(start..start.checked_add(bytes)?)
    }
}

impl Walk for FragmentWalk {
    fn step(
        &mut self,
        bytes: &[u8],
        at: u64,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<Step, Malformed> {
        if at < self.data_end {
            return self.data(bytes, at, sink);
        }
        // Samples that no media data had.
        if self.ranges.front().is_some_and(|next| next.start < at) {
            return Err(Malformed);
        }
        if bytes.len() < HEADER_BYTES {
            return Ok(Step::Need(HEADER_BYTES));
        }
        if be32(bytes, 0) == Some(1) && bytes.len() < LONG_HEADER_BYTES {
            return Ok(Step::Need(LONG_HEADER_BYTES));
        }
        // A box without a size goes to the end of the file.
        let found = Mp4Box::parse(bytes, at, at).ok_or(Malformed)?;
        let size = found.end - found.start;
        let header = found.at - found.start;
        match &found.kind {
            b"mdat" => {
                self.data_end = found.end;
                Ok(Step::Advance(header))
            }
            b"moof" => {
                let size = usize::try_from(size).map_err(|_| Malformed)?;
                let Some(whole) = bytes.get(header as usize..size) else {
                    return Ok(Step::Need(size));
                };
                self.fragment(whole, at)?;
                Ok(Step::Advance(size as u64))
            }
            _ => Ok(Step::Advance(size)),
        }
    }

    fn is_complete(&self) -> bool {
        self.has_sound && self.ranges.is_empty()
    }

    fn boxed(&self) -> Box<dyn Walk> {
        Box::new(self.clone())
    }
}
