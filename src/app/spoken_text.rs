//! A part of a transcript that one speaker says.

use serde::Serialize;

/// A part of a transcript that one speaker says.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SpokenText {
    /// Start in seconds. `None` if the transcript has no times.
    pub start_s: Option<f64>,
    /// End in seconds. `None` if the transcript has no times.
    pub end_s: Option<f64>,
    /// Label of the speaker, if known.
    pub speaker: Option<String>,
    /// Text.
    pub text: String,
}
