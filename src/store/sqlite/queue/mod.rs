//! Queries of the pipeline stages.
//!
//! - `reachable`: sources whose jobs may be submitted
//! - `candidates`: queued jobs that may be submitted
//! - `pending`: jobs pending at the service
//! - `received`: jobs whose result is stored
//! - `remaining`: work that remains for a run

mod candidates;
mod pending;
mod reachable;
mod received;
mod remaining;

pub(crate) use candidates::{CANDIDATE, candidate};
pub use candidates::{Candidate, KnownLength};
pub use pending::PendingJob;
pub use reachable::ReachableSources;
pub use received::ReceivedJob;
pub use remaining::RemainingWork;
