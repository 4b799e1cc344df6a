//! The words that subtitles are cut from, with times, wherever they come from.

use super::label::label;
use super::plain;
use crate::domain::Transcript;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// How fast people speak, where nothing else is known, in characters a second.
const CHARACTERS_A_SECOND: f64 = 15.0;

/// What is not cut any further.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) start_s: f64,
    pub(super) end_s: f64,
    pub(super) label: Option<String>,
    pub(super) channel: Option<u32>,
}

/// A stretch of text between two times.
struct Stretch<'a> {
    text: &'a str,
    start_s: f64,
    end_s: f64,
    label: Option<String>,
    channel: Option<u32>,
}

/// Every word, each at most `most` columns wide, in the order of their starts.
pub(super) fn tokens(transcript: &Transcript, most: usize) -> Vec<Token> {
    let mut tokens: Vec<_> = stretches(transcript)
        .into_iter()
        .flat_map(|stretch| stretch.tokens(most))
        .collect();
    tokens.sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
    tokens
}

/// Words where there are any; else utterances; else paragraphs; else the whole text over the whole length.
fn stretches(transcript: &Transcript) -> Vec<Stretch<'_>> {
    let mut stretches: Vec<_> = transcript
        .words
        .iter()
        .map(|word| {
            Stretch::new(
                &word.text,
                (word.start_s, word.end_s),
                word.speaker.as_ref(),
                word.channel,
            )
        })
        .collect();
    if stretches.is_empty() {
        let utterances = transcript.utterances.iter();
        stretches.extend(utterances.map(|one| {
            Stretch::new(
                &one.text,
                (one.start_s, one.end_s),
                one.speaker.as_ref(),
                one.channel,
            )
        }));
    }
    if stretches.is_empty() {
        for paragraph in &transcript.paragraphs {
            let parts: f64 = paragraph
                .sentences
                .iter()
                .map(|sentence| length(sentence))
                .sum();
            let mut start = paragraph.start_s;
            for sentence in &paragraph.sentences {
                let end = start + (paragraph.end_s - paragraph.start_s) * length(sentence) / parts;
                stretches.push(Stretch::new(
                    sentence,
                    (start, end),
                    paragraph.speaker.as_ref(),
                    paragraph.channel,
                ));
                start = end;
            }
        }
    }
    if stretches.is_empty() {
        let end = transcript
            .duration_s
            .unwrap_or(length(&transcript.text) / CHARACTERS_A_SECOND);
        stretches.push(Stretch::new(&transcript.text, (0.0, end), None, None));
    }
    stretches
}

/// In characters, never nothing.
fn length(text: &str) -> f64 {
    text.chars().count().max(1) as f64
}

impl<'a> Stretch<'a> {
    fn new(
        text: &'a str,
        (start_s, end_s): (f64, f64),
        speaker: Option<&crate::domain::transcript::Speaker>,
        channel: Option<u32>,
    ) -> Self {
        Self {
            text,
            start_s,
            end_s,
            label: label(speaker, channel),
            channel,
        }
    }

    /// Its words, the time shared by their characters.
    fn tokens(&self, most: usize) -> Vec<Token> {
        let line = plain::line(self.text);
        let pieces: Vec<_> = line.split(' ').flat_map(|word| split(word, most)).collect();
        let all: f64 = pieces.iter().map(|piece| length(piece)).sum();
        let mut start_s = self.start_s;
        pieces
            .into_iter()
            .map(|text| {
                let end_s = start_s + (self.end_s - self.start_s) * length(&text) / all;
                let token = Token {
                    text,
                    start_s,
                    end_s,
                    label: self.label.clone(),
                    channel: self.channel,
                };
                start_s = end_s;
                token
            })
            .collect()
    }
}

/// A word in pieces of at most `most` columns, cut between graphemes.
fn split(word: &str, most: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    for grapheme in word.graphemes(true) {
        if !piece.is_empty() && piece.width() + grapheme.width() > most {
            pieces.push(std::mem::take(&mut piece));
        }
        piece.push_str(grapheme);
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}
