//! Clients of speech-to-text services: submissions, polls and request logs. They know nothing of the queue.
//!
//! - [`call`]: inputs, results and errors of the calls
//! - [`aimlapi`]: the AI/ML API: its calls, errors, models, options and prices
//! - [`result`]: readers of results of all model families
//! - [`json`]: a lenient reader of JSON
//! - [`body`]: the body of a response
//! - [`http`]: single HTTP exchanges and streamed uploads
//!
//! The rest of the program uses only what is named below, and not the folder of a service.

pub mod aimlapi;
pub mod body;
pub mod call;
pub mod http;
pub mod json;
pub mod result;

pub use crate::provider::call::{
    Accepted, AudioSource, CallError, CallErrorKind, Expected, PollReply, PollStatus, Submission,
    SubmitReply, UnusableAnswer, client_request_id,
};
pub use crate::provider::http::upload::{Recording, SoundCopy, UploadProgress};

// The client, and the results that it returns.
pub use crate::provider::aimlapi::api_key::KeyReader;
pub use crate::provider::aimlapi::client::{Client, ClientError, ClientSettings, Probe};
pub use crate::provider::aimlapi::completed::{Completed, ResultJson};
pub use crate::provider::aimlapi::request_log::{
    ChargedPage, ChargedRequest, LogEntry, LogPage, LogsResponse,
};
pub use crate::provider::aimlapi::transactions::Transaction;

// Models, and what they take.
pub use crate::provider::aimlapi::catalogue::{CatalogueModel, read_catalogue};
pub use crate::provider::aimlapi::deprecations::{
    Deprecation, DeprecationStatus, read_deprecations,
};
pub use crate::provider::aimlapi::list::{ListPath, ListResponse};
pub use crate::provider::aimlapi::vocabulary::add_vocabulary;
pub use crate::provider::aimlapi::wish::{Wish, WishError, request_for};
pub use crate::provider::aimlapi::{models, options};
