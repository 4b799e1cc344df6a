//! Output formats.

use std::fmt;
use std::str::FromStr;

/// An output format. Each format produces one file per transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Plain text: paragraphs with a speaker label per turn.
    Txt,
    /// Unmodified result of the service in an envelope.
    Json,
    /// SubRip subtitles.
    Srt,
    /// WebVTT subtitles.
    Vtt,
    /// Markdown: front matter, one chapter per paragraph, links into the audio.
    Md,
    /// Segment table in the format of Whisper.
    Tsv,
    /// Timed lines, as used for song lyrics.
    Lrc,
    /// JSON transcript of the podcast namespace.
    Podcast,
    /// JSON in the format of WhisperX.
    Whisperx,
    /// Label track for Audacity.
    Aud,
    /// HTML transcript of the podcast namespace.
    Html,
    /// Office Open XML document for word processors.
    Docx,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 12] = [
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
        Self::Html,
        Self::Docx,
    ];

    /// Every format, from the best for a person to read to the least.
    pub const FOR_READING: [Self; 12] = [
        Self::Txt,
        Self::Md,
        Self::Html,
        Self::Docx,
        Self::Vtt,
        Self::Srt,
        Self::Lrc,
        Self::Tsv,
        Self::Aud,
        Self::Podcast,
        Self::Whisperx,
        Self::Json,
    ];

    /// Returns the name used in the configuration.
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
            Self::Html => "html",
            Self::Docx => "docx",
        }
    }

    /// Returns whether the format shows the time of each part of the text.
    #[must_use]
    pub const fn needs_times(self) -> bool {
        !matches!(
            self,
            Self::Txt | Self::Json | Self::Md | Self::Html | Self::Docx
        )
    }

    /// Returns whether the file is text. A format for one kind of program is written only where it is named.
    #[must_use]
    pub const fn is_text(self) -> bool {
        !matches!(self, Self::Docx)
    }

    /// Returns the file extension, without the leading dot.
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

/// Error for an unknown format name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown output format `{name}`; expected `all` or one of {}",
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

/// One format, or `all` text formats. Parsed from one argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatSelection(Vec<Format>);

impl FromStr for FormatSelection {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        Ok(Self(match text {
            "all" => Format::ALL
                .into_iter()
                .filter(|format| format.is_text())
                .collect(),
            one => vec![one.parse()?],
        }))
    }
}

impl FormatSelection {
    /// Returns the selected formats without duplicates, in the order of their first occurrence.
    #[must_use]
    pub fn distinct(selections: &[Self]) -> Vec<Format> {
        let mut formats = Vec::new();
        for &format in selections.iter().flat_map(|one| &one.0) {
            if !formats.contains(&format) {
                formats.push(format);
            }
        }
        formats
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_has_a_place_for_reading() {
        let mut formats = Format::FOR_READING;
        formats.sort_unstable();
        assert_eq!(formats, Format::ALL);
    }
}
