//! Sources whose jobs may be submitted.

/// Sources whose jobs may be submitted.
#[derive(Debug, Clone, Default)]
pub struct ReachableSources {
    /// Sources in the configuration. Their URLs may be submitted.
    pub configured: Vec<String>,
    /// Sources whose folder exists. Their files may be submitted, too.
    pub present: Vec<String>,
}

/// SQL condition: the source of the job is present (`?2`), or it is a URL of a configured source (`?3`).
pub(super) const REACHABLE: &str = "(r.source IN (SELECT value FROM json_each(?2))
    OR (r.kind = 'url' AND r.source IN (SELECT value FROM json_each(?3))))";

/// SQL condition: the job does not wait for the budget.
pub(super) const WITHIN_BUDGET: &str = "j.error_class IS NOT 'budget'";

/// Encodes names as a JSON array for `json_each`.
pub(super) fn json_names(names: &[String]) -> String {
    serde_json::Value::from(names).to_string()
}
