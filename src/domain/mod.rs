//! Plain data and the state machine. Knows nothing of files, networks, clocks or threads.
//!
//! - [`time`]: UTC milliseconds
//! - [`id`]: newtypes for every identifier
//! - [`state`]: the states of a job
//! - [`transition`]: which event leads from which state to which
//! - [`failure`]: what went wrong, in classes, with what to do about it
//! - [`format`]: the output formats
//! - [`hold`]: why nothing is submitted for now
//! - [`request`]: the model and options a recording is transcribed with
//! - [`transcript`]: a transcription, in one shape whatever model it came from

pub mod failure;
pub mod format;
pub mod hold;
pub mod id;
pub mod request;
pub mod state;
pub mod time;
pub mod transcript;
pub mod transition;

pub use failure::{ErrorClass, Failure};
pub use format::Format;
pub use hold::{Hold, HoldKind};
pub use id::{AttemptId, GenerationId, JobId, RecordingId, RunId};
pub use request::Request;
pub use state::JobState;
pub use time::Timestamp;
pub use transcript::Transcript;
