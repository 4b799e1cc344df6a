//! Client of the AI/ML API.
//!
//! - [`client`]: the calls
//! - `headers`: headers of the service's own
//! - `form`: options of a request as form fields and as JSON
//! - [`response`]: what an answer means
//! - `envelope`: reader of the object around a result, with status, IDs and error
//! - [`completed`]: a completed transcription
//! - `status`: status words
//! - [`identity`]: check that an answer belongs to the polled generation
//! - [`errors`]: classification of error responses; [`error_body`], `error_text`: their author and message
//! - `key_cap`: messages about a cap of the key
//! - [`api_key`]: the key, read again when the service refuses it
//! - `resend`: calls that are sent again at once
//! - `file_fields`: form field of the file, by model
//! - [`request_log`]: the service's list of the key's requests
//! - [`models`], [`family`], [`options`], [`vocabulary`]: models, their families and what these take
//! - [`wish`]: language and speakers, as options of a model
//! - [`list`](mod@list), [`catalogue`], [`deprecations`]: the service's lists of models and of deprecated ones
//! - [`prices`]: the service's price list; [`transactions`]: the account's ledger

pub mod api_key;
pub mod catalogue;
pub mod client;
pub mod completed;
pub mod deprecations;
pub(crate) mod envelope;
pub mod error_body;
pub(crate) mod error_text;
pub mod errors;
pub mod family;
pub(crate) mod file_fields;
pub(crate) mod form;
pub(crate) mod headers;
pub mod identity;
pub(crate) mod key_cap;
pub mod list;
pub mod models;
pub mod options;
pub mod prices;
pub mod request_log;
pub(crate) mod resend;
pub mod response;
pub(crate) mod status;
pub mod transactions;
pub mod vocabulary;
pub mod wish;
