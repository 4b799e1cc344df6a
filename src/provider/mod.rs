//! Clients of speech-to-text services: submissions, polls and request logs. They know nothing of the queue.
//!
//! - [`aimlapi`]: the AI/ML API: its calls, errors, models, options and prices
//! - [`result`]: readers of results of all model families
//! - [`json`]: a lenient reader of JSON
//! - [`body`]: the body of a response
//! - [`http`]: single HTTP exchanges and streamed uploads

pub mod aimlapi;
pub mod body;
pub mod http;
pub mod json;
pub mod result;

pub use crate::provider::aimlapi::api_key::KeyReader;
pub use crate::provider::aimlapi::call::{
    Accepted, AudioSource, CallError, CallErrorKind, PollReply, PollStatus, Submission,
    SubmitReply, UnusableAnswer, client_request_id,
};
pub use crate::provider::aimlapi::client::{Client, ClientError, ClientSettings, Probe};
pub use crate::provider::aimlapi::completed::{Completed, ResultJson};
pub use crate::provider::aimlapi::request_log::{
    ChargedPage, ChargedRequest, LogEntry, LogPage, LogsResponse,
};
pub use crate::provider::http::upload::{Recording, SoundCopy, UploadProgress};
