//! The words that subtitles are cut from, with times, wherever they come from.

use super::label::label;
use super::plain;
use super::timing::{estimate_s, millis};
use crate::domain::Transcript;
use crate::domain::transcript::{Paragraph, Speaker};
use std::collections::BTreeMap;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Most bytes of a piece: far more than a line of any script, but there are characters that take no column.
const MOST_BYTES: usize = 1024;

/// What is not cut any further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) text: String,
    /// Its width in columns.
    pub(super) width: usize,
    /// When it begins, in milliseconds; on one channel never before the one before it.
    pub(super) start_ms: u64,
    /// When it ends.
    pub(super) end_ms: u64,
    pub(super) label: Option<String>,
    pub(super) channel: Option<u32>,
    /// Whether a space parts it from the one before it on its channel.
    pub(super) has_space: bool,
}

/// A stretch of text between two times in seconds.
struct Stretch<'a> {
    text: &'a str,
    times: (f64, f64),
    speaker: Option<&'a Speaker>,
    channel: Option<u32>,
}

/// Every word, each at most `most` columns wide, in the order of their starts. From the words of the transcript where
/// there are any; else from its utterances; else from its paragraphs; else from its text over its whole length.
pub(super) fn tokens(transcript: &Transcript, most: usize) -> Vec<Token> {
    [words, utterances, paragraphs, text]
        .into_iter()
        .map(|stretches| cut(stretches(transcript), most))
        .find(|tokens| !tokens.is_empty())
        .unwrap_or_default()
}

fn words(transcript: &Transcript) -> Vec<Stretch<'_>> {
    let words = transcript.words.iter().map(|word| Stretch {
        text: &word.text,
        times: (word.start_s, word.end_s),
        speaker: word.speaker.as_ref(),
        channel: word.channel,
    });
    words.collect()
}

fn utterances(transcript: &Transcript) -> Vec<Stretch<'_>> {
    let utterances = transcript.utterances.iter().map(|utterance| Stretch {
        text: &utterance.text,
        times: (utterance.start_s, utterance.end_s),
        speaker: utterance.speaker.as_ref(),
        channel: utterance.channel,
    });
    utterances.collect()
}

fn paragraphs(transcript: &Transcript) -> Vec<Stretch<'_>> {
    transcript.paragraphs.iter().flat_map(sentences).collect()
}

/// A paragraph's time is shared among its sentences by their characters.
fn sentences(paragraph: &Paragraph) -> Vec<Stretch<'_>> {
    let texts: Vec<_> = paragraph.sentences.iter().map(String::as_str).collect();
    shared(&texts, (paragraph.start_s, paragraph.end_s))
        .zip(&texts)
        .map(|(times, text)| Stretch {
            text,
            times,
            speaker: paragraph.speaker.as_ref(),
            channel: paragraph.channel,
        })
        .collect()
}

fn text(transcript: &Transcript) -> Vec<Stretch<'_>> {
    let length = transcript.duration_s.filter(|length| *length > 0.0);
    let end_s = length.unwrap_or_else(|| estimate_s(&transcript.text));
    vec![Stretch {
        text: &transcript.text,
        times: (0.0, end_s),
        speaker: None,
        channel: None,
    }]
}

/// Words of one stretch stay together, also where another one overlaps it: only whole stretches are sorted.
fn cut(mut stretches: Vec<Stretch<'_>>, most: usize) -> Vec<Token> {
    stretches.sort_by_key(|stretch| millis(stretch.times.0));
    let mut tokens: Vec<Token> = Vec::new();
    let mut last_on = BTreeMap::<_, usize>::new();
    for stretch in stretches {
        for (index, mut token) in stretch.tokens(most).into_iter().enumerate() {
            if let Some(&last) = last_on.get(&stretch.channel) {
                let last: &Token = &tokens[last];
                token.start_ms = token.start_ms.max(last.start_ms);
                token.has_space = match index {
                    0 => plain::needs_space(&last.text, &token.text),
                    _ => token.has_space,
                };
            }
            token.end_ms = token.end_ms.max(token.start_ms);
            last_on.insert(stretch.channel, tokens.len());
            tokens.push(token);
        }
    }
    tokens
}

impl Stretch<'_> {
    /// Its words, the time shared by their characters.
    fn tokens(&self, most: usize) -> Vec<Token> {
        let line = plain::line(self.text);
        let pieces: Vec<_> = line
            .split(' ')
            .flat_map(|word| pieces(word, most))
            .collect();
        let texts: Vec<_> = pieces.iter().map(|piece| piece.text).collect();
        let label = label(self.speaker, self.channel);
        shared(&texts, self.times)
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

/// A span of seconds shared among texts by their characters.
fn shared(texts: &[&str], (start, end): (f64, f64)) -> impl Iterator<Item = (f64, f64)> + use<> {
    let lengths: Vec<_> = texts
        .iter()
        .map(|text| text.chars().count().max(1))
        .collect();
    let all = lengths.iter().sum::<usize>() as f64;
    let at = move |characters: usize| {
        let part = characters as f64 / all;
        // Both ends weighed, because their difference may be too large to say; the ends themselves come out exact.
        start * (1.0 - part) + end * part
    };
    lengths.into_iter().scan(0, move |before, length| {
        let from = at(*before);
        *before += length;
        Some((from, at(*before)))
    })
}

/// A word or a part of one.
struct Piece<'a> {
    text: &'a str,
    width: usize,
    is_first: bool,
}

/// A word; one wider than `most` columns in pieces that fit, cut between graphemes, and where its script lets a line
/// end anywhere, there, so that a cue may end with a sentence.
fn pieces(word: &str, most: usize) -> Vec<Piece<'_>> {
    if word.is_empty() {
        return Vec::new();
    }
    if word.width() <= most && word.len() <= MOST_BYTES {
        return vec![Piece {
            text: word,
            width: word.width(),
            is_first: true,
        }];
    }
    let mut pieces = Vec::new();
    let (mut begin, mut end, mut width) = (0, 0, 0);
    for part in word
        .graphemes(true)
        .flat_map(|grapheme| small(grapheme, most))
    {
        let is_full = width + part.width() > most || end + part.len() - begin > MOST_BYTES;
        if end > begin && (is_full || may_break(&word[begin..end], part)) {
            pieces.push(Piece {
                text: &word[begin..end],
                width,
                is_first: begin == 0,
            });
            (begin, width) = (end, 0);
        }
        end += part.len();
        width += part.width();
    }
    pieces.push(Piece {
        text: &word[begin..end],
        width,
        is_first: begin == 0,
    });
    pieces
}

/// A grapheme, unless it is one that nobody writes.
fn small(grapheme: &str, most: usize) -> Vec<&str> {
    if grapheme.width() <= most && grapheme.len() <= MOST_BYTES {
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
        pieces(word, 6).iter().map(|piece| piece.text).collect()
    }

    #[test]
    fn a_word_that_fits_a_line_is_whole() {
        assert_eq!(texts("abcdef"), ["abcdef"]);
        assert_eq!(texts("夜の間"), ["夜の間"]);
        assert_eq!(texts(""), [""; 0]);
    }

    #[test]
    fn a_wider_word_is_cut_between_graphemes() {
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
    fn what_takes_no_room_or_cannot_be_parted_is_cut_all_the_same() {
        let invisible = "\u{200b}".repeat(1000);
        assert!(
            pieces(&invisible, 6)
                .iter()
                .all(|piece| piece.text.len() <= MOST_BYTES)
        );
        let one_grapheme = "\u{1100}".repeat(10);
        assert!(
            pieces(&one_grapheme, 6)
                .iter()
                .all(|piece| piece.text.width() <= 6)
        );
    }

    #[test]
    fn time_is_shared_by_characters_and_its_ends_are_exact() {
        let times: Vec<_> = shared(&["a", "bbb"], (1.0, 3.0)).collect();
        assert_eq!(times, [(1.0, 1.5), (1.5, 3.0)]);
    }

    #[test]
    fn what_has_no_text_does_not_hide_what_has() {
        let transcript = Transcript {
            text: "Heard.".to_owned(),
            words: vec![crate::domain::transcript::Word {
                text: "\u{7}".to_owned(),
                start_s: 0.0,
                end_s: 1.0,
                speaker: None,
                channel: None,
            }],
            ..Transcript::default()
        };
        assert_eq!(tokens(&transcript, 42)[0].text, "Heard.");
    }

    proptest! {
        #[test]
        fn pieces_fit_and_make_the_word(word in "(\\PC|[夜の。「]|[\u{300}-\u{310}\u{1100}-\u{1200}\u{200b}-\u{200d}]){1,300}") {
            let pieces = pieces(&word, 42);
            prop_assert!(pieces.iter().all(|piece| piece.text.width() <= piece.width && piece.width <= 42));
            prop_assert_eq!(pieces.iter().map(|piece| piece.text).collect::<String>(), word);
        }
    }
}
