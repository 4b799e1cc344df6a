//! Plain data and the state machine of a job. This module does no I/O and uses no clock and no threads.
//!
//! - [`time`]: UTC timestamps in milliseconds
//! - [`id`]: newtypes for identifiers
//! - [`state`]: the states of a job
//! - [`transition`]: the state machine of a job
//! - [`argument`]: arguments of a hook, with placeholders
//! - [`channel`]: notification channels
//! - [`container`]: file types that the service accepts
//! - [`content`]: content of a small recording, held in memory
//! - [`exhaustion`]: detection of resource exhaustion
//! - [`failure`]: failure classes, with advice
//! - [`file_name`]: template for the names of output files
//! - [`flow`]: API modes
//! - [`format`](mod@format): output formats
//! - [`hold`]: reasons to suspend submissions
//! - [`model`]: models of the service
//! - [`nearest`]: suggestions for mistyped names
//! - [`obeyed`]: control characters in text
//! - [`options`]: options of a submission
//! - [`price`]: prices of the models
//! - [`request`]: model and options of a submission
//! - [`transcript`]: a transcript, independent of the model

pub mod api_mode;
pub mod channel;
pub mod container;
pub mod control_chars;
pub mod did_you_mean;
pub mod failure;
pub mod file_content;
pub mod file_name;
pub mod format;
pub mod hold;
pub mod hook_argument;
pub mod id;
pub mod on_uncertain;
pub mod price;
pub mod request;
pub mod state;
pub mod time;
pub mod transcript;
pub mod transition;

pub use crate::domain::api_mode::ApiMode;
pub use crate::domain::control_chars::is_control_char;
pub use crate::domain::file_content::FileContent;
pub use crate::domain::hook_argument::HookArgument;
pub use channel::NotifyChannel;
pub use failure::{ErrorClass, Failure};
pub use file_name::FileNameTemplate;
pub use format::Format;
pub use hold::{Hold, HoldKind};
pub use id::{AttemptId, GenerationId, JobId, RecordingId, RunId};
pub use price::{Price, PriceTable};
pub use request::Request;
pub use state::JobState;
pub use time::Timestamp;
pub use transcript::Transcript;
