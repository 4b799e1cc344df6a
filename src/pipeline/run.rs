//! The settings and the result of one run.

use super::event::Observer;
use super::lock::LockError;
use crate::config::Config;
use crate::domain::{AwaitedResults, Hold, JobId, Problem, Timestamp};
use crate::notify::Channels;
use crate::policy::budget::{Amount, Cap};
use crate::policy::hours::Opening;
use crate::provider::ClientError;
use crate::runtime::clock::Clock;
use crate::store::StoreError;
use crate::store::sqlite::recovery::Recovered;
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long requests and hooks in flight may continue after a stop.
pub(super) const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// Lifetime of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Scans once, and ends when nothing is left to do.
    Once,
    /// Scans nothing, and ends when nothing is left to do in the queue.
    Queued,
    /// Runs until it is stopped.
    Daemon,
}

/// Settings and dependencies of a run.
pub struct Setup {
    /// Configuration.
    pub config: Config,
    /// API key of the service.
    pub key: SecretString,
    /// Lifetime of the run.
    pub mode: Mode,
    /// Time after which nothing is submitted. The run then ends when all pending generations are collected.
    pub until: Option<Timestamp>,
    /// Maximum number of recordings to submit.
    pub limit: Option<u64>,
    /// The only jobs to submit. `None` allows all. Pending ones are always collected.
    pub only: Option<Vec<JobId>>,
    /// Source of the current time.
    pub clock: Arc<dyn Clock>,
    /// Receiver of the run's events.
    pub observer: Arc<dyn Observer>,
    /// Notification channels.
    pub channels: Channels,
    /// Cancelled to stop the run gracefully.
    pub stop: CancellationToken,
    /// Reload of the configuration. The default never reloads.
    pub reload: Reload,
}

/// Reload of the configuration during a run. The part of the run with the earlier configuration ends, and the next part
/// begins with what the earlier ones spent.
#[derive(Debug, Clone, Default)]
pub struct Reload {
    /// Cancelled before `stop` to end this part for a reload.
    pub requested: CancellationToken,
    /// Amount that the earlier parts of the run spent of its budget.
    pub spent: Amount,
}

/// Result of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// Work recovered from earlier runs.
    pub recovered: Recovered,
    /// Number of jobs done.
    pub done: u64,
    /// Number of jobs failed.
    pub failed: u64,
    /// Number of jobs done with warnings.
    pub warned: u64,
    /// Number of jobs excluded because their recordings are outside the limits of their source.
    pub excluded: u64,
    /// Number of jobs that stay queued because the budget does not allow them.
    pub over_budget: u64,
    /// Holds in force at the end of the run.
    pub holds: Vec<Hold>,
    /// Whether jobs are still queued in the sources within reach.
    pub queued: bool,
    /// Problems that need a person.
    pub problems: Vec<Problem>,
    /// Paid results that are still at the service.
    pub awaited: AwaitedResults,
    /// Amount spent of the budget of the run, including the parts before a reload.
    pub spent: Amount,
    /// Whether the active hours and the time limit allowed submissions at the end of the run.
    pub opening: Opening,
}

impl Summary {
    /// Adds the counts of an earlier part of the same run, which ended to apply another configuration.
    #[must_use]
    pub const fn with_earlier(mut self, earlier: &Self) -> Self {
        self.done += earlier.done;
        self.failed += earlier.failed;
        self.warned += earlier.warned;
        self.excluded += earlier.excluded;
        self
    }
}

/// An error that prevented or ended a run. Recorded data is not lost.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The state folder is locked by another process, or cannot be locked.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The budget caps money, and a model has no price.
    #[error(
        "cannot apply `{cap}`: there is no price for `{model}`{reason}; set it under [prices], or fetch it with `nightscribe prices --refresh`"
    )]
    Unpriced {
        /// The cap that needs a price.
        cap: Cap,
        /// The model without a price.
        model: String,
        /// Why the service has none, in parentheses, or empty.
        reason: String,
    },
    /// The HTTP client could not be created.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A stage panicked.
    #[error("a stage of the run panicked")]
    Stage(#[source] tokio::task::JoinError),
}

impl RunError {
    /// Whether the run cannot begin with this configuration, but may with another one.
    #[must_use]
    pub const fn is_of_configuration(&self) -> bool {
        matches!(self, Self::Unpriced { .. } | Self::Client(_))
    }
}

/// Tasks of the stages.
pub(super) type Stages = JoinSet<Result<(), StoreError>>;

/// Converts the result of an ended stage to a result of the run.
pub(super) fn stage_result(
    ended: Result<Result<(), StoreError>, tokio::task::JoinError>,
) -> Result<(), RunError> {
    ended.map_err(RunError::Stage)?.map_err(RunError::Store)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_the_part_before_a_reload_are_added() {
        let part = |count| Summary {
            done: count,
            failed: count,
            warned: count,
            excluded: count,
            over_budget: count,
            ..Summary::default()
        };
        let total = part(1).with_earlier(&part(4));
        let expected = Summary {
            // The jobs that stay queued are counted once, at the end.
            over_budget: 1,
            ..part(5)
        };
        assert_eq!(total, expected);
    }
}
