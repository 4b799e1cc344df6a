//! Sources whose jobs may be submitted.

use crate::domain::JobId;
use crate::store::sqlite::row;

/// Sources whose jobs may be submitted.
#[derive(Debug, Clone, Default)]
pub struct ReachableSources {
    /// Sources in the configuration. Their URLs may be submitted.
    pub configured: Vec<String>,
    /// Sources whose folder exists. Their files may be submitted, too.
    pub present: Vec<String>,
    /// The only jobs that may be submitted. `None` allows all.
    pub only: Option<Vec<JobId>>,
}

impl ReachableSources {
    /// Returns the parameter of [`among`].
    pub(super) fn only_ids(&self) -> Option<String> {
        let only = self.only.as_ref();
        only.map(|jobs| row::json_ids(jobs.iter().map(|job| job.0)))
    }
}

/// SQL condition: the source of the job is present (`?2`), or it is a URL of a configured source (`?3`).
pub(super) const REACHABLE: &str = "(r.source IN (SELECT value FROM json_each(?2))
    OR (r.kind = 'url' AND r.source IN (SELECT value FROM json_each(?3))))";

/// Returns the SQL condition that the job is one of those in the parameter of this number, unless that is NULL.
pub(super) fn among(parameter: u32) -> String {
    format!("(?{parameter} IS NULL OR j.id IN (SELECT value FROM json_each(?{parameter})))")
}

/// SQL condition: the job does not wait for the budget.
pub(super) const WITHIN_BUDGET: &str = "j.error_class IS NOT 'budget'";

/// Encodes names as a JSON array for `json_each`.
pub(super) fn json_names(names: &[String]) -> String {
    serde_json::Value::from(names).to_string()
}
