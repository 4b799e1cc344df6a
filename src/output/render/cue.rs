//! Words cut into cues: at most two lines of 42 columns, at most seven seconds, one speaker; cut at a pause or the end
//! of a sentence where there is one.

use super::plain::needs_space;
use super::timing::{LONGEST_MS, Span, mend, millis};
use super::token::{Token, tokens};
use crate::domain::Transcript;
use unicode_width::UnicodeWidthStr;

/// Columns of a line, as broadcasters and streaming services have them.
const COLUMNS: usize = 42;
/// A silence of so many seconds ends a cue.
const PAUSE_S: f64 = 0.8;

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
    if transcript.is_silent() {
        return Vec::new();
    }
    let tokens = tokens(transcript, COLUMNS);
    let mut groups: Vec<Vec<Token>> = by_channel(tokens)
        .into_iter()
        .flat_map(|channel| cut(channel, labels))
        .collect();
    groups.sort_by(|a, b| a[0].start_s.total_cmp(&b[0].start_s));
    let mut spans: Vec<_> = groups.iter().map(|group| span(group)).collect();
    mend(&mut spans);
    let cues = groups.iter().zip(spans);
    cues.map(|(group, span)| Cue {
        span,
        label: group[0].label.clone(),
        lines: lines(group),
    })
    .collect()
}

/// People on different channels may speak at once; each channel is cut by itself.
fn by_channel(tokens: Vec<Token>) -> Vec<Vec<Token>> {
    let mut channels = std::collections::BTreeMap::<_, Vec<_>>::new();
    for token in tokens {
        channels.entry(token.channel).or_default().push(token);
    }
    channels.into_values().collect()
}

fn span(group: &[Token]) -> Span {
    let end = group.iter().map(|token| token.end_s).fold(0.0, f64::max);
    (millis(group[0].start_s), millis(end))
}

/// Cuts tokens in order into groups that each fit a cue.
fn cut(tokens: Vec<Token>, labels: Labels) -> Vec<Vec<Token>> {
    let mut groups = Vec::new();
    let mut group: Vec<Token> = Vec::new();
    let mut speaking = None;
    for token in tokens {
        if !group.is_empty() && is_cut(&group, &token) {
            groups.push(std::mem::take(&mut group));
        }
        if labels == Labels::InText && token.label != speaking {
            group.extend(spoken(&token));
            speaking.clone_from(&token.label);
        }
        group.push(token);
        // A label may have made it too wide.
        if group.len() > 1 && best_break(&group).is_none() {
            let last = group.split_off(group.len() - 1);
            groups.push(std::mem::replace(&mut group, last));
        }
    }
    if !group.is_empty() {
        groups.push(group);
    }
    groups
}

/// The label as a word of its own before the first word of a turn.
fn spoken(token: &Token) -> Option<Token> {
    let label = token.label.as_ref()?;
    Some(Token {
        text: format!("{label}:"),
        end_s: token.start_s,
        ..token.clone()
    })
}

fn is_cut(group: &[Token], next: &Token) -> bool {
    let (first, last) = (&group[0], &group[group.len() - 1]);
    if last.label != next.label || next.start_s - last.end_s >= PAUSE_S {
        return true;
    }
    if millis(next.end_s) > millis(first.start_s) + LONGEST_MS {
        return true;
    }
    let width = joined_width(group);
    if ends_sentence(&last.text) && width > COLUMNS
        || ends_clause(&last.text) && width > COLUMNS * 3 / 2
    {
        return true;
    }
    let with_next: Vec<_> = group.iter().chain([next]).cloned().collect();
    best_break(&with_next).is_none()
}

fn ends_sentence(text: &str) -> bool {
    text.trim_end_matches(['"', '\'', ')', '”', '’', '»'])
        .ends_with(['.', '?', '!', '…', '。', '？', '！'])
}

fn ends_clause(text: &str) -> bool {
    text.ends_with([',', ';', ':', '，', '、', '；', '：'])
}

/// How many tokens go on the first line, so that the lines are as equal as can be; `None` if two lines do not do.
fn best_break(group: &[Token]) -> Option<usize> {
    if joined_width(group) <= COLUMNS {
        return Some(group.len());
    }
    (1..group.len())
        .map(|split| {
            (
                joined_width(&group[..split]),
                joined_width(&group[split..]),
                split,
            )
        })
        .filter(|(above, below, _)| *above <= COLUMNS && *below <= COLUMNS)
        .min_by_key(|(above, below, split)| (above.abs_diff(*below), *split))
        .map(|(_, _, split)| split)
}

fn joined_width(group: &[Token]) -> usize {
    let words: usize = group.iter().map(|token| token.text.width()).sum();
    let spaces = group
        .windows(2)
        .filter(|pair| needs_space(&pair[0].text, &pair[1].text))
        .count();
    words + spaces
}

fn lines(group: &[Token]) -> Vec<String> {
    let split = best_break(group).unwrap_or(group.len());
    let (above, below) = group.split_at(split);
    let line =
        |tokens: &[Token]| super::plain::join(tokens.iter().map(|token| token.text.as_str()));
    [above, below]
        .into_iter()
        .filter(|tokens| !tokens.is_empty())
        .map(line)
        .collect()
}
