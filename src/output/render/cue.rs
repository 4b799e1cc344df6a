//! Grouping of words into subtitle cues.
//!
//! A cue has one speaker, at most two lines of 42 columns and at most seven seconds. It ends at a pause or at the end of
//! a sentence where possible.

use super::punctuation::ends_clause;
use super::timing::{CueSpan, MAX_CUE_MS, correct_spans};
use super::token::{Token, tokens};
use crate::domain::Transcript;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use unicode_width::UnicodeWidthStr;

/// Maximum width of a line, in columns. The usual limit of broadcasters and streaming services.
pub(super) const MAX_COLUMNS: usize = 42;
/// Length of the silence that ends a cue, in milliseconds. It is the service's default for utterances.
const PAUSE_MS: u64 = 800;
/// Maximum number of words in a cue. It bounds words that have no width, which would never fill a line.
const MAX_WORDS: usize = 2 * MAX_COLUMNS;

/// A subtitle cue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cue {
    /// Display time.
    pub(super) span: CueSpan,
    /// Label of the speaker, if known.
    pub(super) label: Option<String>,
    /// Lines of text, one or two.
    pub(super) lines: Vec<String>,
}

/// Placement of speaker labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LabelPlacement {
    /// In the text, at the start of a turn.
    Inline,
    /// Separate from the text.
    Separate,
}

/// Returns the cues of a transcript in order. Silence gives no cues.
pub(super) fn cues(transcript: &Transcript, labels: LabelPlacement) -> Vec<Cue> {
    let groups = groups(tokens(transcript, MAX_COLUMNS), labels);
    let mut spans: Vec<_> = groups.iter().map(|group| span(group)).collect();
    correct_spans(&mut spans);
    groups
        .iter()
        .zip(spans)
        .map(|(group, span)| Cue {
            span,
            label: group[0].label.clone(),
            lines: lines(group),
        })
        .collect()
}

fn span(group: &[Token]) -> CueSpan {
    let end = group.iter().map(|token| token.end_ms).max();
    (group[0].start_ms, end.unwrap_or_default())
}

/// Splits words into groups that each fit one cue, ordered by start.
///
/// Channels are split separately, because people on different channels may speak at the same time. The channel with the
/// earliest next word is always processed next, so that the previous speaker is known.
fn groups(tokens: Vec<Token>, labels: LabelPlacement) -> Vec<Vec<Token>> {
    let mut channels = BTreeMap::<_, VecDeque<Token>>::new();
    for token in tokens {
        channels.entry(token.channel).or_default().push_back(token);
    }
    let next_start = |(channel, words): (&Option<u32>, &VecDeque<Token>)| {
        words.front().map(|word| Reverse((word.start_ms, *channel)))
    };
    let mut next: BinaryHeap<_> = channels.iter().filter_map(next_start).collect();
    let mut groups: Vec<Vec<Token>> = Vec::new();
    while let Some(Reverse((_, channel))) = next.pop() {
        let Some(words) = channels.get_mut(&channel) else {
            continue;
        };
        let last_label = groups.last().and_then(|group| group[0].label.clone());
        groups.extend(group(words, labels, last_label.as_deref()));
        next.extend(next_start((&channel, words)));
    }
    groups
}

/// Removes the words of one cue from the front of `words`. Returns `None` if there are no words.
fn group(
    words: &mut VecDeque<Token>,
    labels: LabelPlacement,
    last_label: Option<&str>,
) -> Option<Vec<Token>> {
    let mut first = words.pop_front()?;
    let mut group = Vec::new();
    if labels == LabelPlacement::Inline && first.label.as_deref() != last_label {
        group.extend(label_token(&first));
        first.has_space = true;
    }
    group.push(first);
    while let Some(next) = words.pop_front() {
        if ends(&group, &next) {
            words.push_front(next);
            break;
        }
        group.push(next);
        if lines_break(&group).is_none() {
            group
                .pop()
                .into_iter()
                .for_each(|word| words.push_front(word));
            break;
        }
    }
    Some(group)
}

/// Returns the label as a separate word before the first word of a turn.
///
/// A label always fits on one line, which leaves the other line for that word.
fn label_token(token: &Token) -> Option<Token> {
    let text = format!("{}:", token.label.as_ref()?);
    Some(Token {
        width: text.width(),
        text,
        end_ms: token.start_ms,
        ..token.clone()
    })
}

/// Whether the cue must end before `next`, even if `next` would fit.
fn ends(group: &[Token], next: &Token) -> bool {
    let (first, last) = (&group[0], &group[group.len() - 1]);
    let is_half_full = width(group) > MAX_COLUMNS;
    last.label != next.label
        || next.start_ms >= last.end_ms.saturating_add(PAUSE_MS)
        || next.end_ms > first.start_ms.saturating_add(MAX_CUE_MS)
        || group.len() >= MAX_WORDS
        || is_half_full && ends_clause(&last.text)
}

/// Returns the number of words on the first line, chosen so that both lines have a similar width.
///
/// Returns the number of all words if they fit on one line, and `None` if they do not fit on two.
fn lines_break(group: &[Token]) -> Option<usize> {
    if width(group) <= MAX_COLUMNS {
        return Some(group.len());
    }
    (1..group.len())
        .map(|split| (width(&group[..split]), width(&group[split..]), split))
        .filter(|(above, below, _)| *above <= MAX_COLUMNS && *below <= MAX_COLUMNS)
        .min_by_key(|(above, below, split)| (above.abs_diff(*below), *split))
        .map(|(_, _, split)| split)
}

/// Returns the width of the words on one line, in columns.
fn width(words: &[Token]) -> usize {
    words.iter().map(columns).sum::<usize>() - words.first().map_or(0, leading_space)
}

/// Returns the width of a word with its leading space, in columns.
fn columns(word: &Token) -> usize {
    word.width + leading_space(word)
}

fn leading_space(word: &Token) -> usize {
    usize::from(word.has_space)
}

fn lines(group: &[Token]) -> Vec<String> {
    let (above, below) = group.split_at(lines_break(group).unwrap_or(group.len()));
    [above, below]
        .into_iter()
        .filter(|words| !words.is_empty())
        .map(line)
        .collect()
}

fn line(words: &[Token]) -> String {
    let mut line = String::new();
    for (index, word) in words.iter().enumerate() {
        if index > 0 && word.has_space {
            line.push(' ');
        }
        line.push_str(&word.text);
    }
    line
}
