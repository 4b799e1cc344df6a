//! Clusters of Matroska: blocks of sound with a time each.

use super::ebml::{Element, elements, vint};
use crate::media::field::{be_any, be16};
use crate::media::input::Input;
use std::io;

pub(super) const CLUSTER: u32 = 0x1f43_b675;
const TIMESTAMP: u32 = 0xe7;
pub(super) const SIMPLE_BLOCK: u32 = 0xa3;
pub(super) const BLOCK_GROUP: u32 = 0xa0;
pub(super) const BLOCK: u32 = 0xa1;
const BLOCK_DURATION: u32 = 0x9b;

/// Bytes of a block that are read: its group, track, time and duration.
const BLOCK_HEAD_BYTES: usize = 32;
/// Maximum number of blocks in a cluster.
const MAX_BLOCKS: usize = 20_000;

/// Times of the sound in a cluster, in units of the segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ClusterSound {
    /// Time of the first block.
    pub(super) first: i64,
    /// Time of the last block.
    pub(super) last: i64,
    /// Duration of the last block, taken from the distance between blocks if it is not stated.
    pub(super) last_duration: Option<i64>,
}

/// Reads the times of one track in the cluster at an offset. Returns `None` if it has no block of the track.
pub(super) fn read(
    input: &mut Input<'_>,
    cluster: &Element,
    track: u64,
) -> io::Result<Option<ClusterSound>> {
    let end = cluster.end().unwrap_or(input.len()).min(input.len());
    let (mut at, mut time, mut sound) = (cluster.at, None, None);
    for _ in 0..MAX_BLOCKS {
        let head = input.read_at(at, BLOCK_HEAD_BYTES)?;
        let Some(element) = Element::parse(&head, at).filter(|_| at < end) else {
            break;
        };
        let content = usize::try_from(element.at - at)
            .ok()
            .and_then(|start| head.get(start..));
        match element.id {
            TIMESTAMP => {
                time = content
                    .zip(element.size)
                    .map(|(bytes, size)| number(bytes, size))
            }
            SIMPLE_BLOCK => add(&mut sound, time, content, track, None),
            BLOCK_GROUP => {
                let group = input.read_at(element.at, BLOCK_HEAD_BYTES)?;
                let block = elements(&group).find(|(id, _)| *id == BLOCK);
                let duration = block_duration(input, &element)?;
                add(
                    &mut sound,
                    time,
                    block.map(|(_, block)| block),
                    track,
                    duration,
                );
            }
            // The next cluster begins where one of unknown size ends.
            CLUSTER => break,
            _ => {}
        }
        match element.end() {
            Some(next) => at = next,
            None => break,
        }
    }
    Ok(sound)
}

/// Returns the stated duration of the block in a group. It follows the block.
fn block_duration(input: &mut Input<'_>, group: &Element) -> io::Result<Option<i64>> {
    let Some(block) = Element::read(input, group.at)? else {
        return Ok(None);
    };
    let (Some(after), Some(end)) = (block.end(), group.end()) else {
        return Ok(None);
    };
    let rest = end.saturating_sub(after).min(BLOCK_HEAD_BYTES as u64) as usize;
    let rest = input.read_at(after, rest)?;
    let duration = elements(&rest).find(|(id, _)| *id == BLOCK_DURATION);
    Ok(duration.map(|(_, content)| be_any(content) as i64))
}

fn number(bytes: &[u8], size: u64) -> i64 {
    be_any(&bytes[..bytes.len().min(size as usize)]) as i64
}

/// Adds a block to the times if it belongs to the track.
fn add(
    sound: &mut Option<ClusterSound>,
    cluster_time: Option<i64>,
    block: Option<&[u8]>,
    track: u64,
    duration: Option<i64>,
) {
    let Some(time) = cluster_time
        .zip(block)
        .and_then(|(time, block)| block_time(time, block, track))
    else {
        return;
    };
    *sound = Some(match *sound {
        None => ClusterSound {
            first: time,
            last: time,
            last_duration: duration,
        },
        Some(before) => ClusterSound {
            first: before.first.min(time),
            last: before.last.max(time),
            last_duration: duration
                .or(Some(time - before.last).filter(|step| *step > 0))
                .or(before.last_duration),
        },
    });
}

fn block_time(cluster_time: i64, block: &[u8], track: u64) -> Option<i64> {
    let (number, size) = vint(block)?;
    let offset = be16(block, size)? as i16;
    (number == Some(track)).then_some(cluster_time + i64::from(offset))
}
