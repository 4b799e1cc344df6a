//! nightscribe turns folders of recordings into transcripts overnight, through the AI/ML API's speech-to-text
//! service, and never loses a transcript that was paid for.
//!
//! One recording goes straight through these rooms; each knows only those above it in this list:
//!
//! - [`domain`]: plain data and the state machine
//! - [`policy`]: decisions, as functions of facts, settings and `now`
//! - [`config`]: the configuration file, the environment, the defaults
//! - [`disk`]: what must be true of the disk before anything is said to be on it
//! - [`install`]: what a service manager is told
//! - [`api`]: the client of the service
//! - [`store`]: the queue, in SQLite
//! - [`media`]: finding recordings and looking at them
//! - [`output`]: rendering transcripts and writing them
//! - [`notify`]: what a person is told, and the ways it takes
//! - [`pipeline`]: scan → submit → poll → save, and what a start takes up again
//! - [`sandbox`]: a server that speaks the API, for `demo`, tests and benchmarks
//! - [`cli`]: one file a command
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

pub mod api;
pub mod cli;
pub mod config;
mod crash;
pub mod disk;
pub mod domain;
mod heavy;
pub mod install;
pub mod media;
pub mod notify;
pub mod output;
pub mod pipeline;
pub mod policy;
pub mod sandbox;
pub mod store;
