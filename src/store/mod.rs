//! The queue, in SQLite: all SQL, a function per statement. Knows nothing of HTTP; of files it knows only its own.
//!
//! - [`open`]: opening, pragmas, migrations, what is refused
//! - `writer`: the one writer, which commits what is waiting in one transaction
//! - [`recordings`]: what was found, and the jobs made of it
//! - [`bill`]: what was submitted, billed and saved
//! - [`activity`]: what the live view asks
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
//! - [`rules`]: model and options of what is queued
//! - `record`: what a scan saw → rows, many to a statement
//! - `known`: what a scan saw that is known already
//! - [`lengths`]: the lengths of what is queued
//! - [`spending`]: what was submitted lately, and what the models cost
//! - [`twins`]: recordings of equal content
//! - `together`: many changes by one statement
//! - `glance`: how it stands, and whether another process changed it, for a run's look each second
//! - `row`: columns to types

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
