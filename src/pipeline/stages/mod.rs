//! The stages. Each reads from the store what the stage before wrote, and wakes the next.
//!
//! - [`discover`]: sources → queue
//! - [`compare`]: queue → transcripts on disk and earlier results, before anything is paid for again
//! - [`submit`]: queue → service, within the limits
//! - [`poll`]: service → result in the database, before it expires
//! - [`recover`]: submissions whose answer was lost → their generation, or the queue
//! - [`save`]: results → files, in batches
//! - `hooks`: a program run for each transcript
//! - `notify`: notifications from the outbox

pub mod compare;
pub mod discover;
pub(crate) mod hooks;
pub(crate) mod notify;
pub mod poll;
pub mod recover;
pub mod save;
pub mod submit;
