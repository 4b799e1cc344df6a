//! The queue, in SQLite: all SQL, a function per statement. Knows nothing of HTTP; of files it knows only its own.
//!
//! - [`open`]: opening, pragmas, migrations, what is refused
//! - `writer`: the one writer, which commits what is waiting in one transaction
//! - [`recordings`]: what was found, and the jobs made of it
//! - [`claims`]: a job leaves the queue
//! - [`doubts`]: submissions whose answer was lost
//! - [`progress`]: what happens to a claimed job, up to its files
//! - [`recovery`]: runs, and what a start takes up again
//! - [`control`]: what a person changes: retry, cancel, holds
//! - [`news`], [`outbox`]: messages to people, until they are delivered
//! - [`ended`]: what ended in some time, for a summary
//! - [`hooks`]: what is run for each transcript
//! - [`queue`]: what the stages ask
//! - [`results`]: results, and the files that were made of them
//! - [`report`]: what `status`, `list` and `show` ask
//! - [`compress`]: results as they are stored
//! - `record`: what a scan saw → rows, many to a statement
//! - `known`: what a scan saw that is known already
//! - [`twins`]: recordings of equal content
//! - `together`: many changes by one statement
//! - `version`: whether another process changed it
//! - `row`: columns to types

pub mod claims;
pub mod compress;
pub mod control;
pub mod doubts;
pub mod ended;
pub mod error;
pub mod hooks;
mod known;
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
mod together;
pub mod twins;
mod version;
mod writer;

pub use error::StoreError;
pub use open::Store;
