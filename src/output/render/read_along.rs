//! A transcript with the times of its words, to read along with the recording.

use super::reading::reading_paragraphs;
use super::segment::{segment_words, segments};
use super::token::Token;
use crate::domain::Transcript;

/// Maximum number of words in a paragraph. A browser marks a word in one frame only if its paragraph is short.
const MAX_WORDS: usize = 60;
/// Number of words from which a paragraph ends with its sentence.
const MANY_WORDS: usize = 40;
/// Length of the silence that ends a paragraph, in milliseconds.
const PAUSE_MS: u64 = 2000;
/// Length of the silence that is shown, in milliseconds.
const SILENCE_MS: u64 = 5000;

/// A paragraph with the times of its words.
#[derive(Debug, Clone, PartialEq)]
pub struct TimedParagraph {
    /// Length of the silence before it in seconds, if it is long enough to be shown.
    pub silence_s: Option<f64>,
    /// Label of the speaker, if known.
    pub speaker: Option<String>,
    /// Words. There is at least one.
    pub words: Vec<TimedWord>,
}

/// A word as it is displayed.
#[derive(Debug, Clone, PartialEq)]
pub struct TimedWord {
    /// Text.
    pub text: String,
    /// Whether a space separates it from the word before.
    pub has_space: bool,
    /// Whether the model is not sure of it.
    pub is_unsure: bool,
    /// Start and end in milliseconds. `None` if the transcript has no times.
    pub span_ms: Option<(u64, u64)>,
}

/// Returns the paragraphs of a transcript in the order of their times. Those of different channels may overlap.
#[must_use]
pub fn read_along(transcript: &Transcript) -> Vec<TimedParagraph> {
    if !transcript.has_times() {
        return without_times(transcript);
    }
    let words = segment_words(transcript);
    let mut paragraphs: Vec<TimedParagraph> = Vec::new();
    let mut end_ms = 0;
    for segment in segments(&words) {
        let is_new = paragraphs
            .last()
            .is_none_or(|last| starts_paragraph(last, segment.label, segment.start_ms, end_ms));
        for (index, token) in segment.words.iter().enumerate() {
            let last = paragraphs
                .last_mut()
                .filter(|last| (index > 0 || !is_new) && last.words.len() < MAX_WORDS);
            match last {
                Some(last) => last.words.push(timed(token)),
                None => paragraphs.push(TimedParagraph {
                    silence_s: silence(end_ms, token.start_ms),
                    speaker: segment.label.map(str::to_owned),
                    words: vec![timed(token)],
                }),
            }
            end_ms = end_ms.max(token.end_ms);
        }
    }
    paragraphs
}

fn starts_paragraph(
    last: &TimedParagraph,
    label: Option<&str>,
    start_ms: u64,
    end_ms: u64,
) -> bool {
    last.speaker.as_deref() != label
        || last.words.len() >= MANY_WORDS
        || start_ms >= end_ms.saturating_add(PAUSE_MS)
}

fn silence(from_ms: u64, until_ms: u64) -> Option<f64> {
    let silence_ms = until_ms.saturating_sub(from_ms);
    (silence_ms >= SILENCE_MS).then(|| silence_ms as f64 / 1000.0)
}

fn timed(token: &Token<'_>) -> TimedWord {
    TimedWord {
        text: token.text.clone().into_owned(),
        has_space: token.has_space,
        is_unsure: token.is_unsure,
        span_ms: Some((token.start_ms, token.end_ms)),
    }
}

fn without_times(transcript: &Transcript) -> Vec<TimedParagraph> {
    let paragraphs = reading_paragraphs(transcript).paragraphs.into_iter();
    let paragraphs = paragraphs.map(|paragraph| TimedParagraph {
        silence_s: None,
        speaker: paragraph.label,
        words: vec![TimedWord {
            text: paragraph.text,
            has_space: false,
            is_unsure: false,
            span_ms: None,
        }],
    });
    paragraphs.collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::words;
    use super::*;

    fn texts(paragraphs: &[TimedParagraph]) -> Vec<String> {
        let text = |paragraph: &TimedParagraph| {
            let words = paragraph.words.iter();
            let text: String = words
                .map(|word| {
                    if word.has_space {
                        format!(" {}", word.text)
                    } else {
                        word.text.clone()
                    }
                })
                .collect();
            let speaker = paragraph.speaker.as_deref().unwrap_or_default();
            format!("{speaker}:{text}")
        };
        paragraphs.iter().map(text).collect()
    }

    #[test]
    fn a_paragraph_ends_with_a_turn_and_a_pause() {
        let mut transcript = Transcript {
            words: words("Good morning.", 1.0, "0", None),
            ..Transcript::default()
        };
        transcript
            .words
            .extend(words("Hello there.", 2.0, "1", None));
        transcript
            .words
            .extend(words("Much later.", 20.0, "1", None));
        transcript.words[0].confidence = Some(0.4);
        let paragraphs = read_along(&transcript);
        assert_eq!(
            texts(&paragraphs),
            [
                "Speaker 1: Good morning.",
                "Speaker 2: Hello there.",
                "Speaker 2: Much later."
            ]
        );
        let silences: Vec<_> = paragraphs.iter().map(|one| one.silence_s).collect();
        assert_eq!(silences, [None, None, Some(17.3)]);
        assert!(paragraphs[0].words[0].is_unsure && !paragraphs[0].words[1].is_unsure);
        assert_eq!(paragraphs[2].words[0].span_ms, Some((20_000, 20_300)));
    }

    #[test]
    fn long_speech_is_divided() {
        let text = "word ".repeat(200);
        let transcript = Transcript {
            words: words(text.trim(), 0.0, "", None),
            ..Transcript::default()
        };
        let paragraphs = read_along(&transcript);
        assert!(
            paragraphs
                .iter()
                .all(|one| (1..=MAX_WORDS).contains(&one.words.len()))
        );
        let count: usize = paragraphs.iter().map(|one| one.words.len()).sum();
        assert_eq!(count, 200);
    }

    #[test]
    fn a_text_without_times_is_shown() {
        let transcript = Transcript {
            text: "Only text.\nIn two lines.".to_owned(),
            ..Transcript::default()
        };
        let paragraphs = read_along(&transcript);
        assert_eq!(texts(&paragraphs), [":Only text.", ":In two lines."]);
        assert_eq!(paragraphs[0].words[0].span_ms, None);
    }
}
