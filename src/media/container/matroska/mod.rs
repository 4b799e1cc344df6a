//! Matroska and WebM.
//!
//! - `ebml`: the elements that the container consists of
//! - `cluster`: times of the sound in a cluster
//! - [`delivery`](delivery()): facts for players
//! - [`payload`](payload()): the sound in the blocks

mod cluster;
mod delivery;
mod ebml;
mod payload;

pub(super) use delivery::delivery;
pub(super) use payload::payload;

use crate::media::field::be_any;
use crate::media::input::Input;
use crate::media::sound::{Sound, missing_bytes};
use cluster::{CLUSTER, ClusterSound};
use ebml::{Element, elements, float};
use std::io;

const SEGMENT: u32 = 0x1853_8067;
const INFO: u32 = 0x1549_a966;
const TIMESTAMP_SCALE: u32 = 0x002a_d7b1;
const DURATION: u32 = 0x4489;
const TRACKS: u32 = 0x1654_ae6b;
const TRACK: u32 = 0xae;
const TRACK_NUMBER: u32 = 0xd7;
const TRACK_TYPE: u32 = 0x83;
const AUDIO: u64 = 2;

/// Maximum size of the information and the track list.
const MAX_HEADER_BYTES: usize = 256 * 1024;
/// Maximum number of clusters. A day in clusters of two seconds has fewer.
const MAX_CLUSTERS: usize = 100_000;
/// Bytes at the end that are first searched for a cluster. The search doubles them up to the bound of the input.
const FIRST_TAIL_BYTES: u64 = 64 * 1024;

/// Header of a segment.
#[derive(Default)]
struct Segment {
    /// Seconds in a unit of time.
    unit_s: f64,
    duration_s: Option<f64>,
    tracks: usize,
    sound_track: Option<u64>,
    first_cluster: Option<u64>,
}

/// Reads the length of the first sound track.
pub(super) fn read(input: &mut Input<'_>) -> io::Result<Sound> {
    let Some(head) = Element::read(input, 0)?.and_then(|head| head.end()) else {
        return Ok(Sound::default());
    };
    let Some(root) = Element::read(input, head)?.filter(|root| root.id == SEGMENT) else {
        return Ok(Sound::default());
    };
    let truncation = root
        .size
        .and_then(|size| missing_bytes(size, input.len().saturating_sub(root.at)));
    let segment = Segment::read(input, root.at)?;
    let Some(track) = segment.sound_track else {
        return Ok(match segment.tracks {
            0 => Sound::default().with_truncation(truncation),
            _ => Sound::silent("it has no sound track"),
        });
    };
    let measured = match segment.first_cluster {
        Some(first) => segment.measure(input, first, track)?,
        None => None,
    };
    let sound = measured
        .or(segment.duration_s)
        .map_or_else(Sound::default, Sound::exact);
    Ok(sound.with_truncation(truncation))
}

impl Segment {
    /// Reads the elements up to the first cluster.
    fn read(input: &mut Input<'_>, mut at: u64) -> io::Result<Self> {
        let mut segment = Self {
            unit_s: 1e-3,
            ..Self::default()
        };
        while let Some(element) = Element::read(input, at)? {
            match element.id {
                INFO => segment.read_info(&element.content(input, MAX_HEADER_BYTES)?),
                TRACKS => segment.read_tracks(&element.content(input, MAX_HEADER_BYTES)?),
                CLUSTER => {
                    segment.first_cluster = Some(at);
                    break;
                }
                _ => {}
            }
            match element.end() {
                Some(end) => at = end,
                None => break,
            }
        }
        Ok(segment)
    }

    fn read_info(&mut self, info: &[u8]) {
        let mut duration = None;
        for (id, content) in elements(info) {
            match id {
                TIMESTAMP_SCALE => self.unit_s = be_any(content) as f64 * 1e-9,
                DURATION => duration = float(content),
                _ => {}
            }
        }
        self.duration_s = duration
            .map(|units| units * self.unit_s)
            .filter(|seconds| *seconds > 0.0);
    }

    fn read_tracks(&mut self, tracks: &[u8]) {
        for (_, track) in elements(tracks).filter(|(id, _)| *id == TRACK) {
            self.tracks += 1;
            let field = |wanted| {
                elements(track)
                    .find(|(id, _)| *id == wanted)
                    .map(|(_, content)| be_any(content))
            };
            if field(TRACK_TYPE) == Some(AUDIO) {
                self.sound_track = self.sound_track.or(field(TRACK_NUMBER));
            }
        }
    }

    /// Returns the seconds between the first and the last block of the track.
    fn measure(&self, input: &mut Input<'_>, first: u64, track: u64) -> io::Result<Option<f64>> {
        let clusters = list_clusters(input, first)?;
        let start = first_sound(input, &clusters, track)?;
        let mut end = None;
        for at in clusters.iter().rev() {
            end = read_cluster(input, *at, track)?;
            if end.is_some() {
                break;
            }
        }
        let (Some(start), Some(end)) = (start, end) else {
            return Ok(None);
        };
        let units = end.last + end.last_duration.unwrap_or(0) - start.first;
        Ok(Some(units as f64 * self.unit_s).filter(|seconds| *seconds > 0.0))
    }
}

fn first_sound(
    input: &mut Input<'_>,
    clusters: &[u64],
    track: u64,
) -> io::Result<Option<ClusterSound>> {
    for at in clusters {
        if let Some(sound) = read_cluster(input, *at, track)? {
            return Ok(Some(sound));
        }
    }
    Ok(None)
}

fn read_cluster(input: &mut Input<'_>, at: u64, track: u64) -> io::Result<Option<ClusterSound>> {
    match Element::read(input, at)? {
        Some(element) => cluster::read(input, &element, track),
        None => Ok(None),
    }
}

/// Returns the offsets of the clusters, or of the first and the last few if their sizes are unknown.
fn list_clusters(input: &mut Input<'_>, first: u64) -> io::Result<Vec<u64>> {
    let (mut at, mut clusters) = (first, Vec::new());
    while let Some(element) = Element::read(input, at)?.filter(|_| clusters.len() < MAX_CLUSTERS) {
        if element.id == CLUSTER {
            clusters.push(at);
        }
        match element.end() {
            Some(end) => at = end,
            None => {
                clusters.extend(last_clusters(input, at + 4)?);
                break;
            }
        }
    }
    Ok(clusters)
}

/// Searches the end of the file for clusters after the offset `after`.
fn last_clusters(input: &mut Input<'_>, after: u64) -> io::Result<Vec<u64>> {
    let mut tail = FIRST_TAIL_BYTES;
    loop {
        let from = input.len().saturating_sub(tail).max(after);
        // Leaves room for reading the blocks of the clusters that are found.
        if tail > input.allowance() / 2 {
            return Ok(Vec::new());
        }
        let bytes = input.read_at(from, tail as usize)?;
        let marks = bytes
            .windows(4)
            .enumerate()
            .filter(|(_, mark)| *mark == CLUSTER.to_be_bytes());
        let found: Vec<_> = marks
            .filter(|(at, _)| Element::parse(&bytes[*at..], 0).is_some())
            .map(|(at, _)| from + at as u64)
            .collect();
        if !found.is_empty() || from == after {
            return Ok(found);
        }
        tail *= 2;
    }
}
