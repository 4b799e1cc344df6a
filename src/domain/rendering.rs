//! Settings of the rendered formats, and rules for their names and text.

use super::replacements::Replacements;
use super::speaker_names::SpeakerNames;
use std::str::FromStr;

/// Settings of the rendered formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RenderOptions {
    /// Settings of `srt` and `vtt`.
    pub subtitles: SubtitleOptions,
    /// Settings of `txt`.
    pub txt: TxtOptions,
}

/// Names and replacements for the transcripts of a source, a folder or a recording.
#[derive(Debug, Clone, Default)]
pub struct RenderRules {
    /// Names of speakers.
    pub speakers: SpeakerNames,
    /// Replacements in the text.
    pub replacements: Replacements,
}

impl RenderRules {
    /// Adds the rules of something more specific. They take precedence.
    pub fn extend(&mut self, specific: Self) {
        self.speakers.extend(specific.speakers);
        self.replacements.extend(specific.replacements);
    }
}

/// Settings of subtitles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubtitleOptions {
    /// Maximum width of a line, in columns. A Chinese character has two columns.
    pub max_chars: usize,
    /// Maximum number of lines, 1 or 2.
    pub max_lines: usize,
    /// Maximum reading speed, in columns per second. A faster cue is avoided where the speech allows it.
    pub max_cps: u64,
    /// Minimum time between two cues of a channel, in milliseconds.
    pub min_gap_ms: u64,
}

impl SubtitleOptions {
    /// Reading speed for which a cue is held, in columns per second.
    #[must_use]
    pub const fn comfortable_cps(&self) -> u64 {
        // 17 at the default of 20: the limits of streaming services for children and for adults.
        let comfortable = self.max_cps * 17 / 20;
        if comfortable == 0 { 1 } else { comfortable }
    }
}

impl Default for SubtitleOptions {
    fn default() -> Self {
        Self {
            max_chars: 42,
            max_lines: 2,
            max_cps: 20,
            min_gap_ms: 0,
        }
    }
}

/// A set of subtitle settings that others published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubtitlePreset {
    /// Timed Text Style Guide of Netflix: 42 × 2, 20 characters per second, two frames between cues.
    Netflix,
    /// Subtitle Guidelines of the BBC: 37 × 2 and 17 characters per second, without gaps.
    Bbc,
    /// Podcast namespace: 32 × 2.
    Podcast,
}

impl SubtitlePreset {
    /// Returns the settings.
    #[must_use]
    pub fn options(self) -> SubtitleOptions {
        let default = SubtitleOptions::default();
        match self {
            Self::Netflix => SubtitleOptions {
                min_gap_ms: 83,
                ..default
            },
            Self::Bbc => SubtitleOptions {
                max_chars: 37,
                max_cps: 17,
                ..default
            },
            Self::Podcast => SubtitleOptions {
                max_chars: 32,
                ..default
            },
        }
    }
}

/// Error for an unknown preset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown preset `{0}`; expected netflix, bbc or podcast")]
pub struct UnknownPreset(String);

impl FromStr for SubtitlePreset {
    type Err = UnknownPreset;

    fn from_str(text: &str) -> Result<Self, UnknownPreset> {
        match text {
            "netflix" => Ok(Self::Netflix),
            "bbc" => Ok(Self::Bbc),
            "podcast" => Ok(Self::Podcast),
            other => Err(UnknownPreset(other.to_owned())),
        }
    }
}

/// Settings of plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TxtOptions {
    /// Whether a label shows each change of the speaker.
    pub speakers: bool,
    /// Whether each paragraph starts with its time.
    pub timestamps: bool,
    /// Maximum width of a line, in columns. `None` keeps each paragraph on one line.
    pub width: Option<usize>,
}

impl Default for TxtOptions {
    fn default() -> Self {
        Self {
            speakers: true,
            timestamps: false,
            width: None,
        }
    }
}
