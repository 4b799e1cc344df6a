//! One run: the stages that turn recordings into transcripts, and what they share.
//!
//! - [`runner`]: one run, from the lock to the last commit
//! - [`stages`]: discover → submit → poll → save, recovery, hooks and notifications
//! - [`context`]: state shared by the stages
//! - [`admission`]: admission control, from holds, the shared back-off and the number in flight
//! - [`submit_rate`]: the submit rate, which adapts to the rate that the service accepts
//! - [`budget`]: the budget, with the spend of earlier runs
//! - [`result_cache`]: results just received, kept until they are saved
//! - [`monitor`]: the monitor of the database and the free disk space
//! - [`background`]: hooks and notifications, which outlast the stages
//! - [`event`]: the events that a run reports to its observer
//! - [`probe_durations`]: durations of queued recordings
//! - [`lock`]: one runner per state folder

pub mod admission;
pub mod background;
pub mod budget;
pub mod context;
pub mod event;
pub mod lock;
pub mod monitor;
pub mod probe_durations;
pub mod result_cache;
pub mod runner;
pub mod stages;
pub mod submit_rate;

pub use crate::runtime::clock::{Clock, SystemClock};
pub use event::{Observer, RunEvent};
pub use lock::Lock;
pub use runner::{Mode, RunError, Setup, Summary, run};
