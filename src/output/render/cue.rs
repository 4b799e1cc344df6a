//! Subtitle cues.
//!
//! A cue has one speaker, at most two lines (or one, by its settings) and at most seven seconds. The words of each channel are divided separately,
//! because people on different channels may speak at the same time. Their cues then overlap.

use super::cue_break::{CueLimits, CueWords, divide};
use super::label::labelled;
use super::line_limit::max_columns;
use super::speech::Speech;
use super::timing::{CueSpan, SpokenCue, display_spans};
use super::token::{Token, tokens};
use super::weak_words::WordBinding;
use crate::domain::rendering::SubtitleOptions;
use crate::domain::{Language, Transcript};
use std::rc::Rc;

/// A subtitle cue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cue {
    /// Display time.
    pub(super) span: CueSpan,
    /// Label of the speaker, if known.
    pub(super) label: Option<Rc<str>>,
    /// Lines of text, one or two.
    pub(super) lines: Vec<String>,
}

/// Placement of speaker labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LabelPlacement {
    /// In the text, where the speaker changes.
    Inline,
    /// Separate from the text.
    Separate,
}

/// Returns the cues of a transcript, ordered by start. Those of one channel do not overlap. Silence gives no cues.
pub(super) fn cues(
    transcript: &Transcript,
    labels: LabelPlacement,
    language: Option<&Language>,
    options: &SubtitleOptions,
) -> Vec<Cue> {
    let texts = transcript.words.iter().map(|word| word.text.as_str());
    let texts = texts.chain([transcript.text.as_str()]);
    let options = SubtitleOptions {
        max_chars: max_columns(texts, options.max_chars),
        ..*options
    };
    let words = tokens(transcript, options.max_chars);
    let channels = || words.chunk_by(|word, next| word.channel == next.channel);
    let binding = WordBinding::of(language);
    let cues_of = |words: &[Token<'_>]| {
        let others = channels().filter(|others| others[0].channel != words[0].channel);
        let other_starts = others.flatten().map(|word| word.start_ms);
        let mut other_starts: Vec<_> = other_starts.collect();
        other_starts.sort_unstable();
        let limits = CueLimits {
            options: &options,
            has_labels: labels == LabelPlacement::Inline,
            other_starts: &other_starts,
        };
        channel_cues(&Speech::new(words, &binding), &limits)
    };
    let mut cues: Vec<_> = channels().flat_map(cues_of).collect();
    cues.sort_by_key(|cue| cue.span.0);
    cues
}

fn channel_cues(speech: &Speech<'_>, limits: &CueLimits<'_>) -> Vec<Cue> {
    let divided = divide(speech, limits);
    let spoken: Vec<_> = divided.iter().map(|cue| spoken(speech, cue)).collect();
    let cues = divided.iter().zip(display_spans(&spoken, limits.options));
    let cues = cues.map(|(cue, span)| Cue {
        span,
        label: speech.words[cue.from].label.clone(),
        lines: lines(speech, cue),
    });
    cues.collect()
}

fn spoken(speech: &Speech<'_>, cue: &CueWords) -> SpokenCue {
    let words = &speech.words[cue.from..cue.to];
    let end_ms = words.iter().map(|word| word.end_ms).max();
    SpokenCue {
        span: (words[0].start_ms, end_ms.unwrap_or_default()),
        columns: speech.width(cue.from, cue.to),
    }
}

fn lines(speech: &Speech<'_>, cue: &CueWords) -> Vec<String> {
    let above = line(&speech.words[cue.from..cue.second_line]);
    let below = line(&speech.words[cue.second_line..cue.to]);
    let above = match &speech.words[cue.from].label {
        Some(label) if cue.has_label => labelled(label, &above),
        _ => above,
    };
    let lines = [above, below].into_iter();
    lines.filter(|line| !line.is_empty()).collect()
}

fn line(words: &[Token<'_>]) -> String {
    let mut line = String::new();
    for (index, word) in words.iter().enumerate() {
        if index > 0 && word.has_space {
            line.push(' ');
        }
        line.push_str(&word.text);
    }
    line
}
