//! A transcript, independent of the model. Times are in seconds from the start of the audio.

pub use super::speaker::Speaker;
use super::speaker_names::SpeakerNames;
use smol_str::SmolStr;

/// A transcript. `api::answer` parses it from a response, and `output` renders it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Transcript {
    /// Complete text, one channel after another. Empty for silence.
    pub text: String,
    /// All words with times, sorted by start. Channels are merged. Empty if the model returns no words.
    pub words: Vec<Word>,
    /// Paragraphs from the service, sorted by start. May be empty.
    pub paragraphs: Vec<Paragraph>,
    /// Utterances from the service, sorted by start. May be empty.
    pub utterances: Vec<Utterance>,
    /// Billed length of the audio in seconds, if known.
    pub duration_s: Option<f64>,
    /// Detected or confirmed language (BCP-47), if known.
    pub language: Option<String>,
    /// Names that a user gave to the speakers.
    pub speaker_names: SpeakerNames,
}

impl Transcript {
    /// Returns whether the transcript contains no speech. Such a transcript is valid.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.text.trim().is_empty() && self.words.is_empty()
    }

    /// Returns whether any part of the text has times.
    #[must_use]
    pub const fn has_times(&self) -> bool {
        !(self.words.is_empty() && self.utterances.is_empty() && self.paragraphs.is_empty())
    }

    /// Returns whether any part of the text has a speaker.
    #[must_use]
    pub fn has_speakers(&self) -> bool {
        let words = self.words.iter().map(|word| &word.speaker);
        let utterances = self.utterances.iter().map(|utterance| &utterance.speaker);
        let paragraphs = self.paragraphs.iter().map(|paragraph| &paragraph.speaker);
        words
            .chain(utterances)
            .chain(paragraphs)
            .any(Option::is_some)
    }

    /// Returns the end of the last part with times, in seconds. `None` if no part has times.
    #[must_use]
    pub fn last_time_s(&self) -> Option<f64> {
        let words = self.words.iter().map(|word| word.end_s);
        let utterances = self.utterances.iter().map(|utterance| utterance.end_s);
        let paragraphs = self.paragraphs.iter().map(|paragraph| paragraph.end_s);
        words.chain(utterances).chain(paragraphs).reduce(f64::max)
    }
}

/// A word.
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    /// Display text, with punctuation if the service provides it. Most words need no memory of their own.
    pub text: SmolStr,
    /// Start time.
    pub start_s: f64,
    /// End time. Never before `start_s`.
    pub end_s: f64,
    /// Speaker, if the service diarized the audio.
    pub speaker: Option<Speaker>,
    /// Channel number from 0, if the audio has several channels.
    pub channel: Option<u32>,
    /// Confidence of the model from 0 to 1, if the service gives it.
    pub confidence: Option<f32>,
}

/// A paragraph.
#[derive(Debug, Clone, PartialEq)]
pub struct Paragraph {
    /// Sentences, in order.
    pub sentences: Vec<String>,
    /// Start time.
    pub start_s: f64,
    /// End time.
    pub end_s: f64,
    /// Speaker, if the service diarized the audio.
    pub speaker: Option<Speaker>,
    /// Channel number from 0, if the audio has several channels.
    pub channel: Option<u32>,
}

/// Continuous speech by one speaker on one channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Utterance {
    /// Text of the utterance.
    pub text: String,
    /// Start time.
    pub start_s: f64,
    /// End time.
    pub end_s: f64,
    /// Speaker, if the service diarized the audio.
    pub speaker: Option<Speaker>,
    /// Channel number from 0, if the audio has several channels.
    pub channel: Option<u32>,
}
