//! The durable queue. It uses no HTTP, and accesses no files other than its own.
//!
//! - [`sqlite`]: the queue in an SQLite database
//! - [`compress`]: compression of stored results
//! - [`error`]: errors of the queue

pub mod compress;
pub mod error;
pub mod sqlite;

pub use crate::store::sqlite::open::Store;
pub use error::StoreError;
