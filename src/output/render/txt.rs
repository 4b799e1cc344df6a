//! For reading: a paragraph a line, an empty line between two, a label where another speaker begins.

use super::label::label;
use super::plain;
use crate::domain::Transcript;
use crate::domain::transcript::{Speaker, Word};
use std::collections::BTreeMap;

/// Stands for a transcript of silence, so that an empty file is never taken for a broken one.
const SILENCE: &str = "[no speech]";

/// A silence of so many seconds ends a turn where several channels are told apart.
const PAUSE_S: f64 = 0.8;

struct Paragraph {
    label: Option<String>,
    text: String,
}

pub(super) fn render(transcript: &Transcript) -> String {
    let mut text = String::new();
    let mut speaking = None;
    for paragraph in paragraphs(transcript) {
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        if paragraph.label != speaking {
            if let Some(label) = &paragraph.label {
                text.push_str(&format!("{label}: "));
            }
            speaking = paragraph.label;
        }
        text.push_str(&paragraph.text);
    }
    if text.is_empty() {
        text.push_str(SILENCE);
    }
    text.push('\n');
    text
}

/// As the service made them; else a turn each, where speakers or channels are told apart; else the text's lines. The
/// first of these that holds anything: what was paid for is never shown as silence.
fn paragraphs(transcript: &Transcript) -> Vec<Paragraph> {
    [
        from_paragraphs,
        from_told_apart,
        from_text,
        from_words,
        from_utterances,
    ]
    .into_iter()
    .map(|paragraphs| paragraphs(transcript))
    .map(shown)
    .find(|paragraphs| !paragraphs.is_empty())
    .unwrap_or_default()
}

fn shown(mut paragraphs: Vec<Paragraph>) -> Vec<Paragraph> {
    paragraphs.retain(|paragraph| !paragraph.text.is_empty());
    paragraphs
}

fn from_told_apart(transcript: &Transcript) -> Vec<Paragraph> {
    // Else hours of words would be put together to see that nobody is.
    if !is_anyone_told_apart(transcript) {
        return Vec::new();
    }
    let is_labelled =
        |paragraphs: &Vec<Paragraph>| paragraphs.iter().any(|paragraph| paragraph.label.is_some());
    [from_words, from_utterances]
        .into_iter()
        .map(|paragraphs| shown(paragraphs(transcript)))
        .find(is_labelled)
        .unwrap_or_default()
}

fn is_anyone_told_apart(transcript: &Transcript) -> bool {
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

fn from_text(transcript: &Transcript) -> Vec<Paragraph> {
    let paragraphs = transcript.text.lines().map(|line| Paragraph {
        label: None,
        text: plain::line(line),
    });
    paragraphs.collect()
}

fn from_paragraphs(transcript: &Transcript) -> Vec<Paragraph> {
    let paragraphs = transcript.paragraphs.iter().map(|paragraph| {
        let sentences: Vec<_> = paragraph
            .sentences
            .iter()
            .map(|sentence| plain::line(sentence))
            .collect();
        Paragraph {
            label: label(paragraph.speaker.as_ref(), paragraph.channel),
            text: plain::join(sentences.iter().map(String::as_str)),
        }
    });
    paragraphs.collect()
}

fn from_utterances(transcript: &Transcript) -> Vec<Paragraph> {
    let paragraphs = transcript.utterances.iter().map(|utterance| Paragraph {
        label: label(utterance.speaker.as_ref(), utterance.channel),
        text: plain::line(&utterance.text),
    });
    paragraphs.collect()
}

/// A turn each. Channels may speak at once, so each is cut into turns by itself, at its pauses.
fn from_words(transcript: &Transcript) -> Vec<Paragraph> {
    let mut channels = BTreeMap::<_, Vec<&Word>>::new();
    for word in &transcript.words {
        channels.entry(word.channel).or_default().push(word);
    }
    let many = channels.len() > 1;
    let goes_on =
        |a: &&Word, b: &&Word| a.speaker == b.speaker && !(many && b.start_s - a.end_s >= PAUSE_S);
    let mut turns: Vec<&[&Word]> = channels
        .values()
        .flat_map(|words| words.chunk_by(goes_on))
        .collect();
    turns.sort_by(|a, b| a[0].start_s.total_cmp(&b[0].start_s));
    turns.into_iter().map(turn).collect()
}

fn turn(words: &[&Word]) -> Paragraph {
    let texts: Vec<_> = words.iter().map(|word| plain::line(&word.text)).collect();
    Paragraph {
        label: label(words[0].speaker.as_ref(), words[0].channel),
        text: plain::join(texts.iter().map(String::as_str)),
    }
}
