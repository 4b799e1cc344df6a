//! Division of the words of a channel into subtitles, by the lowest total cost.
//!
//! A subtitle has a bounded number of words, so the time is linear in the number of words.

use super::cue_cost::{CueFacts, cost, inner_pause};
use super::line_break::layout;
use super::speech::Speech;
use super::timing::{MAX_CUE_MS, display_end};
use super::token::Token;
use crate::domain::rendering::SubtitleOptions;
use unicode_width::UnicodeWidthStr;

/// Length of the silence that ends a subtitle in any case, in milliseconds.
const LONG_PAUSE_MS: u64 = 1500;
/// Maximum number of words in a subtitle. It bounds words without width, which would never fill a line.
const MAX_WORDS: usize = 84;

/// The words of one subtitle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CueWords {
    /// First word.
    pub(super) from: usize,
    /// Word after the last.
    pub(super) to: usize,
    /// First word of the second line, or `to`.
    pub(super) second_line: usize,
    /// Whether the label precedes the text.
    pub(super) has_label: bool,
}

/// Settings of the division.
pub(super) struct CueLimits<'a> {
    /// Lines and reading speed. `max_chars` is that of the script.
    pub(super) options: &'a SubtitleOptions,
    /// Whether a subtitle shows its label in the text, where the speaker changes.
    pub(super) has_labels: bool,
    /// Starts of the words of all other channels in order, in milliseconds.
    pub(super) other_starts: &'a [u64],
}

/// The best division of the words up to one of them.
#[derive(Clone, Copy)]
struct Best {
    cost: u64,
    last: CueWords,
}

/// Returns the subtitles of a channel in order.
pub(super) fn divide(speech: &Speech<'_>, limits: &CueLimits<'_>) -> Vec<CueWords> {
    let mut best: Vec<Option<Best>> = vec![None; speech.words.len() + 1];
    for from in 0..speech.words.len() {
        let before = if from == 0 { None } else { best[from] };
        if from > 0 && before.is_none() {
            continue;
        }
        let has_label = limits.has_labels && needs_label(speech, limits, from, before);
        let label = label_columns(&speech.words[from]).filter(|_| has_label);
        let cost_before = before.map_or(0, |before| before.cost);
        for facts in cues_from(speech, limits, from, label.unwrap_or(0)) {
            let known = best[facts.to].map_or(u64::MAX, |known| known.cost);
            let cost = cost_before + cost(speech, &facts, limits.options);
            // The line break is chosen only where it can still matter.
            if cost >= known {
                continue;
            }
            let layout = layout(speech, (from, facts.to), facts.label, limits.options);
            if let Some(layout) = layout.filter(|layout| cost + layout.cost < known) {
                let last = CueWords {
                    from,
                    to: facts.to,
                    second_line: layout.second_line,
                    has_label,
                };
                let cost = cost + layout.cost;
                best[facts.to] = Some(Best { cost, last });
            }
        }
    }
    trace_back(&best)
}

fn trace_back(best: &[Option<Best>]) -> Vec<CueWords> {
    let mut cues = Vec::new();
    let mut end = best.len() - 1;
    while let Some(found) = best[end].filter(|_| end > 0) {
        cues.push(found.last);
        end = found.last.from;
    }
    cues.reverse();
    cues
}

/// Whether the label must be shown, because the subtitle before is that of another speaker.
fn needs_label(
    speech: &Speech<'_>,
    limits: &CueLimits<'_>,
    from: usize,
    before: Option<Best>,
) -> bool {
    let first = &speech.words[from];
    let Some(before) = before.filter(|_| first.label.is_some()) else {
        return first.label.is_some();
    };
    let last = &speech.words[before.last.from];
    let is_between = |start: &u64| *start >= last.start_ms && *start <= first.start_ms;
    let next_other = limits
        .other_starts
        .partition_point(|start| *start < last.start_ms);
    last.label != first.label || limits.other_starts.get(next_other).is_some_and(is_between)
}

/// Returns the width of the label of a word with its space, in columns.
fn label_columns(word: &Token<'_>) -> Option<usize> {
    let label = word.label.as_deref()?;
    Some(label.width() + ": ".len())
}

/// Returns the possible subtitles that start with a word, by their last word. They may still not fit on their lines, except
/// for the first.
fn cues_from(
    speech: &Speech<'_>,
    limits: &CueLimits<'_>,
    from: usize,
    label: usize,
) -> impl Iterator<Item = CueFacts> {
    let words = speech.words;
    let first = &words[from];
    let (mut end_ms, mut inner_pause_ms) = (first.end_ms, 0);
    let ends = from + 1..=words.len().min(from + MAX_WORDS);
    ends.map_while(move |to| {
        let last = &words[to - 1];
        let columns = label + speech.width(from, to);
        if to > from + 1 {
            let pause_ms = last.start_ms.saturating_sub(end_ms);
            let is_full = columns > limits.options.max_lines * limits.options.max_chars
                || last.end_ms.saturating_sub(first.start_ms) > MAX_CUE_MS;
            if is_full || pause_ms >= LONG_PAUSE_MS || last.label != words[to - 2].label {
                return None;
            }
            inner_pause_ms += inner_pause(pause_ms);
        }
        end_ms = end_ms.max(last.end_ms);
        let next_start_ms = words.get(to).map(|next| next.start_ms);
        let shown_until = display_end(
            (first.start_ms, end_ms),
            columns,
            next_start_ms,
            limits.options,
        );
        Some(CueFacts {
            from,
            to,
            label,
            columns,
            shown_ms: shown_until.saturating_sub(first.start_ms),
            pause_ms: next_start_ms.map_or(0, |next| next.saturating_sub(end_ms)),
            inner_pause_ms,
        })
    })
}
