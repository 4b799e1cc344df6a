//! Words of every model family.

use crate::domain::transcript::{Speaker, Word};
use crate::provider::json::scalar::Scalar;
use crate::provider::result::number::{Span, index_of, length_of};
use smol_str::SmolStr;

/// Names of the fields of a word.
pub(crate) const NAMES: [&str; 5] = ["word", "punctuated_word", "text", "start", "end"];

/// Types of entries in a list of words that are not speech.
const NOT_SPEECH: [&str; 2] = ["spacing", "audio_event"];

/// Marks by which the model families are told apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    /// A field that only ElevenLabs sends.
    pub(crate) is_scribe: bool,
    /// A word whose text is in the field `text`, as in results of AssemblyAI and ElevenLabs.
    pub(crate) has_text_field: bool,
    /// A time with a fraction. Times in milliseconds have none.
    pub(crate) has_fraction: bool,
}

impl Marks {
    pub(crate) const fn add(&mut self, other: Self) {
        self.is_scribe |= other.is_scribe;
        self.has_text_field |= other.has_text_field;
        self.has_fraction |= other.has_fraction;
    }
}

/// A word while its fields are read. Times are in the unit of the service.
#[derive(Debug, Default)]
pub(crate) struct WordDraft {
    punctuated: Option<SmolStr>,
    plain: Option<SmolStr>,
    span: Span,
    speaker: Option<Speaker>,
    channel: Option<u32>,
    is_speech: Option<bool>,
    confidence: Option<f32>,
    pub(crate) marks: Marks,
}

impl WordDraft {
    /// Takes one field.
    pub(crate) fn field(&mut self, name: &str, value: Scalar<'_>) {
        match name {
            "punctuated_word" => self.punctuated = value.text(),
            "word" => self.plain = value.text(),
            "text" => {
                self.plain = value.text().or(self.plain.take());
                self.marks.has_text_field = true;
            }
            "start" => self.span.start = self.time(value),
            "end" => self.span.end = self.time(value),
            "speaker" => self.speaker = speaker(value),
            "speaker_id" => {
                self.speaker = speaker(value).or(self.speaker.take());
                self.marks.is_scribe = true;
            }
            "channel" | "channel_index" => self.channel = index_of(value),
            "type" => {
                let kind = value.text();
                self.is_speech = kind.map(|kind| !NOT_SPEECH.contains(&&*kind));
                self.marks.is_scribe = true;
            }
            "logprob" => {
                let logarithm = value.number();
                self.confidence = logarithm.map(|logarithm| logarithm.exp().clamp(0.0, 1.0) as f32);
                self.marks.is_scribe = true;
            }
            "confidence" | "probability" | "score" => {
                let confidence = value.number();
                self.confidence = confidence.map(|confidence| confidence.clamp(0.0, 1.0) as f32);
            }
            _ => {}
        }
    }

    fn time(&mut self, value: Scalar<'_>) -> Option<f64> {
        let time = length_of(value);
        self.marks.has_fraction |= time.is_some_and(|time| time.fract() != 0.0);
        time
    }

    /// Returns the word, as an error if its times are not known. Returns `None` if it is not speech.
    pub(crate) fn finish(self) -> Option<Result<Word, Word>> {
        let text = self.punctuated.or(self.plain)?;
        if self.is_speech == Some(false) || text.trim().is_empty() {
            return None;
        }
        let text = match text.trim().len() == text.len() {
            true => text,
            false => text.trim().into(),
        };
        let times = self.span.times();
        let (start_s, end_s) = times.unwrap_or_default();
        let word = Word {
            text,
            start_s,
            end_s,
            speaker: self.speaker,
            channel: self.channel,
            confidence: self.confidence,
        };
        Some(if times.is_some() { Ok(word) } else { Err(word) })
    }
}

/// Returns a speaker: a label or a number.
pub(crate) fn speaker(value: Scalar<'_>) -> Option<Speaker> {
    let label = value.label()?;
    let label = label.trim();
    (!label.is_empty()).then(|| Speaker(label.into()))
}
