//! The formats a transcript is written in.

use std::fmt;
use std::str::FromStr;

/// An output format; each makes one file of a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// For reading: paragraphs, a speaker label per turn.
    Txt,
    /// The service's result as it came, in an envelope.
    Json,
    /// SubRip subtitles.
    Srt,
    /// WebVTT subtitles.
    Vtt,
    /// Markdown: front matter, a chapter for each paragraph, links into the audio.
    Md,
    /// Whisper's table of segments.
    Tsv,
    /// Lines with times, as for songs.
    Lrc,
    /// The podcast namespace's JSON transcript.
    Podcast,
    /// WhisperX's JSON.
    Whisperx,
    /// Audacity's label track.
    Aud,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 10] = [
        Self::Txt,
        Self::Json,
        Self::Srt,
        Self::Vtt,
        Self::Md,
        Self::Tsv,
        Self::Lrc,
        Self::Podcast,
        Self::Whisperx,
        Self::Aud,
    ];

    /// The name in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Txt => "txt",
            Self::Json => "json",
            Self::Srt => "srt",
            Self::Vtt => "vtt",
            Self::Md => "md",
            Self::Tsv => "tsv",
            Self::Lrc => "lrc",
            Self::Podcast => "podcast",
            Self::Whisperx => "whisperx",
            Self::Aud => "aud",
        }
    }

    /// What its files' names end with.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Podcast => "podcast.json",
            Self::Whisperx => "whisperx.json",
            other => other.as_str(),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text names no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{name}` is no output format; the formats are {}, and `all`",
    Format::ALL.map(Format::as_str).join(", ")
)]
pub struct UnknownFormat {
    name: String,
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| UnknownFormat {
                name: text.to_owned(),
            })
    }
}

/// One format, or `all` of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formats(Vec<Format>);

impl FromStr for Formats {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        Ok(Self(match text {
            "all" => Format::ALL.to_vec(),
            one => vec![one.parse()?],
        }))
    }
}

impl Formats {
    /// Each format that is named anywhere in `asked`, once, in that order.
    #[must_use]
    pub fn each(asked: &[Self]) -> Vec<Format> {
        let mut formats = Vec::new();
        for &format in asked.iter().flat_map(|one| &one.0) {
            if !formats.contains(&format) {
                formats.push(format);
            }
        }
        formats
    }
}
