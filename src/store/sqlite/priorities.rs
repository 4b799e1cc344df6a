//! The priorities of queued jobs.

/// Recursive table expression: the priorities of the queued jobs, and a NULL. It reads one entry of the index for each.
///
/// The index has the due times of each priority in order, and not those of all jobs.
pub(crate) const PRIORITIES: &str = "priorities (priority) AS (
    SELECT max(priority) FROM jobs INDEXED BY jobs_queued WHERE state = 'queued'
    UNION ALL
    SELECT (SELECT max(j.priority) FROM jobs j INDEXED BY jobs_queued
            WHERE j.state = 'queued' AND j.priority < p.priority)
    FROM priorities p WHERE p.priority IS NOT NULL)";
