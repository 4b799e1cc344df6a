//! The result in Deepgram's shape.

use super::result::{CONFIDENCE, punctuated, request_id, sentences, speaker};
use super::speech::Word;
use super::submission::Submission;
use serde_json::{Map, Value, json};

/// The documents' own example, so that equal requests have equal results.
const CREATED: &str = "2025-05-21T01:54:44.461Z";
/// Stands for the sandbox where Deepgram names the model that it used.
const MODEL_ID: &str = "5a4db0c5-0000-4000-8000-000000000000";
/// Sentences that one speaker says in one paragraph, at most.
const PARAGRAPH_SENTENCES: usize = 4;

/// What the options ask of Deepgram's shape.
pub(super) struct Deepgram {
    channels: usize,
    punctuate: bool,
    paragraphs: bool,
    diarize: bool,
    utterances: bool,
    detect_language: bool,
    summarize: bool,
}

impl Deepgram {
    pub(super) fn new(submission: &Submission) -> Self {
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

    pub(super) fn result(&self, submission: &Submission, words: &[Word]) -> Value {
        let hash = submission.sha256.to_string();
        let channels: Vec<_> = (0..self.channels)
            .map(|channel| self.channel(&self.of_channel(words, channel)))
            .collect();
        let mut results = json!({"channels": channels});
        if self.utterances {
            results["utterances"] = self.utterances(words).into();
        }
        if self.summarize {
            results["summary"] = json!({"result": "success", "short": "A transcript made by the nightscribe sandbox."});
        }
        json!({
            "metadata": {
                "transaction_key": "deprecated",
                "request_id": request_id(&hash),
                "sha256": hash,
                "created": CREATED,
                "duration": submission.duration_s,
                "channels": self.channels,
                "models": [MODEL_ID],
                "model_info": {MODEL_ID: {"name": "nightscribe-sandbox", "version": "1", "arch": "sandbox"}},
            },
            "results": results,
        })
    }

    /// Sentences go to the channels in turn.
    fn of_channel<'a>(&self, words: &'a [Word], channel: usize) -> Vec<&'a Word> {
        let here = |word: &&Word| word.sentence % self.channels == channel;
        words.iter().filter(here).collect()
    }

    fn channel(&self, words: &[&Word]) -> Value {
        let mut alternative = json!({
            "transcript": self.text(words),
            "confidence": if words.is_empty() { 0.0 } else { CONFIDENCE },
            "words": self.words(words),
        });
        if self.paragraphs {
            alternative["paragraphs"] = self.paragraphs(words);
        }
        let mut channel = json!({"alternatives": [alternative]});
        if self.detect_language {
            channel["detected_language"] = "en".into();
            channel["language_confidence"] = CONFIDENCE.into();
        }
        channel
    }

    fn text(&self, words: &[&Word]) -> String {
        if self.punctuate {
            return punctuated(words);
        }
        words
            .iter()
            .map(|word| word.bare())
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn words(&self, words: &[&Word]) -> Vec<Value> {
        words.iter().map(|word| self.word(word)).collect()
    }

    fn word(&self, word: &Word) -> Value {
        let mut item = json!({
            "word": word.bare(),
            "start": seconds(word.start_ms),
            "end": seconds(word.end_ms),
            "confidence": CONFIDENCE,
        });
        if self.diarize {
            item["speaker"] = speaker(word).into();
            item["speaker_confidence"] = CONFIDENCE.into();
        }
        if self.punctuate {
            item["punctuated_word"] = word.text.as_ref().into();
        }
        item
    }

    fn paragraphs(&self, words: &[&Word]) -> Value {
        let sentences: Vec<&[&Word]> = sentences(words).collect();
        let same_speaker =
            |a: &&[&Word], b: &&[&Word]| !self.diarize || speaker(a[0]) == speaker(b[0]);
        let paragraphs: Vec<_> = sentences
            .chunk_by(same_speaker)
            .flat_map(|turn| turn.chunks(PARAGRAPH_SENTENCES))
            .collect();
        let texts = paragraphs.iter().map(|paragraph| {
            let texts: Vec<_> = paragraph
                .iter()
                .map(|sentence| punctuated(sentence))
                .collect();
            texts.join(" ")
        });
        json!({
            "transcript": texts.collect::<Vec<_>>().join("\n\n"),
            "paragraphs": paragraphs.iter().map(|paragraph| self.paragraph(paragraph)).collect::<Vec<_>>(),
        })
    }

    fn paragraph(&self, sentences: &[&[&Word]]) -> Value {
        let words = sentences.concat();
        let texts = sentences
            .iter()
            .map(|words| timed(words, "text", punctuated(words)));
        let mut paragraph = timed(
            &words,
            "sentences",
            texts.map(Value::Object).collect::<Vec<_>>(),
        );
        paragraph.insert("num_words".to_owned(), words.len().into());
        if self.diarize {
            paragraph.insert("speaker".to_owned(), speaker(words[0]).into());
        }
        paragraph.into()
    }

    /// Channel by channel, as Deepgram gives them.
    fn utterances(&self, words: &[Word]) -> Vec<Value> {
        let of_channel = |channel| {
            let own = self.of_channel(words, channel);
            let utterances: Vec<_> = sentences(&own)
                .map(|words| self.utterance(words, channel))
                .collect();
            utterances
        };
        (0..self.channels).flat_map(of_channel).collect()
    }

    fn utterance(&self, words: &[&Word], channel: usize) -> Value {
        let mut utterance = timed(words, "transcript", self.text(words));
        utterance.insert("confidence".to_owned(), CONFIDENCE.into());
        utterance.insert("channel".to_owned(), channel.into());
        utterance.insert("words".to_owned(), self.words(words).into());
        utterance.insert(
            "id".to_owned(),
            format!("utterance-{}", words[0].sentence).into(),
        );
        if self.diarize {
            utterance.insert("speaker".to_owned(), speaker(words[0]).into());
        }
        utterance.into()
    }
}

/// Something that is said from the first to the last of `words`, of which there are some.
fn timed(words: &[&Word], name: &str, value: impl Into<Value>) -> Map<String, Value> {
    let start = words.first().map_or(0, |word| word.start_ms);
    let end = words.last().map_or(0, |word| word.end_ms);
    let pairs = [
        (name, value.into()),
        ("start", seconds(start).into()),
        ("end", seconds(end).into()),
    ];
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}
