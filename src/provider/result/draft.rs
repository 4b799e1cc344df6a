//! A result of any model family while its fields are read.
//!
//! The shapes share fields, and the field that tells them apart may come last. All fields are therefore read first, and
//! [`Draft::finish`] decides.

use crate::domain::Transcript;
use crate::domain::extras::Extras;
use crate::domain::transcript::{Speaker, Utterance, Word};
use crate::provider::json::list::{each, each_flat};
use crate::provider::json::reader::{JsonReader, Kind};
use crate::provider::result::channel_list::join_channels;
use crate::provider::result::deepgram::ResultsDraft;
use crate::provider::result::number::{index, length};
use crate::provider::result::search::FoundText;
use crate::provider::result::utterance::{NAMES as UTTERANCE_NAMES, UtteranceDraft};
use crate::provider::result::word::{Marks, NAMES as WORD_NAMES, WordDraft};
use crate::provider::result::word_list::WordList;

/// Fields that contain a result in some answers.
const WRAPPERS: [&str; 5] = ["result", "output", "data", "response", "transcription"];
/// Names of the fields of a channel.
const CHANNEL_NAMES: [&str; 4] = ["text", "words", "channel_index", "language_code"];
/// Maximum nesting of wrappers.
const MAX_WRAPPERS: usize = 8;
const MILLISECONDS: f64 = 1000.0;

/// A result while its fields are read.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    text: Option<String>,
    results: ResultsDraft,
    /// Results of channels (`transcripts` of ElevenLabs).
    channels: Vec<Draft>,
    channel: Option<u32>,
    words: WordList,
    utterances: Vec<Utterance>,
    segments: Vec<Utterance>,
    /// Words of the segments. A segment without words is one word.
    segment_words: Vec<Word>,
    has_segment_words: bool,
    /// Text of utterances and segments without times.
    untimed: Vec<String>,
    duration_s: Option<f64>,
    language: Option<String>,
    sha256: Option<String>,
    marks: Marks,
    has_audio_duration: bool,
    extras: Extras,
    found: FoundText,
    has_fields: bool,
    names_known_field: bool,
    is_known: bool,
    wrappers: usize,
}

/// A result that was read.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct ResultReading {
    pub(crate) transcript: Transcript,
    pub(crate) extras: Extras,
    /// SHA-256 of the audio that the result names.
    pub(crate) sha256: Option<String>,
    /// Whether the result has a field of a known shape, which may be null.
    pub(crate) has_known_field: bool,
    /// Whether the result has text, or says in the form of Deepgram that there is none.
    pub(crate) is_usable: bool,
}

impl Draft {
    /// Reads a whole result: an object, a text, or a list of either. An object in a text is read, too.
    pub(crate) fn value(&mut self, json: &mut JsonReader<'_>) {
        match json.kind() {
            Kind::Object => json.object(|json, name| {
                if !self.field(json, name) {
                    self.found.search(json, name);
                }
            }),
            Kind::String => {
                let text = json.text().unwrap_or_default();
                if text.trim_start().starts_with('{') && self.wrappers < MAX_WRAPPERS {
                    self.wrappers += 1;
                    self.value(&mut JsonReader::new(text.as_bytes()));
                } else {
                    self.is_known = true;
                    self.text = Some(text);
                }
            }
            _ => self.found.search(json, "text"),
        }
    }

    /// Reads a field of a result. Returns `false` if it is not known, and leaves its value to the caller.
    pub(crate) fn field(&mut self, json: &mut JsonReader<'_>, name: &str) -> bool {
        self.has_fields = true;
        self.names_known_field |= is_known_name(name);
        if json.null() {
            return true;
        }
        match (name, json.kind()) {
            ("results", _) => {
                self.results.read(json);
                self.is_known |= self.results.is_known;
            }
            ("text" | "transcript", Kind::String) => {
                self.text = json.text().or(self.text.take());
                self.is_known = true;
            }
            ("transcripts", Kind::Array) if self.wrappers < MAX_WRAPPERS => {
                self.channels(json);
            }
            ("words", Kind::Array | Kind::Object) => self.words(json),
            ("utterances", Kind::Array | Kind::Object) => self.utterances(json),
            ("segments", Kind::Array | Kind::Object) => self.segments(json),
            ("metadata", Kind::Object) => json.object(|json, name| match name {
                "duration" => self.duration_s = length(json).or(self.duration_s),
                "sha256" => self.sha256 = json.text(),
                _ => {}
            }),
            ("usage", Kind::Object) => json.object(|json, name| {
                if name == "seconds" {
                    self.duration_s = self.duration_s.or(length(json));
                }
            }),
            ("duration", Kind::Word | Kind::String) => {
                self.duration_s = length(json).or(self.duration_s);
            }
            ("audio_duration", Kind::Word | Kind::String) => {
                self.duration_s = length(json).or(self.duration_s);
                self.has_audio_duration = true;
            }
            ("audio_duration_secs", Kind::Word | Kind::String) => {
                self.duration_s = length(json).or(self.duration_s);
                self.marks.is_scribe = true;
            }
            ("language_probability", _) => self.marks.is_scribe = true,
            ("language" | "language_code", Kind::String) => self.language = json.text(),
            (_, Kind::Object) if WRAPPERS.contains(&name) && self.wrappers < MAX_WRAPPERS => {
                self.wrappers += 1;
                self.value(json);
            }
            _ if self.extras.record(name) => {}
            _ => return false,
        }
        true
    }

    fn channels(&mut self, json: &mut JsonReader<'_>) {
        self.is_known = true;
        let wrappers = self.wrappers + 1;
        let field = |channel: &mut Self, json: &mut JsonReader<'_>, name: &str| {
            channel.wrappers = wrappers;
            match name {
                "channel_index" => channel.channel = index(json),
                _ if channel.field(json, name) => {}
                _ => channel.found.search(json, name),
            }
        };
        each(json, &CHANNEL_NAMES, field, |channel| {
            self.channels.push(channel);
        });
    }

    fn words(&mut self, json: &mut JsonReader<'_>) {
        self.is_known = true;
        each_flat(json, &WORD_NAMES, WordDraft::field, |draft| {
            self.marks.add(draft.marks);
            draft
                .finish()
                .into_iter()
                .for_each(|word| self.words.push(word));
        });
    }

    fn utterances(&mut self, json: &mut JsonReader<'_>) {
        self.is_known = true;
        each(
            json,
            &UTTERANCE_NAMES,
            UtteranceDraft::field,
            |draft| match draft.finish() {
                Some(Ok(utterance)) => self.utterances.push(utterance),
                Some(Err(text)) => self.untimed.push(text),
                None => {}
            },
        );
    }

    fn segments(&mut self, json: &mut JsonReader<'_>) {
        self.is_known = true;
        each(
            json,
            &UTTERANCE_NAMES,
            UtteranceDraft::field_or_words,
            |mut draft: UtteranceDraft| {
                let words = draft.finish_words();
                let has_words = !words.is_empty();
                self.has_segment_words |= has_words;
                self.segment_words.extend(words);
                match draft.finish() {
                    Some(Ok(segment)) => {
                        self.segment_words
                            .extend((!has_words).then(|| as_word(&segment)));
                        self.segments.push(segment);
                    }
                    Some(Err(text)) => self.untimed.push(text),
                    None => {}
                }
            },
        );
    }

    /// Returns the result, with all lists sorted by start and times in seconds.
    pub(crate) fn finish(mut self) -> ResultReading {
        let (mut words, untimed_words) = std::mem::take(&mut self.words).finish(None);
        self.scale(&mut words);
        if !self.has_segment_words {
            self.segment_words.clear();
        }
        let mut extras = self.extras;
        extras.add(self.results.extras);
        let parts = self.results.finish();
        let channels = self.channels.into_iter().map(|channel| {
            let number = channel.channel;
            let reading = channel.finish();
            extras.add(reading.extras);
            (number, reading.transcript)
        });
        let channels = join_channels(channels.collect());
        let mut transcript = Transcript {
            text: parts.text,
            words: first_list(parts.words, [words, self.segment_words, channels.words]),
            paragraphs: parts.paragraphs,
            utterances: first_list(
                parts.utterances,
                [self.utterances, self.segments, channels.utterances],
            ),
            duration_s: self.duration_s,
            language: parts.language.or(self.language).or(channels.language),
            ..Transcript::default()
        };
        sort(&mut transcript);
        if is_blank(&transcript.text) {
            let untimed_words = untimed_words.into_iter().map(|word| word.text.into());
            self.untimed.extend(untimed_words);
            let found = (!self.is_known).then(|| parts.found.or(self.found.into_text()));
            let texts = [
                self.text,
                Some(channels.text),
                text_of_parts(&transcript),
                join(&self.untimed),
                found.flatten(),
            ];
            let text = texts.into_iter().flatten().find(|text| !is_blank(text));
            transcript.text = text.unwrap_or_default();
        }
        let has_text = !transcript.is_silent();
        extras.unknown_shape = self.has_fields && !self.names_known_field && !has_text;
        ResultReading {
            transcript,
            extras,
            sha256: self.sha256,
            has_known_field: self.names_known_field,
            is_usable: has_text || parts.is_known,
        }
    }

    /// Converts the times of AssemblyAI, in milliseconds, to seconds, and its channels, from 1, to channels from 0. The
    /// names of its speakers start with the channel: `1`, `1A`.
    fn scale(&mut self, words: &mut [Word]) {
        let Marks {
            is_scribe,
            has_text_field,
            has_fraction,
        } = self.marks;
        if is_scribe || has_fraction || !(has_text_field || self.has_audio_duration) {
            return;
        }
        let from_one = |channel: Option<u32>| channel.map(|number| number.saturating_sub(1));
        for word in words {
            word.start_s /= MILLISECONDS;
            word.end_s /= MILLISECONDS;
            word.speaker = speaker_on(word.channel, word.speaker.take());
            word.channel = from_one(word.channel);
        }
        for utterance in &mut self.utterances {
            utterance.start_s /= MILLISECONDS;
            utterance.end_s /= MILLISECONDS;
            utterance.speaker = speaker_on(utterance.channel, utterance.speaker.take());
            utterance.channel = from_one(utterance.channel);
        }
    }
}

/// Returns a speaker without the number of the channel, or `None` if the name is only that number.
fn speaker_on(channel: Option<u32>, speaker: Option<Speaker>) -> Option<Speaker> {
    let (Some(channel), Some(Speaker(name))) = (channel, &speaker) else {
        return speaker;
    };
    match name.strip_prefix(&channel.to_string()) {
        Some("") => None,
        Some(rest) if rest.chars().all(char::is_alphabetic) => Some(Speaker(rest.into())),
        _ => speaker,
    }
}

/// Returns a segment as one word, for a list in which other segments have words.
fn as_word(segment: &Utterance) -> Word {
    Word {
        text: segment.text.trim().into(),
        start_s: segment.start_s,
        end_s: segment.end_s,
        speaker: segment.speaker.clone(),
        channel: segment.channel,
        confidence: None,
    }
}

/// Returns the first list that is not empty.
fn first_list<T, const N: usize>(first: Vec<T>, others: [Vec<T>; N]) -> Vec<T> {
    let mut lists = std::iter::once(first).chain(others);
    lists.find(|list| !list.is_empty()).unwrap_or_default()
}

fn sort(transcript: &mut Transcript) {
    let by_start = f64::total_cmp;
    transcript
        .words
        .sort_by(|a, b| by_start(&a.start_s, &b.start_s));
    transcript
        .paragraphs
        .sort_by(|a, b| by_start(&a.start_s, &b.start_s));
    transcript
        .utterances
        .sort_by(|a, b| by_start(&a.start_s, &b.start_s));
}

/// Returns the text of the utterances, or else that of the words or paragraphs.
fn text_of_parts(transcript: &Transcript) -> Option<String> {
    let utterances: Vec<_> = transcript.utterances.iter().map(|one| &one.text).collect();
    let words: Vec<_> = transcript.words.iter().map(|word| &word.text).collect();
    let sentences = transcript.paragraphs.iter().flat_map(|one| &one.sentences);
    join(&utterances)
        .or_else(|| join(&words))
        .or_else(|| join(&sentences.collect::<Vec<_>>()))
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// Joins parts of a text, with a space where neither side has one. Returns `None` if they are blank.
fn join(parts: &[impl AsRef<str>]) -> Option<String> {
    let mut text = String::new();
    for part in parts {
        let part = part.as_ref();
        let has_space =
            text.ends_with(char::is_whitespace) || part.starts_with(char::is_whitespace);
        if !text.is_empty() && !has_space {
            text.push(' ');
        }
        text.push_str(part);
    }
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Whether `name` is a field of a known shape.
fn is_known_name(name: &str) -> bool {
    const NAMES: [&str; 7] = [
        "results",
        "transcripts",
        "text",
        "transcript",
        "words",
        "utterances",
        "segments",
    ];
    NAMES.contains(&name)
}
