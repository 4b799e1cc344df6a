//! Words cut into cues: at most two lines of 42 columns, at most seven seconds, one speaker; cut at a pause or the end
//! of a sentence where there is one.

use super::timing::{LONGEST_MS, Span, mend};
use super::token::{Token, tokens};
use crate::domain::Transcript;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use unicode_width::UnicodeWidthStr;

/// Columns of a line, as broadcasters and streaming services have them.
pub(super) const COLUMNS: usize = 42;
/// A silence of so many milliseconds ends a cue, as it ends an utterance of the service where nothing else is asked for.
const PAUSE_MS: u64 = 800;
/// Most words of a cue: no two lines hold more, but there are characters that take no column.
const MOST_WORDS: usize = 2 * COLUMNS;

/// What is shown at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cue {
    pub(super) span: Span,
    /// Who speaks.
    pub(super) label: Option<String>,
    /// One or two.
    pub(super) lines: Vec<String>,
}

/// Where the label of a speaker goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Labels {
    /// Into the text, where a turn begins.
    InText,
    /// Beside it.
    Aside,
}

/// The cues of a transcript, in order. None for silence.
pub(super) fn cues(transcript: &Transcript, labels: Labels) -> Vec<Cue> {
    let groups = groups(tokens(transcript, COLUMNS), labels);
    let mut spans: Vec<_> = groups.iter().map(|group| span(group)).collect();
    mend(&mut spans);
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

fn span(group: &[Token]) -> Span {
    let end = group.iter().map(|token| token.end_ms).max();
    (group[0].start_ms, end.unwrap_or_default())
}

/// Words in groups that each fit a cue, sorted by their starts. People on different channels may speak at once, so each
/// channel is cut by itself, and the channel that goes on first is cut next: only so is it known whose turn came before.
fn groups(tokens: Vec<Token>, labels: Labels) -> Vec<Vec<Token>> {
    let mut channels = BTreeMap::<_, VecDeque<Token>>::new();
    for token in tokens {
        channels.entry(token.channel).or_default().push_back(token);
    }
    let begins = |(channel, words): (&Option<u32>, &VecDeque<Token>)| {
        words.front().map(|word| Reverse((word.start_ms, *channel)))
    };
    let mut next: BinaryHeap<_> = channels.iter().filter_map(begins).collect();
    let mut groups: Vec<Vec<Token>> = Vec::new();
    while let Some(Reverse((_, channel))) = next.pop() {
        let Some(words) = channels.get_mut(&channel) else {
            continue;
        };
        let speaking = groups.last().and_then(|group| group[0].label.clone());
        groups.extend(group(words, labels, speaking.as_deref()));
        next.extend(begins((&channel, words)));
    }
    groups
}

/// Takes the words of one cue from the front of `words`; nothing if there are none.
fn group(
    words: &mut VecDeque<Token>,
    labels: Labels,
    speaking: Option<&str>,
) -> Option<Vec<Token>> {
    let mut first = words.pop_front()?;
    let mut group = Vec::new();
    if labels == Labels::InText && first.label.as_deref() != speaking {
        group.extend(spoken(&first));
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

/// The label as a word of its own before the first word of a turn. It fits a line, so that there is always a line left
/// for that word.
fn spoken(token: &Token) -> Option<Token> {
    let text = format!("{}:", token.label.as_ref()?);
    Some(Token {
        width: text.width(),
        text,
        end_ms: token.start_ms,
        ..token.clone()
    })
}

/// Whether a cue ends before `next`, were there still room for it.
fn ends(group: &[Token], next: &Token) -> bool {
    let (first, last) = (&group[0], &group[group.len() - 1]);
    let is_half_full = width(group) > COLUMNS;
    last.label != next.label
        || next.start_ms >= last.end_ms.saturating_add(PAUSE_MS)
        || next.end_ms > first.start_ms.saturating_add(LONGEST_MS)
        || group.len() >= MOST_WORDS
        || is_half_full && (ends_sentence(&last.text) || ends_clause(&last.text))
}

/// Whether a sentence ends with this word.
pub(super) fn ends_sentence(text: &str) -> bool {
    text.trim_end_matches(['"', '\'', ')', '”', '’', '»', '」', '』'])
        .ends_with(['.', '?', '!', '…', '。', '？', '！'])
}

fn ends_clause(text: &str) -> bool {
    text.ends_with([',', ';', ':', '，', '、', '；', '：'])
}

/// How many words go on the first line, so that the lines are as equal as can be; all, if one line does; `None` if two
/// do not.
fn lines_break(group: &[Token]) -> Option<usize> {
    if width(group) <= COLUMNS {
        return Some(group.len());
    }
    (1..group.len())
        .map(|split| (width(&group[..split]), width(&group[split..]), split))
        .filter(|(above, below, _)| *above <= COLUMNS && *below <= COLUMNS)
        .min_by_key(|(above, below, split)| (above.abs_diff(*below), *split))
        .map(|(_, _, split)| split)
}

/// Columns of words on one line.
fn width(words: &[Token]) -> usize {
    words.iter().map(columns).sum::<usize>() - words.first().map_or(0, indent)
}

/// Columns of a word with the space before it.
fn columns(word: &Token) -> usize {
    word.width + indent(word)
}

fn indent(word: &Token) -> usize {
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
