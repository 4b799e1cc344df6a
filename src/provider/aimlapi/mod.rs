//! Client of the AI/ML API.
//!
//! - [`client`]: the calls
//! - [`call`]: their arguments and results
//! - `form`: options of a request as form fields and as JSON
//! - [`response`]: what an answer means
//! - `envelope`: reader of the object around a result, with status, IDs and error
//! - [`completed`]: a completed transcription
//! - `status`: status words
//! - [`identity`]: check that an answer belongs to the polled generation
//! - [`errors`], `error_text`: classification of error responses, and their messages
//! - [`request_log`]: the service's list of the key's requests
//! - [`models`], [`options`]: models and their options; [`deprecations`]: the service's list of deprecated models
//! - `prices`: the service's price list

pub mod call;
pub mod client;
pub mod completed;
pub mod deprecations;
pub(crate) mod envelope;
pub(crate) mod error_text;
pub mod errors;
pub(crate) mod form;
pub mod identity;
pub mod models;
pub mod options;
pub(crate) mod prices;
pub mod request_log;
pub mod response;
pub(crate) mod status;
