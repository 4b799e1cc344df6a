//! Words with times, taken from any part of a transcript. Cues and segments are made from them.

use super::label::label;
use super::plain;
use super::spacing::word_spaces;
use super::timing::{estimate_duration_s, millis};
use crate::domain::Transcript;
use crate::domain::speaker_names::SpeakerNames;
use crate::domain::transcript::{Paragraph, Speaker, Word};
use std::borrow::Cow;
use std::rc::Rc;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Maximum size of a word part, in bytes. It is more than a line of any script, and bounds characters without width.
const MAX_PART_BYTES: usize = 1024;
/// Confidence below which the model is not sure of a word.
const UNSURE: f32 = 0.5;

/// A word, or a part of a long word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token<'a> {
    /// Text to show.
    pub(super) text: Cow<'a, str>,
    /// Width in columns.
    pub(super) width: usize,
    /// Start, in milliseconds. Never before the previous token of its channel.
    pub(super) start_ms: u64,
    /// End, in milliseconds.
    pub(super) end_ms: u64,
    /// Label of the speaker, if known.
    pub(super) label: Option<Rc<str>>,
    /// Audio channel, if the transcript separates channels.
    pub(super) channel: Option<u32>,
    /// Whether a space separates it from the previous token of its channel.
    pub(super) has_space: bool,
    /// Whether the model is not sure of the word.
    pub(super) is_unsure: bool,
}

/// Text with its start and end in seconds.
pub(super) struct TimedText<'a> {
    pub(super) text: &'a str,
    times: (f64, f64),
    pub(super) speaker: Option<&'a Speaker>,
    pub(super) channel: Option<u32>,
    /// Whether a space precedes it in the transcript. `None` if this is not known.
    has_space: Option<bool>,
    /// Confidence of the model, from 0 to 1.
    confidence: Option<f32>,
}

/// Returns all words, one channel after another, each in order of start. Words wider than `max_width` columns are split.
///
/// Uses the first of these that is not empty: the words, the utterances, the paragraphs, or the text of the transcript.
pub(super) fn tokens(transcript: &Transcript, max_width: usize) -> Vec<Token<'_>> {
    let names = &transcript.speaker_names;
    let tokens = tokenize(words(transcript), names, max_width);
    if !tokens.is_empty() {
        return tokens;
    }
    [utterances, paragraphs, text]
        .into_iter()
        .map(|texts| tokenize(sorted(texts(transcript)), names, max_width))
        .find(|tokens| !tokens.is_empty())
        .unwrap_or_default()
}

/// Returns the words of a text whose times are unknown.
pub(super) fn text_tokens(text: &str, max_width: usize) -> Vec<Token<'_>> {
    let text = TimedText {
        text,
        times: (0.0, estimate_duration_s(text)),
        speaker: None,
        channel: None,
        has_space: None,
        confidence: None,
    };
    tokenize([text].into_iter(), &SpeakerNames::default(), max_width)
}

/// Returns the words, one channel after another, in order of start. A transcript may have hundreds of thousands, so only
/// their order is kept in memory.
fn words(transcript: &Transcript) -> impl ExactSizeIterator<Item = TimedText<'_>> {
    let spaces = word_spaces(transcript);
    let words = &transcript.words;
    spoken_order(words).into_iter().map(move |index| {
        let word = &words[index];
        TimedText {
            text: &word.text,
            times: (word.start_s, word.end_s),
            speaker: word.speaker.as_ref(),
            channel: word.channel,
            has_space: spaces[index],
            confidence: word.confidence,
        }
    })
}

/// Returns the indices of words, one channel after another, in order of start.
pub(super) fn spoken_order(words: &[Word]) -> Vec<usize> {
    let mut order: Vec<_> = (0..words.len()).collect();
    order.sort_by_key(|&index| (words[index].channel, millis(words[index].start_s)));
    order
}

/// Returns the first of these that is not empty, one channel after another, in order of start: the utterances, the
/// paragraphs, or the text.
pub(super) fn timed_text(transcript: &Transcript) -> Vec<TimedText<'_>> {
    let parts = [utterances, paragraphs, text].into_iter();
    let mut parts = parts.map(|texts| sorted(texts(transcript)).collect::<Vec<_>>());
    let has_text = |texts: &Vec<TimedText<'_>>| texts.iter().any(|one| !one.text.trim().is_empty());
    parts.find(has_text).unwrap_or_default()
}

/// Returns texts, one channel after another, in order of start.
fn sorted(mut texts: Vec<TimedText<'_>>) -> impl ExactSizeIterator<Item = TimedText<'_>> {
    texts.sort_by_key(|timed| (timed.channel, millis(timed.times.0)));
    texts.into_iter()
}

fn utterances(transcript: &Transcript) -> Vec<TimedText<'_>> {
    let utterances = transcript.utterances.iter().map(|utterance| TimedText {
        text: &utterance.text,
        times: (utterance.start_s, utterance.end_s),
        speaker: utterance.speaker.as_ref(),
        channel: utterance.channel,
        has_space: None,
        confidence: None,
    });
    utterances.collect()
}

fn paragraphs(transcript: &Transcript) -> Vec<TimedText<'_>> {
    transcript.paragraphs.iter().flat_map(sentences).collect()
}

/// Returns the sentences of a paragraph. Their times are estimated from their lengths.
fn sentences(paragraph: &Paragraph) -> Vec<TimedText<'_>> {
    let characters = |text: &String| text.chars().count().max(1);
    let all = paragraph.sentences.iter().map(characters).sum();
    let mut times = SharedTime::new((paragraph.start_s, paragraph.end_s), all);
    let sentences = paragraph.sentences.iter();
    sentences
        .map(|text| TimedText {
            text,
            times: times.take(characters(text)),
            speaker: paragraph.speaker.as_ref(),
            channel: paragraph.channel,
            has_space: None,
            confidence: None,
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
        confidence: None,
    }]
}

/// Splits texts, which are in order, into words. The words of one text stay together even if another text overlaps it in
/// time.
fn tokenize<'a>(
    texts: impl ExactSizeIterator<Item = TimedText<'a>>,
    names: &SpeakerNames,
    max_width: usize,
) -> Vec<Token<'a>> {
    let mut tokens = Vec::with_capacity(texts.len());
    // Most words have the label of the word before.
    let (mut voice, mut voice_label) = ((None, None), None);
    for timed in texts {
        if voice != (timed.speaker, timed.channel) {
            voice = (timed.speaker, timed.channel);
            voice_label = label(names, timed.speaker, timed.channel).map(Rc::from);
        }
        let first = tokens.len();
        timed.add_tokens(&mut tokens, voice_label.as_ref(), max_width);
        for index in first..tokens.len() {
            let (before, token) = tokens.split_at_mut(index);
            let token = &mut token[0];
            if let Some(last) = before.last().filter(|last| last.channel == timed.channel) {
                token.start_ms = token.start_ms.max(last.start_ms);
                if index == first {
                    let needs_space = || plain::needs_space(&last.text, &token.text);
                    token.has_space = timed.has_space.unwrap_or_else(needs_space);
                }
            }
            token.end_ms = token.end_ms.max(token.start_ms);
        }
    }
    tokens
}

impl<'a> TimedText<'a> {
    /// Adds the words. Their times are estimated from their lengths.
    fn add_tokens(&self, tokens: &mut Vec<Token<'a>>, label: Option<&Rc<str>>, max_width: usize) {
        let is_unsure = self
            .confidence
            .is_some_and(|confidence| confidence < UNSURE);
        if plain::is_plain_word(self.text) && self.text.len() <= max_width.min(MAX_PART_BYTES) {
            return tokens.push(Token {
                text: self.text.into(),
                width: self.text.len(),
                start_ms: millis(self.times.0),
                end_ms: millis(self.times.1),
                label: label.cloned(),
                channel: self.channel,
                has_space: true,
                is_unsure,
            });
        }
        let line = plain::without_noise_spaces(plain::printable_line(self.text));
        let all = line.chars().filter(|char| *char != ' ').count();
        let mut times = SharedTime::new(self.times, all);
        let mut add = |text: Cow<'a, str>, width, is_first| {
            let (start_s, end_s) = times.take(text.chars().count());
            tokens.push(Token {
                text,
                width,
                start_ms: millis(start_s),
                end_ms: millis(end_s),
                label: label.cloned(),
                channel: self.channel,
                has_space: is_first,
                is_unsure,
            });
        };
        // Most words are as in the transcript, and are not copied.
        match line {
            Cow::Borrowed(line) => split_line(line, max_width, |part| {
                add(part.text.into(), part.width, part.is_first);
            }),
            Cow::Owned(line) => split_line(&line, max_width, |part| {
                add(part.text.to_owned().into(), part.width, part.is_first);
            }),
        }
    }
}

/// A time span that is divided among texts in proportion to their number of characters.
struct SharedTime {
    /// Start and end, in seconds.
    span: (f64, f64),
    /// Number of characters of all texts.
    all: usize,
    /// Number of characters of the texts that have their part.
    taken: usize,
}

impl SharedTime {
    const fn new(span: (f64, f64), all: usize) -> Self {
        Self {
            span,
            all,
            taken: 0,
        }
    }

    /// Returns the start and end of the next text, in seconds.
    fn take(&mut self, characters: usize) -> (f64, f64) {
        let from = self.at(self.taken);
        self.taken += characters;
        (from, self.at(self.taken))
    }

    fn at(&self, characters: usize) -> f64 {
        let part = characters as f64 / self.all as f64;
        // A weighted sum of both ends, because their difference may overflow. It is exact at both ends.
        self.span.0 * (1.0 - part) + self.span.1 * part
    }
}

/// A word, or a part of a long word.
struct WordPart<'a> {
    text: &'a str,
    width: usize,
    /// Whether it is the start of the word.
    is_first: bool,
}

/// Adds the words of a line, or their parts.
fn split_line<'a>(line: &'a str, max_width: usize, mut add: impl FnMut(WordPart<'a>)) {
    line.split(' ')
        .for_each(|word| split_word(word, max_width, &mut add));
}

/// Adds the parts of a word, of at most `max_width` columns, between graphemes.
///
/// In scripts where a line may break between any two characters, a long text is also split there, so that a cue can end
/// with a sentence.
fn split_word<'a>(word: &'a str, max_width: usize, mut add: impl FnMut(WordPart<'a>)) {
    if word.is_empty() {
        return;
    }
    let width = word.width();
    if width <= max_width && word.len() <= MAX_PART_BYTES {
        return add(WordPart {
            text: word,
            width,
            is_first: true,
        });
    }
    let (mut begin, mut end, mut width) = (0, 0, 0);
    for part in word
        .graphemes(true)
        .flat_map(|grapheme| split_grapheme(grapheme, max_width))
    {
        let is_full = width + part.width() > max_width || end + part.len() - begin > MAX_PART_BYTES;
        if end > begin && (is_full || may_break(&word[begin..end], part)) {
            add(WordPart {
                text: &word[begin..end],
                width,
                is_first: begin == 0,
            });
            (begin, width) = (end, 0);
        }
        end += part.len();
        width += part.width();
    }
    add(WordPart {
        text: &word[begin..end],
        width,
        is_first: begin == 0,
    });
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

    fn parts(word: &str, max_width: usize) -> Vec<WordPart<'_>> {
        let mut parts = Vec::new();
        split_word(word, max_width, |part| parts.push(part));
        parts
    }

    fn texts(word: &str) -> Vec<&str> {
        parts(word, 6).iter().map(|part| part.text).collect()
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
            parts(&invisible, 6)
                .iter()
                .all(|piece| piece.text.len() <= MAX_PART_BYTES)
        );
        let one_grapheme = "\u{1100}".repeat(10);
        assert!(
            parts(&one_grapheme, 6)
                .iter()
                .all(|piece| piece.text.width() <= 6)
        );
    }

    #[test]
    fn time_is_divided_by_characters_with_exact_ends() {
        let mut times = SharedTime::new((1.0, 3.0), 4);
        assert_eq!(
            [1, 3].map(|characters| times.take(characters)),
            [(1.0, 1.5), (1.5, 3.0)]
        );
    }

    #[test]
    fn empty_words_do_not_hide_the_text() {
        let transcript = Transcript {
            text: "Heard.".to_owned(),
            words: vec![crate::domain::transcript::Word {
                text: "\u{7}".into(),
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
            let pieces = parts(&word, 42);
            prop_assert!(pieces.iter().all(|piece| piece.text.width() <= piece.width && piece.width <= 42));
            prop_assert_eq!(pieces.iter().map(|piece| piece.text).collect::<String>(), word);
        }
    }
}
