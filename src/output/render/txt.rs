//! Plain text: one paragraph per line, separated by empty lines, with a label where the speaker changes.

use super::label::label;
use super::plain;
use crate::domain::Transcript;
use crate::domain::transcript::{Speaker, Word};
use std::collections::BTreeMap;

/// Text of a transcript without speech. It distinguishes silence from an empty, broken file.
const SILENCE: &str = "[no speech]";

/// Length of the silence that ends a turn in a recording with several channels, in seconds.
const PAUSE_S: f64 = 0.8;

struct TextParagraph {
    label: Option<String>,
    text: String,
}

pub(super) fn render(transcript: &Transcript) -> String {
    let mut text = String::new();
    let mut last_label = None;
    for paragraph in paragraphs(transcript) {
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        if paragraph.label != last_label {
            if let Some(label) = &paragraph.label {
                text.push_str(&format!("{label}: "));
            }
            last_label = paragraph.label;
        }
        text.push_str(&paragraph.text);
    }
    if text.is_empty() {
        text.push_str(SILENCE);
    }
    text.push('\n');
    text
}

/// Returns the paragraphs of the text.
///
/// Uses the first of these that is not empty: the paragraphs of the service, the turns of speakers or channels, the
/// lines of the text, the words, the utterances. Any content of a paid transcript is therefore shown.
fn paragraphs(transcript: &Transcript) -> Vec<TextParagraph> {
    [
        from_paragraphs,
        from_turns,
        from_text,
        from_words,
        from_utterances,
    ]
    .into_iter()
    .map(|paragraphs| paragraphs(transcript))
    .map(non_empty)
    .find(|paragraphs| !paragraphs.is_empty())
    .unwrap_or_default()
}

fn non_empty(mut paragraphs: Vec<TextParagraph>) -> Vec<TextParagraph> {
    paragraphs.retain(|paragraph| !paragraph.text.is_empty());
    paragraphs
}

fn from_turns(transcript: &Transcript) -> Vec<TextParagraph> {
    // Skips joining hours of words that have no speaker.
    if !has_labels(transcript) {
        return Vec::new();
    }
    let is_labelled = |paragraphs: &Vec<TextParagraph>| {
        paragraphs.iter().any(|paragraph| paragraph.label.is_some())
    };
    [from_words, from_utterances]
        .into_iter()
        .map(|paragraphs| non_empty(paragraphs(transcript)))
        .find(is_labelled)
        .unwrap_or_default()
}

fn has_labels(transcript: &Transcript) -> bool {
    let words = &transcript.words;
    let utterances = &transcript.utterances;
    let is_labelled =
        |speaker: &Option<Speaker>, channel: Option<u32>| speaker.is_some() || channel.is_some();
    words
        .iter()
        .any(|word| is_labelled(&word.speaker, word.channel))
        || utterances
            .iter()
            .any(|utterance| is_labelled(&utterance.speaker, utterance.channel))
}

fn from_text(transcript: &Transcript) -> Vec<TextParagraph> {
    let paragraphs = transcript.text.lines().map(|line| TextParagraph {
        label: None,
        text: plain::printable_line(line),
    });
    paragraphs.collect()
}

fn from_paragraphs(transcript: &Transcript) -> Vec<TextParagraph> {
    let paragraphs = transcript.paragraphs.iter().map(|paragraph| {
        let sentences: Vec<_> = paragraph
            .sentences
            .iter()
            .map(|sentence| plain::printable_line(sentence))
            .collect();
        TextParagraph {
            label: label(paragraph.speaker.as_ref(), paragraph.channel),
            text: plain::join(sentences.iter().map(String::as_str)),
        }
    });
    paragraphs.collect()
}

fn from_utterances(transcript: &Transcript) -> Vec<TextParagraph> {
    let paragraphs = transcript.utterances.iter().map(|utterance| TextParagraph {
        label: label(utterance.speaker.as_ref(), utterance.channel),
        text: plain::printable_line(&utterance.text),
    });
    paragraphs.collect()
}

/// Returns a paragraph for each turn. Channels may overlap, so each is split at its own pauses.
fn from_words(transcript: &Transcript) -> Vec<TextParagraph> {
    let mut channels = BTreeMap::<_, Vec<&Word>>::new();
    for word in &transcript.words {
        channels.entry(word.channel).or_default().push(word);
    }
    let has_channels = channels.len() > 1;
    let continues = |a: &&Word, b: &&Word| {
        a.speaker == b.speaker && !(has_channels && b.start_s - a.end_s >= PAUSE_S)
    };
    let mut turns: Vec<&[&Word]> = channels
        .values()
        .flat_map(|words| words.chunk_by(continues))
        .collect();
    turns.sort_by(|a, b| a[0].start_s.total_cmp(&b[0].start_s));
    turns.into_iter().map(turn).collect()
}

fn turn(words: &[&Word]) -> TextParagraph {
    let texts: Vec<_> = words
        .iter()
        .map(|word| plain::printable_line(&word.text))
        .collect();
    TextParagraph {
        label: label(words[0].speaker.as_ref(), words[0].channel),
        text: plain::join(texts.iter().map(String::as_str)),
    }
}
