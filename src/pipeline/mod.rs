//! The stages, from a folder to transcripts: each reads what the stage before left in the store, and wakes the next.
//!
//! - [`runner`]: one run, from the lock to the last commit
//! - `daemon`: which source is looked through when; `folder_watch`: the watches of their folders;
//!   `source_folder`: what an event there means
//! - [`scan`]: what is new → queue; [`folder_rules`] says what a folder asks for
//! - [`submit`]: queue → service, under the limits; [`preflight`] looks at a file first,
//!   `equal` pays equal content once
//! - `sending`: what becomes of a submission
//! - [`poll`]: service → result in the database, before its hour is over
//! - [`schedule`]: what is pending, by due time and expiry
//! - [`save`]: results → files, in rounds; [`place`] writes the files of one, `flush` syncs those of many,
//!   `reserved` keeps the names apart of those that are written at once;
//!   [`fresh`]: results that need not be read again for it
//! - [`gate`]: who may leave and when: holds, shared back-off, room
//! - [`watch`]: what others change in the database meanwhile, and the room on the disk
//! - [`tempo`]: the pace of submissions, which follows what the service accepts
//! - [`context`]: what the stages share
//! - [`event`]: what a run tells whoever shows it
//! - [`beside`]: what outlasts the stages: `tell`, what a person is told; `hook`, what is run for each transcript
//! - `threads`: work on a few threads that may block
//! - [`account`]: what earlier runs have submitted, against the budget
//! - [`measure`]: the lengths of what is queued
//! - [`clock`]: the one place that reads the time
//! - [`lock`]: one runner per state folder

pub mod account;
pub mod beside;
pub mod clock;
pub mod context;
mod daemon;
mod equal;
pub mod event;
mod flush;
pub mod folder_rules;
mod folder_watch;
pub mod fresh;
pub mod gate;
mod hook;
pub mod lock;
pub mod lookup;
pub mod measure;
pub mod place;
pub mod poll;
pub mod preflight;
mod reserved;
pub mod runner;
pub mod save;
pub mod scan;
pub mod schedule;
mod sending;
mod source_folder;
pub mod submit;
mod tell;
pub mod tempo;
mod threads;
pub mod watch;

pub use clock::{Clock, SystemClock};
pub use event::{Event, Observer};
pub use lock::Lock;
pub use runner::{Mode, RunError, Setup, Summary, run};
