//! Warnings about finished transcripts.

use std::fmt;
use std::str::FromStr;

/// Something that the user should check in a finished transcript. The job is done nevertheless.
///
/// Shown by `list`, `show` and `report`, in JSON, and at the end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Warning {
    /// No speech was found in a long recording.
    LongSilence,
    /// The transcript covers a small part of the recording.
    SmallPart,
    /// The answer has no content that this version can read.
    UnknownShape,
    /// The text has no times, so formats that need them were not written.
    NoTimes,
    /// Speakers were requested, but no word has one.
    NoSpeakers,
    /// A summary was requested, but the answer has none.
    NoSummary,
    /// Topics were requested, but the answer has none.
    NoTopics,
    /// Intents were requested, but the answer has none.
    NoIntents,
    /// Sentiments were requested, but the answer has none.
    NoSentiments,
    /// Entities were requested, but the answer has none.
    NoEntities,
    /// Utterances were requested, but the answer has none.
    NoUtterances,
    /// Paragraphs were requested, but the answer has none.
    NoParagraphs,
    /// The detection of the language was requested, but the answer names no language.
    NoLanguage,
}

impl Warning {
    /// Every warning.
    pub const ALL: [Self; 13] = [
        Self::LongSilence,
        Self::SmallPart,
        Self::UnknownShape,
        Self::NoTimes,
        Self::NoSpeakers,
        Self::NoSummary,
        Self::NoTopics,
        Self::NoIntents,
        Self::NoSentiments,
        Self::NoEntities,
        Self::NoUtterances,
        Self::NoParagraphs,
        Self::NoLanguage,
    ];

    /// Returns the name used in the database and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LongSilence => "long_silence",
            Self::SmallPart => "small_part",
            Self::UnknownShape => "unknown_shape",
            Self::NoTimes => "no_times",
            Self::NoSpeakers => "no_speakers",
            Self::NoSummary => "no_summary",
            Self::NoTopics => "no_topics",
            Self::NoIntents => "no_intents",
            Self::NoSentiments => "no_sentiments",
            Self::NoEntities => "no_entities",
            Self::NoUtterances => "no_utterances",
            Self::NoParagraphs => "no_paragraphs",
            Self::NoLanguage => "no_language",
        }
    }

    /// Returns the message for the user, as a lowercase fragment.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::LongSilence => {
                "no speech was found in a long recording; check its language and its sound"
            }
            Self::SmallPart => "the transcript covers only a small part of the recording",
            Self::UnknownShape => {
                "this version cannot read the answer of the service; it is stored, and a later version can export it"
            }
            Self::NoTimes => {
                "the model returns text without times, so no subtitles or other files with times were written"
            }
            Self::NoSpeakers => {
                "speakers were requested, but the transcript has none; the model may not support them"
            }
            Self::NoSummary => "a summary was requested, but the answer has none",
            Self::NoTopics => "topics were requested, but the answer has none",
            Self::NoIntents => "intents were requested, but the answer has none",
            Self::NoSentiments => "sentiments were requested, but the answer has none",
            Self::NoEntities => "entities were requested, but the answer has none",
            Self::NoUtterances => "utterances were requested, but the answer has none",
            Self::NoParagraphs => "paragraphs were requested, but the answer has none",
            Self::NoLanguage => {
                "language detection was requested, but the answer names no language"
            }
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.message())
    }
}

/// Error for an unknown name of a warning.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown warning `{0}`")]
pub struct UnknownWarning(String);

impl FromStr for Warning {
    type Err = UnknownWarning;

    fn from_str(text: &str) -> Result<Self, UnknownWarning> {
        Self::ALL
            .into_iter()
            .find(|warning| warning.as_str() == text)
            .ok_or_else(|| UnknownWarning(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_warning_round_trips_and_has_a_message() {
        for warning in Warning::ALL {
            assert_eq!(warning.as_str().parse(), Ok(warning));
            let json = serde_json::to_string(&warning).unwrap();
            assert_eq!(json, format!("\"{}\"", warning.as_str()));
            assert!(!warning.message().ends_with('.'));
        }
        assert!("oops".parse::<Warning>().is_err());
    }
}
