//! Spaces between words, as the service wrote them in the transcript.
//!
//! The word list does not tell how its words are joined. A model may time each digit of `300`, or each character of a
//! Chinese sentence, as a word of its own.

use super::plain;
use crate::domain::Transcript;
use crate::domain::transcript::Word;
use std::borrow::Cow;

/// Distance in which a word is searched after a difference between the words and the text, in bytes.
const SEARCH_BYTES: usize = 256;

/// Returns for each word whether a space precedes it in the transcript. `None` if the transcript does not show it.
pub(super) fn word_spaces(transcript: &Transcript) -> Vec<Option<bool>> {
    let words = &transcript.words;
    let mut spaces = vec![None; words.len()];
    let mut cursor = TextCursor::new(&transcript.text);
    for index in text_order(words.iter().map(|word| word.channel)) {
        spaces[index] = cursor.take_word(&plain::printable_line(&words[index].text));
    }
    remove_noise(words, &mut spaces);
    spaces
}

/// Returns the text of all sentences of the paragraphs, in their order, with the spaces of the transcript.
pub(super) fn sentences(transcript: &Transcript) -> Vec<Vec<Cow<'_, str>>> {
    let is_spaced = !plain::has_unspaced_script(&transcript.text);
    let mut cursor = TextCursor::new(&transcript.text);
    let mut paragraphs = vec![Vec::new(); transcript.paragraphs.len()];
    for index in text_order(transcript.paragraphs.iter().map(|one| one.channel)) {
        let sentences = transcript.paragraphs[index].sentences.iter();
        paragraphs[index] = sentences
            .map(|sentence| match cursor.take_sentence(sentence) {
                Some(text) if !is_spaced => text,
                _ => sentence,
            })
            .map(|text| plain::without_noise_spaces(plain::printable_line(text)))
            .collect();
    }
    paragraphs
}

/// Returns the indices in the order of the text of a transcript, which has one channel after the other.
fn text_order(channels: impl Iterator<Item = Option<u32>>) -> Vec<usize> {
    let channels: Vec<_> = channels.collect();
    let mut order: Vec<_> = (0..channels.len()).collect();
    order.sort_by_key(|&index| channels[index]);
    order
}

/// Removes the spaces between words of scripts that are written without, if the transcript has one between most of them.
/// They then separate the words of the model.
fn remove_noise(words: &[Word], spaces: &mut [Option<bool>]) {
    let mut unspaced: Vec<_> = (1..words.len())
        .filter(|&index| !plain::needs_space(&words[index - 1].text, &words[index].text))
        .filter(|&index| spaces[index].is_some())
        .collect();
    let spaced = unspaced
        .iter()
        .filter(|&&index| spaces[index] == Some(true));
    if spaced.count() * 2 > unspaced.len() {
        unspaced
            .drain(..)
            .for_each(|index| spaces[index] = Some(false));
    }
}

/// A position in the text of a transcript.
struct TextCursor<'a> {
    rest: &'a str,
}

impl<'a> TextCursor<'a> {
    const fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// Moves behind the next word. Returns whether a space precedes it, or `None` if the text continues differently.
    fn take_word(&mut self, word: &str) -> Option<bool> {
        if word.is_empty() {
            return None;
        }
        let text = self.rest.trim_start();
        let has_space = text.len() < self.rest.len();
        if let Some(rest) = text.strip_prefix(word) {
            self.rest = rest;
            return Some(has_space);
        }
        let near = &text[..text.floor_char_boundary(SEARCH_BYTES)];
        let is_word = |at: &usize| {
            near[..*at].ends_with(char::is_whitespace)
                && !near[at + word.len()..].starts_with(char::is_alphanumeric)
        };
        if let Some(at) = near.match_indices(word).map(|(at, _)| at).find(is_word) {
            self.rest = &text[at + word.len()..];
        }
        None
    }

    /// Moves behind the next sentence and returns it. Returns `None` if the text continues differently. White space is not
    /// compared.
    fn take_sentence(&mut self, sentence: &str) -> Option<&'a str> {
        let text = self.rest.trim_start();
        let mut chars = text
            .char_indices()
            .filter(|(_, char)| !char.is_whitespace());
        let mut end = 0;
        for expected in sentence.chars().filter(|char| !char.is_whitespace()) {
            let (at, found) = chars.next()?;
            if found != expected {
                return None;
            }
            end = at + found.len_utf8();
        }
        self.rest = &text[end..];
        Some(&text[..end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::transcript::Paragraph;

    fn transcript(words: &[&str], text: &str) -> Transcript {
        let word = |text: &&str| Word {
            text: (*text).into(),
            start_s: 0.0,
            end_s: 0.0,
            speaker: None,
            channel: None,
            confidence: None,
        };
        Transcript {
            text: text.to_owned(),
            words: words.iter().map(word).collect(),
            ..Transcript::default()
        }
    }

    fn spaces(words: &[&str], text: &str) -> Vec<Option<bool>> {
        word_spaces(&transcript(words, text))
    }

    #[test]
    fn spaces_follow_the_transcript() {
        let (joined, spaced) = (Some(false), Some(true));
        assert_eq!(spaces(&["从", "3", "0", "0", "降"], "从300降"), [joined; 5]);
        assert_eq!(spaces(&["a", "b"], "a b"), [joined, spaced]);
        assert_eq!(
            spaces(&["don", "'t", "go"], "don't\ngo"),
            [joined, joined, spaced]
        );
        assert_eq!(
            spaces(&["สวัสดี", "ครับ", "วันนี้"], "สวัสดีครับ วันนี้"),
            [joined, joined, spaced]
        );
    }

    #[test]
    fn a_difference_leaves_only_its_words_unknown() {
        let spaces = spaces(&["we", "gonna", "go", "now"], "we are going to go now");
        assert_eq!(spaces, [Some(false), None, None, Some(true)]);
    }

    #[test]
    fn spaces_between_most_characters_are_noise() {
        assert_eq!(spaces(&["今", "天", "好"], "今 天 好"), [Some(false); 3]);
        let once = spaces(&["今", "天", "好", "吗"], "今天 好吗");
        assert_eq!(once, [false, false, true, false].map(Some));
    }

    #[test]
    fn channels_follow_each_other_in_the_text() {
        let mut call = transcript(&["3", "a", "0", "b"], "30\na b");
        for (word, channel) in call.words.iter_mut().zip([0, 1, 0, 1]) {
            word.channel = Some(channel);
        }
        let joined = word_spaces(&call);
        assert_eq!((joined[2], joined[3]), (Some(false), Some(true)));
    }

    #[test]
    fn sentences_take_their_text_from_the_transcript() {
        let paragraph = |sentences: &[&str]| Paragraph {
            sentences: sentences.iter().map(|one| (*one).to_owned()).collect(),
            start_s: 0.0,
            end_s: 0.0,
            speaker: None,
            channel: None,
        };
        let shown = |text: &str, sentences_of: &[&str]| {
            let transcript = Transcript {
                text: text.to_owned(),
                paragraphs: vec![paragraph(sentences_of)],
                ..Transcript::default()
            };
            let shown = sentences(&transcript).remove(0).into_iter();
            shown.map(Cow::into_owned).collect::<Vec<_>>()
        };
        assert_eq!(
            shown("用GPT 4写。好", &["用 G P T 4 写 。", "好"]),
            ["用GPT 4写。", "好"]
        );
        assert_eq!(shown("另一个", &["今 天 好"]), ["今天好"]);
        assert_eq!(shown("All is well.", &["All is well."]), ["All is well."]);
    }
}
