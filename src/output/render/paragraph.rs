//! Paragraphs for reading: those of the service, or sentences grouped by turns, pauses and length.

use super::label::label;
use super::plain;
use super::segment::{Segment, segment_words, segments};
use super::spacing;
use super::timing::millis;
use super::token::text_tokens;
use crate::domain::Transcript;

/// Maximum number of segments in a paragraph that is made of sentences.
const MAX_SEGMENTS: usize = 6;
/// Length from which a paragraph ends with its sentence, in characters.
const LONG_CHARS: usize = 600;
/// Length of the silence that ends a paragraph, in milliseconds.
const PAUSE_MS: u64 = 2000;

/// A paragraph of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReadingParagraph {
    /// Start, in milliseconds.
    pub(super) start_ms: u64,
    /// Label of the speaker, if known.
    pub(super) label: Option<String>,
    /// Text, as one line. Never empty.
    pub(super) text: String,
}

/// Returns the paragraphs of the service, or paragraphs of sentences with times if there are none.
pub(super) fn paragraphs(transcript: &Transcript) -> Vec<ReadingParagraph> {
    let given = given_paragraphs(transcript);
    if given.is_empty() {
        group(segments(&segment_words(transcript)))
    } else {
        given
    }
}

/// Returns the paragraphs of the text alone, which has no times. Each line of the text starts a paragraph.
pub(super) fn text_paragraphs(transcript: &Transcript) -> Vec<ReadingParagraph> {
    let lines = transcript.text.lines();
    lines
        .flat_map(|line| group(segments(&text_tokens(line, usize::MAX))))
        .collect()
}

fn given_paragraphs(transcript: &Transcript) -> Vec<ReadingParagraph> {
    let sentences = spacing::sentences(transcript);
    let paragraphs = transcript.paragraphs.iter().zip(sentences);
    let paragraphs = paragraphs.map(|(paragraph, sentences)| ReadingParagraph {
        start_ms: millis(paragraph.start_s),
        label: label(
            &transcript.speaker_names,
            paragraph.speaker.as_ref(),
            paragraph.channel,
        ),
        text: plain::join(sentences.iter().map(|sentence| &**sentence)),
    });
    paragraphs
        .filter(|paragraph| !paragraph.text.is_empty())
        .collect()
}

fn group(segments: Vec<Segment<'_>>) -> Vec<ReadingParagraph> {
    let mut paragraphs: Vec<ReadingParagraph> = Vec::new();
    let (mut count, mut chars, mut end_ms) = (0, 0, 0);
    for segment in segments {
        let text = segment.text();
        let continues = |last: &&mut ReadingParagraph| {
            last.label.as_deref() == segment.label
                && count < MAX_SEGMENTS
                && chars < LONG_CHARS
                && segment.start_ms < end_ms + PAUSE_MS
        };
        (count, chars) = match paragraphs.last_mut().filter(continues) {
            Some(last) => {
                if segment.words[0].has_space {
                    last.text.push(' ');
                }
                last.text.push_str(&text);
                (count + 1, chars + text.chars().count())
            }
            None => {
                let chars = text.chars().count();
                paragraphs.push(ReadingParagraph {
                    start_ms: segment.start_ms,
                    label: segment.label.map(str::to_owned),
                    text,
                });
                (1, chars)
            }
        };
        end_ms = segment.end_ms;
    }
    paragraphs
}
