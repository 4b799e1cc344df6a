//! Cost of a subtitle, from the words that it shows and the time for which it can be read.
//!
//! The unit is arbitrary: an additional subtitle costs 16.

use super::speech::{Boundary, Speech};
use crate::domain::rendering::SubtitleOptions;

/// Cost of each subtitle. It keeps sentences together.
const CUE: u64 = 16;
/// Length of a pause that is better between subtitles than within one, in milliseconds.
const SHORT_PAUSE_MS: u64 = 300;
/// Display time below which a subtitle flashes up: five sixths of a second, as the style guides demand.
const FLASH_MS: u64 = 833;

/// A subtitle whose cost is to be computed.
#[derive(Debug, Clone, Copy)]
pub(super) struct CueFacts {
    /// First word.
    pub(super) from: usize,
    /// Word after the last.
    pub(super) to: usize,
    /// Width of the label with its space, in columns. 0 if none is shown.
    pub(super) label: usize,
    /// Width of the text with its label, in columns.
    pub(super) columns: usize,
    /// Display time, in milliseconds.
    pub(super) shown_ms: u64,
    /// Silence after the last word, in milliseconds.
    pub(super) pause_ms: u64,
    /// Silence between its words beyond short pauses, in milliseconds.
    pub(super) inner_pause_ms: u64,
}

/// Returns the cost of a subtitle, apart from its line break.
pub(super) fn cost(speech: &Speech<'_>, facts: &CueFacts, options: &SubtitleOptions) -> u64 {
    CUE + end_cost(speech.boundaries[facts.to - 1], facts.pause_ms)
        + speed_cost(facts.columns as u64, facts.shown_ms, options)
        + time_cost(facts.shown_ms)
        + single_word_cost(speech, facts)
        + facts.inner_pause_ms / 3
}

/// Returns the silence after a word that counts as a pause within a subtitle, in milliseconds.
pub(super) const fn inner_pause(pause_ms: u64) -> u64 {
    pause_ms.saturating_sub(SHORT_PAUSE_MS)
}

fn end_cost(boundary: Boundary, pause_ms: u64) -> u64 {
    let cost = match boundary {
        Boundary::Sentence => 0,
        Boundary::Clause => 8,
        Boundary::Phrase => 240,
        Boundary::Words => 290,
        Boundary::WeakWord => 550,
        Boundary::Inside => 3000,
    };
    // The speaker marks an end, too.
    if pause_ms > SHORT_PAUSE_MS {
        cost * 2 / 3
    } else {
        cost
    }
}

fn speed_cost(columns: u64, shown_ms: u64, options: &SubtitleOptions) -> u64 {
    let speed = columns * 1000 / shown_ms.max(1);
    let excess = speed.saturating_sub(options.comfortable_cps()).min(100);
    let step = if speed >= options.max_cps { 200 } else { 0 };
    4 * excess * excess + step
}

fn time_cost(shown_ms: u64) -> u64 {
    let flash = if shown_ms < FLASH_MS { 400 } else { 0 };
    flash + 1500_u64.saturating_sub(shown_ms) / 10
}

/// A word alone is no sentence unless it stands between two.
fn single_word_cost(speech: &Speech<'_>, facts: &CueFacts) -> u64 {
    let is_after_sentence = facts
        .from
        .checked_sub(1)
        .is_none_or(|last| speech.boundaries[last] == Boundary::Sentence);
    match facts.to - facts.from {
        1 if !is_after_sentence => 400,
        1 => 30,
        2 if !is_after_sentence => 60,
        _ => 0,
    }
}
