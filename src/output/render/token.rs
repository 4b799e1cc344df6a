//! Words with times, taken from any part of a transcript. Cues and segments are made from them.

use super::label::label;
use super::plain;
use super::spacing::word_spaces;
use super::timing::{estimate_duration_s, millis};
use crate::domain::Transcript;
use crate::domain::speaker_names::SpeakerNames;
use crate::domain::transcript::{Paragraph, Speaker};
use std::collections::BTreeMap;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Maximum size of a word part, in bytes. It is more than a line of any script, and bounds characters without width.
const MAX_PART_BYTES: usize = 1024;

/// A word, or a part of a long word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// Text to show.
    pub(super) text: String,
    /// Width in columns.
    pub(super) width: usize,
    /// Start, in milliseconds. Never before the previous token of its channel.
    pub(super) start_ms: u64,
    /// End, in milliseconds.
    pub(super) end_ms: u64,
    /// Label of the speaker, if known.
    pub(super) label: Option<String>,
    /// Audio channel, if the transcript separates channels.
    pub(super) channel: Option<u32>,
    /// Whether a space separates it from the previous token of its channel.
    pub(super) has_space: bool,
}

/// Text with its start and end in seconds.
struct TimedText<'a> {
    text: &'a str,
    times: (f64, f64),
    speaker: Option<&'a Speaker>,
    channel: Option<u32>,
    /// Whether a space precedes it in the transcript. `None` if this is not known.
    has_space: Option<bool>,
}

/// Returns all words in order of start. Words wider than `max_width` columns are split.
///
/// Uses the first of these that is not empty: the words, the utterances, the paragraphs, or the text of the transcript.
pub(super) fn tokens(transcript: &Transcript, max_width: usize) -> Vec<Token> {
    [words, utterances, paragraphs, text]
        .into_iter()
        .map(|texts| tokenize(texts(transcript), &transcript.speaker_names, max_width))
        .find(|tokens| !tokens.is_empty())
        .unwrap_or_default()
}

/// Returns the words of a text whose times are unknown.
pub(super) fn text_tokens(text: &str, max_width: usize) -> Vec<Token> {
    let text = TimedText {
        text,
        times: (0.0, estimate_duration_s(text)),
        speaker: None,
        channel: None,
        has_space: None,
    };
    tokenize(vec![text], &SpeakerNames::default(), max_width)
}

fn words(transcript: &Transcript) -> Vec<TimedText<'_>> {
    let spaces = word_spaces(transcript);
    let words = transcript.words.iter().zip(spaces);
    let words = words.map(|(word, has_space)| TimedText {
        text: &word.text,
        times: (word.start_s, word.end_s),
        speaker: word.speaker.as_ref(),
        channel: word.channel,
        has_space,
    });
    words.collect()
}

fn utterances(transcript: &Transcript) -> Vec<TimedText<'_>> {
    let utterances = transcript.utterances.iter().map(|utterance| TimedText {
        text: &utterance.text,
        times: (utterance.start_s, utterance.end_s),
        speaker: utterance.speaker.as_ref(),
        channel: utterance.channel,
        has_space: None,
    });
    utterances.collect()
}

fn paragraphs(transcript: &Transcript) -> Vec<TimedText<'_>> {
    transcript.paragraphs.iter().flat_map(sentences).collect()
}

/// Returns the sentences of a paragraph. Their times are estimated from their lengths.
fn sentences(paragraph: &Paragraph) -> Vec<TimedText<'_>> {
    let texts: Vec<_> = paragraph.sentences.iter().map(String::as_str).collect();
    split_time(&texts, (paragraph.start_s, paragraph.end_s))
        .zip(&texts)
        .map(|(times, text)| TimedText {
            text,
            times,
            speaker: paragraph.speaker.as_ref(),
            channel: paragraph.channel,
            has_space: None,
        })
        .collect()
}

fn text(transcript: &Transcript) -> Vec<TimedText<'_>> {
    let length = transcript.duration_s.filter(|length| *length > 0.0);
    let end_s = length.unwrap_or_else(|| estimate_duration_s(&transcript.text));
    vec![TimedText {
        text: &transcript.text,
        times: (0.0, end_s),
        speaker: None,
        channel: None,
        has_space: None,
    }]
}

/// Splits texts into words. The words of one text stay together even if another text overlaps it in time.
fn tokenize(mut texts: Vec<TimedText<'_>>, names: &SpeakerNames, max_width: usize) -> Vec<Token> {
    texts.sort_by_key(|timed| millis(timed.times.0));
    let mut tokens: Vec<Token> = Vec::new();
    let mut last_on = BTreeMap::<_, usize>::new();
    for timed in texts {
        for (index, mut token) in timed.tokens(names, max_width).into_iter().enumerate() {
            if let Some(&last) = last_on.get(&timed.channel) {
                let last: &Token = &tokens[last];
                token.start_ms = token.start_ms.max(last.start_ms);
                token.has_space = match index {
                    0 => timed
                        .has_space
                        .unwrap_or_else(|| plain::needs_space(&last.text, &token.text)),
                    _ => token.has_space,
                };
            }
            token.end_ms = token.end_ms.max(token.start_ms);
            last_on.insert(timed.channel, tokens.len());
            tokens.push(token);
        }
    }
    tokens
}

impl TimedText<'_> {
    /// Returns the words. Their times are estimated from their lengths.
    fn tokens(&self, names: &SpeakerNames, max_width: usize) -> Vec<Token> {
        let line = plain::without_noise_spaces(plain::printable_line(self.text));
        let pieces: Vec<_> = line
            .split(' ')
            .flat_map(|word| split_word(word, max_width))
            .collect();
        let texts: Vec<_> = pieces.iter().map(|piece| piece.text).collect();
        let label = label(names, self.speaker, self.channel);
        split_time(&texts, self.times)
            .zip(&pieces)
            .map(|((start_s, end_s), piece)| Token {
                text: piece.text.to_owned(),
                width: piece.width,
                start_ms: millis(start_s),
                end_ms: millis(end_s),
                label: label.clone(),
                channel: self.channel,
                has_space: piece.is_first,
            })
            .collect()
    }
}

/// Divides a time span, in seconds, among texts in proportion to their number of characters.
fn split_time(
    texts: &[&str],
    (start, end): (f64, f64),
) -> impl Iterator<Item = (f64, f64)> + use<> {
    let lengths: Vec<_> = texts
        .iter()
        .map(|text| text.chars().count().max(1))
        .collect();
    let all = lengths.iter().sum::<usize>() as f64;
    let at = move |characters: usize| {
        let part = characters as f64 / all;
        // A weighted sum of both ends, because their difference may overflow. It is exact at both ends.
        start * (1.0 - part) + end * part
    };
    lengths.into_iter().scan(0, move |before, length| {
        let from = at(*before);
        *before += length;
        Some((from, at(*before)))
    })
}

/// A word, or a part of a long word.
struct WordPart<'a> {
    text: &'a str,
    width: usize,
    /// Whether it is the start of the word.
    is_first: bool,
}

/// Splits a word into parts of at most `max_width` columns, between graphemes.
///
/// In scripts where a line may break between any two characters, a long text is also split there, so that a cue can end
/// with a sentence.
fn split_word(word: &str, max_width: usize) -> Vec<WordPart<'_>> {
    if word.is_empty() {
        return Vec::new();
    }
    if word.width() <= max_width && word.len() <= MAX_PART_BYTES {
        return vec![WordPart {
            text: word,
            width: word.width(),
            is_first: true,
        }];
    }
    let mut pieces = Vec::new();
    let (mut begin, mut end, mut width) = (0, 0, 0);
    for part in word
        .graphemes(true)
        .flat_map(|grapheme| split_grapheme(grapheme, max_width))
    {
        let is_full = width + part.width() > max_width || end + part.len() - begin > MAX_PART_BYTES;
        if end > begin && (is_full || may_break(&word[begin..end], part)) {
            pieces.push(WordPart {
                text: &word[begin..end],
                width,
                is_first: begin == 0,
            });
            (begin, width) = (end, 0);
        }
        end += part.len();
        width += part.width();
    }
    pieces.push(WordPart {
        text: &word[begin..end],
        width,
        is_first: begin == 0,
    });
    pieces
}

/// Splits a grapheme that is too wide or too long into characters. No real text contains one.
fn split_grapheme(grapheme: &str, max_width: usize) -> Vec<&str> {
    if grapheme.width() <= max_width && grapheme.len() <= MAX_PART_BYTES {
        return vec![grapheme];
    }
    let chars = grapheme.char_indices();
    chars
        .map(|(at, char)| &grapheme[at..at + char.len_utf8()])
        .collect()
}

fn may_break(before: &str, after: &str) -> bool {
    let pair = before.chars().next_back().zip(after.chars().next());
    pair.is_some_and(|(before, after)| plain::may_break(before, after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(word: &str) -> Vec<&str> {
        split_word(word, 6).iter().map(|piece| piece.text).collect()
    }

    #[test]
    fn a_word_that_fits_is_not_split() {
        assert_eq!(texts("abcdef"), ["abcdef"]);
        assert_eq!(texts("夜の間"), ["夜の間"]);
        assert_eq!(texts(""), [""; 0]);
    }

    #[test]
    fn a_wide_word_is_split_between_graphemes() {
        assert_eq!(texts("abcdefgh"), ["abcdef", "gh"]);
        assert_eq!(
            texts("abcde\u{301}e\u{301}e\u{301}"),
            ["abcde\u{301}e\u{301}", "e\u{301}"]
        );
        assert_eq!(
            texts("夜の間に。「今日"),
            ["夜", "の", "間", "に。", "「今", "日"]
        );
    }

    #[test]
    fn invisible_and_indivisible_text_is_split() {
        let invisible = "\u{200b}".repeat(1000);
        assert!(
            split_word(&invisible, 6)
                .iter()
                .all(|piece| piece.text.len() <= MAX_PART_BYTES)
        );
        let one_grapheme = "\u{1100}".repeat(10);
        assert!(
            split_word(&one_grapheme, 6)
                .iter()
                .all(|piece| piece.text.width() <= 6)
        );
    }

    #[test]
    fn time_is_divided_by_characters_with_exact_ends() {
        let times: Vec<_> = split_time(&["a", "bbb"], (1.0, 3.0)).collect();
        assert_eq!(times, [(1.0, 1.5), (1.5, 3.0)]);
    }

    #[test]
    fn empty_words_do_not_hide_the_text() {
        let transcript = Transcript {
            text: "Heard.".to_owned(),
            words: vec![crate::domain::transcript::Word {
                text: "\u{7}".to_owned(),
                start_s: 0.0,
                end_s: 1.0,
                speaker: None,
                channel: None,
                confidence: None,
            }],
            ..Transcript::default()
        };
        assert_eq!(tokens(&transcript, 42)[0].text, "Heard.");
    }

    proptest! {
        #[test]
        fn parts_fit_and_form_the_word(word in "(\\PC|[夜の。「]|[\u{300}-\u{310}\u{1100}-\u{1200}\u{200b}-\u{200d}]){1,300}") {
            let pieces = split_word(&word, 42);
            prop_assert!(pieces.iter().all(|piece| piece.text.width() <= piece.width && piece.width <= 42));
            prop_assert_eq!(pieces.iter().map(|piece| piece.text).collect::<String>(), word);
        }
    }
}
