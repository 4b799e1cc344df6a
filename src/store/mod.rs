//! The queue in SQLite. All SQL is here, with one function for each statement.
//!
//! The module does not use HTTP, and accesses no files other than its own.
//!
//! - [`open`]: opening, pragmas, migrations, refusal of foreign files
//! - `writer`: the only writer, with group commit
//! - `together`: batching of changes
//! - [`recordings`], `record`: scan insert, recordings and their jobs
//! - `known`: scan diff
//! - [`rules`]: model and options of queued jobs
//! - [`lengths`]: durations of queued recordings
//! - [`queue`]: queries of the pipeline stages
//! - [`claims`]: transitions out of `queued`
//! - [`progress`]: transitions of a claimed job
//! - [`doubts`]: uncertain submissions
//! - [`twins`]: deduplication
//! - [`recovery`]: start and end of a run
//! - [`results`], [`compress`]: stored results
//! - [`hooks`]: programs run for each transcript
//! - [`news`], [`outbox`]: notifications until their delivery
//! - [`control`]: operator commands (retry, cancel, holds)
//! - `glance`: snapshot taken every second
//! - [`activity`]: queries of the live view
//! - [`report`]: items for `status`, `list` and `show`
//! - [`ended`]: summary of a period
//! - [`bill`], [`spending`]: billing, recent submissions, prices
//! - [`error`]: errors
//! - `row`: conversion of columns to types

pub mod activity;
pub mod bill;
pub mod claims;
pub mod compress;
pub mod control;
pub mod doubts;
pub mod ended;
pub mod error;
mod glance;
pub mod hooks;
mod known;
pub mod lengths;
pub mod news;
pub mod open;
pub mod outbox;
pub mod progress;
pub mod queue;
mod record;
pub mod recordings;
pub mod recovery;
pub mod report;
pub mod results;
mod row;
pub mod rules;
pub mod spending;
mod together;
pub mod twins;
mod writer;

pub use error::StoreError;
pub use open::Store;
