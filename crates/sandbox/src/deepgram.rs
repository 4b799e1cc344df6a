//! Results in Deepgram's format.

use crate::result_parts::{CONFIDENCE, punctuated, request_id, sentences, speaker};
use crate::speech::SpokenWord;
use crate::submission::ReceivedSubmission;
use serde::Serialize;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Time from the service's documentation. It is constant, so equal requests have equal results.
const CREATED: &str = "2025-05-21T01:54:44.461Z";
/// Model ID of the sandbox, in place of a Deepgram model.
const MODEL_ID: &str = "5a4db0c5-0000-4000-8000-000000000000";
/// Maximum number of sentences in a paragraph.
const PARAGRAPH_SENTENCES: usize = 4;

/// Complete result. It is typed, because `json!` copies a value once for each enclosing level.
#[derive(Serialize)]
pub(crate) struct Deepgram {
    metadata: Metadata,
    results: Results,
}

#[derive(Serialize)]
struct Metadata {
    transaction_key: &'static str,
    request_id: String,
    sha256: String,
    created: &'static str,
    duration: f64,
    channels: usize,
    models: [&'static str; 1],
    model_info: BTreeMap<&'static str, Model>,
}

#[derive(Serialize)]
struct Model {
    name: &'static str,
    version: &'static str,
    arch: &'static str,
}

#[derive(Serialize)]
struct Results {
    channels: Vec<Channel>,
    #[serde(skip_serializing_if = "Option::is_none")]
    utterances: Option<Vec<Utterance>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<Summary>,
}

#[derive(Serialize)]
struct Summary {
    result: &'static str,
    short: &'static str,
}

#[derive(Serialize)]
struct Channel {
    alternatives: [Alternative; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    detected_language: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language_confidence: Option<f64>,
}

#[derive(Serialize)]
struct Alternative {
    transcript: String,
    confidence: f64,
    words: Vec<WordItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paragraphs: Option<Paragraphs>,
}

/// Word with its times, confidence and speaker.
#[derive(Serialize)]
struct WordItem {
    word: String,
    start: f64,
    end: f64,
    confidence: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    speaker: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speaker_confidence: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    punctuated_word: Option<Cow<'static, str>>,
}

#[derive(Serialize)]
struct Paragraphs {
    transcript: String,
    paragraphs: Vec<Paragraph>,
}

#[derive(Serialize)]
struct Paragraph {
    sentences: Vec<Sentence>,
    start: f64,
    end: f64,
    num_words: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    speaker: Option<usize>,
}

#[derive(Serialize)]
struct Sentence {
    text: String,
    start: f64,
    end: f64,
}

#[derive(Serialize)]
struct Utterance {
    transcript: String,
    start: f64,
    end: f64,
    confidence: f64,
    channel: usize,
    words: Vec<WordItem>,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    speaker: Option<usize>,
}

impl Deepgram {
    pub(crate) fn new(submission: &ReceivedSubmission, words: &[SpokenWord]) -> Self {
        let features = Features::of(submission);
        Self {
            metadata: Metadata::new(submission, features.channels),
            results: features.results(words),
        }
    }
}

impl Metadata {
    fn new(submission: &ReceivedSubmission, channels: usize) -> Self {
        let sha256 = submission.sha256.to_string();
        let model = Model {
            name: "nightscribe-sandbox",
            version: "1",
            arch: "sandbox",
        };
        Self {
            transaction_key: "deprecated",
            request_id: request_id(&sha256),
            sha256,
            created: CREATED,
            duration: submission.duration_s,
            channels,
            models: [MODEL_ID],
            model_info: BTreeMap::from([(MODEL_ID, model)]),
        }
    }
}

/// Features of the result that the options enable.
struct Features {
    channels: usize,
    punctuate: bool,
    paragraphs: bool,
    diarize: bool,
    utterances: bool,
    detect_language: bool,
    summarize: bool,
}

impl Features {
    fn of(submission: &ReceivedSubmission) -> Self {
        let on = |name| submission.options.get(name) == Some(&Value::Bool(true));
        let smart = on("smart_format");
        let two_channels = on("multi_channel") || on("multichannel");
        Self {
            channels: if two_channels { 2 } else { 1 },
            punctuate: smart || on("punctuate") || on("paragraphs"),
            paragraphs: smart || on("paragraphs"),
            diarize: on("diarize"),
            utterances: on("utterances"),
            detect_language: on("detect_language"),
            summarize: submission.options.contains_key("summarize"),
        }
    }

    fn results(&self, words: &[SpokenWord]) -> Results {
        let channel = |channel| self.channel(&self.of_channel(words, channel));
        Results {
            channels: (0..self.channels).map(channel).collect(),
            utterances: self.utterances.then(|| self.utterances(words)),
            summary: self.summarize.then_some(Summary {
                result: "success",
                short: "A transcript made by the nightscribe sandbox.",
            }),
        }
    }

    /// Returns the words of a channel. Sentences alternate between the channels.
    fn of_channel<'a>(&self, words: &'a [SpokenWord], channel: usize) -> Vec<&'a SpokenWord> {
        let in_channel = |word: &&SpokenWord| word.sentence % self.channels == channel;
        words.iter().filter(in_channel).collect()
    }

    fn channel(&self, words: &[&SpokenWord]) -> Channel {
        let items = self.words(words);
        let alternative = Alternative {
            transcript: self.text(words, &items),
            confidence: if words.is_empty() { 0.0 } else { CONFIDENCE },
            words: items,
            paragraphs: self.paragraphs.then(|| self.paragraphs(words)),
        };
        Channel {
            alternatives: [alternative],
            detected_language: self.detect_language.then_some("en"),
            language_confidence: self.detect_language.then_some(CONFIDENCE),
        }
    }

    /// Returns the text of `words`. `items` are the same words in Deepgram's format.
    fn text(&self, words: &[&SpokenWord], items: &[WordItem]) -> String {
        if self.punctuate {
            return punctuated(words);
        }
        let bare: Vec<_> = items.iter().map(|item| item.word.as_str()).collect();
        bare.join(" ")
    }

    fn words(&self, words: &[&SpokenWord]) -> Vec<WordItem> {
        words.iter().map(|word| self.word(word)).collect()
    }

    fn word(&self, word: &SpokenWord) -> WordItem {
        WordItem {
            word: word.bare(),
            start: seconds(word.start_ms),
            end: seconds(word.end_ms),
            confidence: CONFIDENCE,
            speaker: self.speaker(word),
            speaker_confidence: self.diarize.then_some(CONFIDENCE),
            punctuated_word: self.punctuate.then(|| word.text.clone()),
        }
    }

    fn speaker(&self, word: &SpokenWord) -> Option<usize> {
        self.diarize.then(|| speaker(word))
    }

    fn paragraphs(&self, words: &[&SpokenWord]) -> Paragraphs {
        let sentences: Vec<&[&SpokenWord]> = sentences(words).collect();
        let paragraphs: Vec<_> = sentences
            .chunk_by(|a, b| self.speaker(a[0]) == self.speaker(b[0]))
            .flat_map(|turn| turn.chunks(PARAGRAPH_SENTENCES))
            .collect();
        let texts = paragraphs.iter().map(|paragraph| {
            let texts: Vec<_> = paragraph
                .iter()
                .map(|sentence| punctuated(sentence))
                .collect();
            texts.join(" ")
        });
        Paragraphs {
            transcript: texts.collect::<Vec<_>>().join("\n\n"),
            paragraphs: paragraphs
                .iter()
                .map(|paragraph| self.paragraph(paragraph))
                .collect(),
        }
    }

    fn paragraph(&self, sentences: &[&[&SpokenWord]]) -> Paragraph {
        let words = sentences.concat();
        let sentence = |words: &&[&SpokenWord]| Sentence {
            text: punctuated(words),
            start: start(words),
            end: end(words),
        };
        Paragraph {
            sentences: sentences.iter().map(sentence).collect(),
            start: start(&words),
            end: end(&words),
            num_words: words.len(),
            speaker: self.speaker(words[0]),
        }
    }

    /// Returns the utterances channel by channel, in Deepgram's order.
    fn utterances(&self, words: &[SpokenWord]) -> Vec<Utterance> {
        let of_channel = |channel| {
            let in_channel = self.of_channel(words, channel);
            let utterances: Vec<_> = sentences(&in_channel)
                .map(|words| self.utterance(words, channel))
                .collect();
            utterances
        };
        (0..self.channels).flat_map(of_channel).collect()
    }

    fn utterance(&self, words: &[&SpokenWord], channel: usize) -> Utterance {
        let items = self.words(words);
        Utterance {
            transcript: self.text(words, &items),
            start: start(words),
            end: end(words),
            confidence: CONFIDENCE,
            channel,
            words: items,
            id: format!("utterance-{}", words[0].sentence),
            speaker: self.speaker(words[0]),
        }
    }
}

/// Returns the start of the first word, in seconds. Returns 0 if there is none.
fn start(words: &[&SpokenWord]) -> f64 {
    words.first().map_or(0.0, |word| seconds(word.start_ms))
}

/// Returns the end of the last word, in seconds. Returns 0 if there is none.
fn end(words: &[&SpokenWord]) -> f64 {
    words.last().map_or(0.0, |word| seconds(word.end_ms))
}

fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}
