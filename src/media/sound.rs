//! The sound of a recording, as its container describes it.

/// Result of reading a container.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Sound {
    /// Length of the sound track.
    pub(super) length: Length,
    /// Reason why there is nothing to transcribe, or not all of it.
    pub(super) defect: Option<Defect>,
}

/// Length of a sound track in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Length {
    /// The container does not state it.
    #[default]
    Unknown,
    /// Extrapolated from parts of the file.
    Estimated(f64),
    /// Stated by the container, or by the last packet.
    Exact(f64),
}

/// Reason for refusing a recording before its upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Defect {
    /// The file ends before its sound does, with the proof from the container.
    Truncated(String),
    /// The file has no sound, with the reason.
    Silent(&'static str),
}

impl Length {
    /// Returns the seconds, whether exact or estimated.
    #[must_use]
    pub const fn seconds(self) -> Option<f64> {
        match self {
            Self::Unknown => None,
            Self::Estimated(seconds) | Self::Exact(seconds) => Some(seconds),
        }
    }

    /// Returns the length if it lies between zero and `max` seconds. A container that states another is broken.
    pub(super) fn if_plausible(self, max: f64) -> Self {
        match self.seconds() {
            Some(seconds) if seconds > 0.0 && seconds < max => self,
            _ => Self::Unknown,
        }
    }
}

impl Sound {
    /// A sound of exactly this many seconds.
    pub(super) fn exact(seconds: f64) -> Self {
        Self {
            length: Length::Exact(seconds),
            defect: None,
        }
    }

    /// A sound of about this many seconds.
    pub(super) fn estimated(seconds: f64) -> Self {
        Self {
            length: Length::Estimated(seconds),
            defect: None,
        }
    }

    /// A file without sound.
    pub(super) fn silent(reason: &'static str) -> Self {
        Self {
            length: Length::Unknown,
            defect: Some(Defect::Silent(reason)),
        }
    }

    /// A file that ends before its sound.
    pub(super) fn truncated(reason: impl Into<String>) -> Self {
        Self {
            length: Length::Unknown,
            defect: Some(Defect::Truncated(reason.into())),
        }
    }

    /// Adds the proof of a truncation, if there is one.
    pub(super) fn with_truncation(mut self, reason: Option<String>) -> Self {
        self.defect = self.defect.or(reason.map(Defect::Truncated));
        self
    }
}

/// Tolerance for a declared size, in bytes. Some recorders miscount padding by about a byte.
const SLACK_BYTES: u64 = 8;

/// Returns the proof of a truncation if a header declares more bytes of sound than the file has.
pub(super) fn missing_bytes(declared: u64, actual: u64) -> Option<String> {
    (declared > actual.saturating_add(SLACK_BYTES))
        .then(|| format!("the header declares {declared} bytes of audio, the file has {actual}"))
}
