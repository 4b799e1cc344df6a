//! MP4, M4A, 3GP and QuickTime.
//!
//! - `boxes`: the boxes that these containers consist of
//! - `track`: sound tracks in the index
//! - `fragments`: sound in fragments after the index
//! - [`delivery`](delivery()): facts for players; [`fragment_table`](fragment_table()): the sound in all fragments
//! - [`payload`](payload()): the samples of the sound; `sample_entry`: their codec; `chunks`, `fragment_walk`: where they lie

mod boxes;
mod chunks;
mod delivery;
mod fragment_table;
mod fragment_walk;
mod fragments;
mod payload;
mod sample_entry;
mod track;

pub(super) use delivery::delivery;
pub(in crate::media) use fragment_table::fragment_table;
pub(super) use payload::payload;

use crate::media::input::Input;
use crate::media::sound::{Length, Sound, missing_bytes};
use boxes::Mp4Box;
use fragments::Fragment;
use std::io;
use track::{SoundTrack, Tracks};

/// Maximum number of boxes that are searched. A day in fragments of one second has fewer.
const MAX_BOXES: usize = 200_000;

/// Boxes at the top level.
#[derive(Default)]
struct Layout {
    index: Option<Mp4Box>,
    fragments: Vec<Fragment>,
    /// Proof that the index or the last media data is incomplete.
    truncation: Option<String>,
}

/// Reads the length of the first sound track.
pub(super) fn read(input: &mut Input<'_>) -> io::Result<Sound> {
    let layout = Layout::read(input)?;
    let Some(index) = layout.index else {
        return Ok(Sound::truncated(
            layout
                .truncation
                .unwrap_or_else(|| "the index (moov) is missing".to_owned()),
        ));
    };
    let tracks = Tracks::read(input, &index)?;
    let is_fragmented = tracks.is_fragmented || !layout.fragments.is_empty();
    let mut is_empty = tracks.total > 0;
    for track in &tracks.sound {
        let fragments_s = fragments::seconds(input, &layout.fragments, track)?;
        if let Some(seconds) = length(track, fragments_s) {
            // A crash cuts off the last fragment, and what is there of it is decoded.
            let truncation = layout.truncation.filter(|_| !is_fragmented);
            return Ok(Sound::exact(seconds).with_truncation(truncation));
        }
        is_empty &= !is_fragmented;
    }
    Ok(match layout.truncation {
        Some(reason) => Sound::truncated(reason),
        None if is_empty => Sound::silent("it has no sound track"),
        None => Sound {
            length: Length::Unknown,
            defect: None,
        },
    })
}

fn length(track: &SoundTrack, fragments_s: Option<f64>) -> Option<f64> {
    let seconds = match fragments_s {
        // The edits of the index do not cover the fragments.
        Some(fragments_s) => track.samples_s + fragments_s,
        None => track.edited_s.unwrap_or(track.samples_s),
    };
    (seconds > 0.0).then_some(seconds)
}

impl Layout {
    fn read(input: &mut Input<'_>) -> io::Result<Self> {
        let (mut at, mut layout) = (0, Self::default());
        let len = input.len();
        for _ in 0..MAX_BOXES {
            let Some(found) = Mp4Box::read(input, at, len)? else {
                break;
            };
            let missing = missing_bytes(found.end - found.start, len - found.start);
            match &found.kind {
                b"moov" => layout.index = Some(found),
                b"moof" if missing.is_none() => layout.fragments.push(Fragment::whole(found)),
                _ => {}
            }
            if matches!(&found.kind, b"mdat" | b"moov") {
                layout.truncation = missing;
            }
            if layout.truncation.is_some() || found.end > len {
                break;
            }
            at = found.end;
        }
        layout.shorten_last_fragment(input)?;
        Ok(layout)
    }

    /// Shortens the last fragment if the file ends within its media data.
    fn shorten_last_fragment(&mut self, input: &mut Input<'_>) -> io::Result<()> {
        let Some(last) = self.fragments.last_mut() else {
            return Ok(());
        };
        let len = input.len();
        let data = Mp4Box::read(input, last.header.end, len)?;
        if let Some(data) = data.filter(|data| data.end > len) {
            let (there, declared) = (len.saturating_sub(data.at), data.end - data.at);
            last.share = there as f64 / declared as f64;
        }
        Ok(())
    }
}
