//! A transcription in one shape, whatever model it came from. Times are seconds from the start of the audio.

/// What was said. `api::answer` reads it from an answer; `output` renders it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Transcript {
    /// The whole text, channels one after the other. Empty for silence.
    pub text: String,
    /// Every word that has times, sorted by start; several channels are merged. Empty where the model gives none.
    pub words: Vec<Word>,
    /// Paragraphs as the service made them, sorted by start; empty where it made none.
    pub paragraphs: Vec<Paragraph>,
    /// Utterances as the service made them, sorted by start; empty where it made none.
    pub utterances: Vec<Utterance>,
    /// Length of the audio that was billed, if said.
    pub duration_s: Option<f64>,
    /// The detected or confirmed language (BCP-47), if said.
    pub language: Option<String>,
}

impl Transcript {
    /// Whether nothing was said: a valid transcript of silence.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.text.trim().is_empty() && self.words.is_empty()
    }
}

/// One word.
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    /// As it should be shown: punctuated where the service did so.
    pub text: String,
    /// When it begins.
    pub start_s: f64,
    /// When it ends; never before `start_s`.
    pub end_s: f64,
    /// Who says it, where the service diarized.
    pub speaker: Option<Speaker>,
    /// On which channel, where there are several, from 0.
    pub channel: Option<u32>,
}

/// A speaker's label: a number from 0 (Deepgram) or a letter (AssemblyAI), as text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Speaker(pub String);

/// A paragraph.
#[derive(Debug, Clone, PartialEq)]
pub struct Paragraph {
    /// Its sentences, in order.
    pub sentences: Vec<String>,
    /// When it begins.
    pub start_s: f64,
    /// When it ends.
    pub end_s: f64,
    /// Who says it, where the service diarized.
    pub speaker: Option<Speaker>,
    /// On which channel, where there are several, from 0.
    pub channel: Option<u32>,
}

/// A stretch of speech by one speaker on one channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Utterance {
    /// What is said.
    pub text: String,
    /// When it begins.
    pub start_s: f64,
    /// When it ends.
    pub end_s: f64,
    /// Who says it, where the service diarized.
    pub speaker: Option<Speaker>,
    /// On which channel, where there are several, from 0.
    pub channel: Option<u32>,
}
