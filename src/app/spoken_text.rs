//! A part of a transcript that one speaker says.

use serde::Serialize;

/// A part of a transcript that one speaker says. Its fields are part of JSON forms: they may be added, but never removed or renamed.
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
