//! Figures by which a transcript is judged without reading it.

use serde::{Deserialize, Serialize};

/// Figures of a transcript. This is the stored and the JSON form: fields may be added, but never removed or renamed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Quality {
    /// Mean confidence of the words, from 0 to 1. `None` if the service gives none.
    pub confidence: Option<f64>,
    /// Confidence that a tenth of the words does not reach.
    pub low_confidence: Option<f64>,
    /// Part of the recording in which somebody speaks, from 0 to 1. `None` without times or duration.
    pub speech: Option<f64>,
    /// Words in a minute of speech. `None` for scripts without spaces, and without times.
    pub words_per_minute: Option<f64>,
    /// Number of phrases that are repeated several times in a row, as models do that lose the thread.
    pub loops: u64,
    /// Detected language, as the service names it.
    pub language: Option<String>,
}
