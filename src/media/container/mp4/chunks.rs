//! Where the samples of a track lie, by the tables of the index.

use super::boxes::Mp4Box;
use super::track::read_child;
use crate::media::field::{be32, be64};
use crate::media::input::Input;
use crate::media::payload::ranges::Ranges;
use std::io;
use std::ops::Range;

/// Maximum size of a table. A day of AAC has one of 16 MB.
const MAX_TABLE_BYTES: usize = 32 * 1024 * 1024;
/// Samples of a constant size up to this one may be numbers instead of packets. Some writers then state another size.
const MAX_NUMBER_BYTES: u32 = 8;

/// Sizes of samples.
enum Sizes<'a> {
    Equal(u64),
    Each(&'a [u8]),
}

/// Returns the chunks of a track. Returns `None` if it has none, if the tables are too large or damaged, or if the chunks are
/// not in the order of the file.
pub(super) fn chunks(input: &mut Input<'_>, table: &Mp4Box) -> io::Result<Option<Ranges>> {
    let sizes = read_child(input, table, &[b"stsz"], MAX_TABLE_BYTES)?;
    let runs = read_child(input, table, &[b"stsc"], MAX_TABLE_BYTES)?;
    let offsets = read_child(input, table, &[b"stco"], MAX_TABLE_BYTES)?;
    let (offsets, is_long) = match offsets.is_empty() {
        false => (offsets, false),
        true => (read_child(input, table, &[b"co64"], MAX_TABLE_BYTES)?, true),
    };
    let ranges = ranges(&sizes, &runs, &offsets, is_long);
    let is_within = |ranges: &Vec<Range<u64>>| ranges.iter().all(|range| range.end <= input.len());
    Ok(ranges.filter(is_within).and_then(Ranges::new))
}

fn ranges(sizes: &[u8], runs: &[u8], offsets: &[u8], is_long: bool) -> Option<Vec<Range<u64>>> {
    let (equal, samples) = (be32(sizes, 4)?, u64::from(be32(sizes, 8)?));
    let sizes = match equal {
        0 => Sizes::Each(sizes.get(12..)?),
        1..=MAX_NUMBER_BYTES => return None,
        size => Sizes::Equal(size.into()),
    };
    let entry_bytes = if is_long { 8 } else { 4 };
    let offsets = offsets.get(8..)?.chunks_exact(entry_bytes);
    let mut runs = runs.get(8..)?.chunks_exact(12).peekable();
    let (mut ranges, mut per_chunk, mut sample) = (Vec::with_capacity(offsets.len()), 0, 0);
    for (number, offset) in (1_u32..).zip(offsets) {
        if let Some(run) = runs.next_if(|run| be32(run, 0) == Some(number)) {
            per_chunk = u64::from(be32(run, 4)?);
        }
        let start = match is_long {
            true => be64(offset, 0)?,
            false => be32(offset, 0)?.into(),
        };
        // The last chunk may declare more samples than there are.
        let count = per_chunk.min(samples - sample);
        let end = start.checked_add(sizes.sum(sample, count)?)?;
        ranges.push(start..end);
        sample += count;
    }
    (sample == samples && runs.next().is_none()).then_some(ranges)
}

impl Sizes<'_> {
    /// Adds up the sizes of `count` samples from number `first` on.
    fn sum(&self, first: u64, count: u64) -> Option<u64> {
        match self {
            Self::Equal(size) => size.checked_mul(count),
            Self::Each(table) => {
                let from = usize::try_from(first.checked_mul(4)?).ok()?;
                let to = from.checked_add(usize::try_from(count.checked_mul(4)?).ok()?)?;
                let sizes = table.get(from..to)?.chunks_exact(4);
                Some(sizes.filter_map(|size| be32(size, 0)).map(u64::from).sum())
            }
        }
    }
}
