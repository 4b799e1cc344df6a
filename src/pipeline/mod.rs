//! The stages that turn recordings into transcripts. Each stage reads from the store what the stage before wrote, and
//! wakes the next.
//!
//! Stages:
//!
//! - [`scan`]: sources → queue. [`folder_rules`] reads the rules of folders
//! - [`submit`]: queue → service, within the limits. [`preflight`] checks a file first, and `equal` deduplicates equal
//!   content
//! - `sending`: handles the outcome of a submission
//! - [`lookup`]: recovers submissions whose answer was lost
//! - [`poll`]: service → result in the database, before it expires. [`schedule`] orders pending generations by due time
//!   and expiry
//! - [`save`]: results → files, in batches. [`place`] writes staging files, `flush` syncs them, `reserved` reserves
//!   their paths, and [`fresh`] caches results just received
//!
//! The run around them:
//!
//! - [`runner`]: one run, from the lock to the last commit
//! - `daemon`: the scan loop of a daemon. `folder_watch` holds the watches, and `source_folder` interprets their events
//! - [`context`]: state shared by the stages
//! - [`gate`]: admission control, from holds, the shared back-off and the number in flight
//! - [`tempo`]: the submit rate, which adapts to the rate that the service accepts
//! - [`watch`]: the monitor of the database and the free disk space
//! - [`beside`]: background tasks. `tell` sends notifications, and `hook` runs a program for each transcript
//! - [`event`]: the events that a run reports to its observer
//! - [`account`]: the budget, with the spend of earlier runs
//! - [`measure`]: durations of queued recordings
//! - `threads`: blocking work on a few threads
//! - [`clock`]: the only module that reads the time
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
pub use event::{Observer, RunEvent};
pub use lock::Lock;
pub use runner::{Mode, RunError, Setup, Summary, run};
