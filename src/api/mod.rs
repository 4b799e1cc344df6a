//! The client of the service: submissions out, answers in, every failure classified once. Knows nothing of the queue.
//!
//! - [`client`]: the calls
//! - [`call`]: what a call takes and gives back
//! - `fields`: a request's options as form fields and as JSON
//! - `sending`: how far a submission has come, and when it is given up
//! - `upload`: a file streamed into a request
//! - `buffers`: memory for the chunks of a file, used again
//! - `transport`: one HTTP exchange, bounded in time and size
//! - [`answer`]: reading what the service says
//! - `broken`: what a call means that got no answer
//! - [`failures`]: an HTTP status and its body as a [`CallError`]
//! - [`http`]: what every HTTP client of this program has in common
//! - [`logs`]: the service's list of this key's requests
//! - `prices`: what the service says that its models cost
//! - [`pace`]: so many requests a minute, evenly

pub mod answer;
mod broken;
mod buffers;
pub mod call;
pub mod client;
pub mod failures;
mod fields;
pub mod http;
pub mod logs;
pub mod pace;
mod prices;
mod sending;
mod transport;
mod upload;

pub use answer::read_transcript;
pub use call::{
    Accepted, Audio, CallError, CallErrorKind, Completed, Polled, Recording, Reply, Submission,
    client_request_id,
};
pub use client::{Client, ClientError, Probe, Settings};
pub use logs::{Charged, ChargedPage, LogEntry, LogPage, Logs};
pub use pace::Pace;
pub use upload::UploadProgress;
