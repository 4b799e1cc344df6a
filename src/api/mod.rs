//! Client of the speech-to-text service: calls, parsing of responses, classification of errors.
//!
//! The client is independent of the queue.
//!
//! - [`client`]: the calls
//! - [`call`]: inputs and results of the calls
//! - `fields`: encoding of a request's options as form fields and JSON
//! - `sending`: progress and stall timer of an upload
//! - `upload`: streaming of a file into a request
//! - `buffers`: buffer pool for the chunks of an upload
//! - `transport`: one HTTP exchange, with limits on time and size
//! - [`answer`]: parsers for the service's responses
//! - `broken`: classification of calls without a complete response
//! - [`failures`]: classification of HTTP error responses
//! - [`http`]: shared settings of the HTTP clients
//! - [`logs`]: the service's list of the key's requests
//! - `prices`: the service's price list
//! - [`pace`]: rate limiter for requests

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
    Accepted, AudioSource, CallError, CallErrorKind, Completed, PollStatus, Recording, Submission,
    SubmitReply, client_request_id,
};
pub use client::{Client, ClientError, ClientSettings, Probe};
pub use logs::{ChargedPage, ChargedRequest, LogEntry, LogPage, LogsResponse};
pub use pace::RateLimiter;
pub use upload::UploadProgress;
