//! HTTP exchanges, bounded in time and size.
//!
//! - `exchange`: one request and its response
//! - `upload`: a file streamed into a request
//! - `buffers`: reusable memory for the chunks of a file
//! - `page`: pages in place of an answer
//! - `retry_after`: the `Retry-After` header
//! - `upload_watchdog`: upload progress, and the timeout of a stalled upload
//! - `transport_errors`: the meaning of a call that got no response

pub(crate) mod buffers;
pub(crate) mod exchange;
pub(crate) mod page;
pub mod retry_after;
pub(crate) mod transport_errors;
pub(crate) mod upload;
pub(crate) mod upload_watchdog;
