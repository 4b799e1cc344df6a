//! Plain data and the state machine. Knows nothing of files, networks, clocks or threads.
//!
//! - [`time`]: UTC milliseconds
//! - [`id`]: newtypes for every identifier
//! - [`state`]: the states of a job
//! - [`transition`]: which event leads from which state to which
//! - [`argument`]: arguments of a hook, with places to fill in
//! - [`channel`]: the ways a person is told
//! - [`container`]: the file types that the service takes
//! - [`content`]: a small recording, read as a whole
//! - [`exhaustion`]: errors that say nothing of a file and everything of the machine
//! - [`failure`]: what went wrong, in classes, with what to do about it
//! - [`file_name`]: how a transcript's files are named
//! - [`flow`]: the two ways the service takes a recording
//! - [`format`]: the output formats
//! - [`hold`]: why nothing is submitted for now
//! - [`model`]: the models of the service
//! - [`nearest`]: which known name somebody probably meant
//! - [`obeyed`](mod@obeyed): characters that are orders and no text
//! - [`options`]: the options of a submission
//! - [`price`]: what the models cost
//! - [`request`]: the model and options a recording is transcribed with
//! - [`transcript`]: a transcription, in one shape whatever model it came from

pub mod argument;
pub mod channel;
pub mod container;
pub mod content;
pub mod exhaustion;
pub mod failure;
pub mod file_name;
pub mod flow;
pub mod format;
pub mod hold;
pub mod id;
pub mod model;
pub mod nearest;
pub mod obeyed;
pub mod options;
pub mod price;
pub mod request;
pub mod state;
pub mod time;
pub mod transcript;
pub mod transition;

pub use argument::Argument;
pub use channel::Channel;
pub use content::Content;
pub use failure::{ErrorClass, Failure};
pub use file_name::FileName;
pub use flow::Flow;
pub use format::Format;
pub use hold::{Hold, HoldKind};
pub use id::{AttemptId, GenerationId, JobId, RecordingId, RunId};
pub use obeyed::is_obeyed;
pub use price::{Price, Prices};
pub use request::Request;
pub use state::JobState;
pub use time::Timestamp;
pub use transcript::Transcript;
