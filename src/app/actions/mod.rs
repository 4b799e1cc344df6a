//! Actions of the operator on the queue. They work with or without an active runner.
//!
//! - [`retry`], [`cancel`]: requeue or cancel items; [`retry_low_quality`](mod@retry_low_quality): transcribe again with another
//!   model
//! - [`pause`]: pause and resume submissions
//! - [`add`]: queue individual files and URLs
//! - [`adopt`](mod@adopt): take transcripts on disk into the queue
//! - [`export`]: write transcripts again from stored results; `export_answer`: write an answer that could not be used;
//!   `export_staging`: rendering; [`export_result`]: JSON form; `export_changed`: choice of files that would be written differently
//! - [`speakers`]: names of the speakers of a recording
//! - [`requests`]: actions as programs request them
//! - [`test_message`]: test the notification channels

pub mod add;
pub mod adopt;
pub mod cancel;
pub mod export;
mod export_answer;
mod export_changed;
pub mod export_result;
mod export_staging;
pub mod pause;
pub mod requests;
pub mod retry;
pub mod retry_low_quality;
pub mod speakers;
pub mod test_message;

use crate::domain::{JobId, JobState};
use serde::Serialize;

/// An item that an action left unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Refusal {
    /// ID of the job.
    pub item: JobId,
    /// State that does not allow the action. `None` if there is no such item.
    pub state: Option<JobState>,
}
