//! JSON form of an exported item.

use super::export::ExportOutcome;
use crate::domain::JobId;
use serde::Serialize;

/// JSON form of the result. Fields may be added, but never removed or renamed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ExportResult {
    /// ID of the job.
    pub item: JobId,
    /// Outcome.
    #[serde(flatten)]
    pub outcome: ExportOutcome,
}
