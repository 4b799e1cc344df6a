//! nightscribe turns folders of recordings into transcripts overnight, through the AI/ML API's speech-to-text
//! service, and never loses a transcript that was paid for.
//!
//! A recording passes through the modules below. Each module may use only those above it in this list:
//!
//! - [`domain`]: plain data and the state machine
//! - [`policy`]: decisions, as pure functions of facts, settings and `now`
//! - [`config`]: configuration file, environment variables and defaults
//! - [`disk`]: durable folders, file-system syncs and detection of network shares
//! - [`install`]: service manager integration
//! - [`api`]: client of the service
//! - [`store`]: the queue, in SQLite
//! - [`media`]: finding and inspecting recordings
//! - [`output`]: rendering and writing transcripts
//! - [`notify`]: notifications and their channels
//! - [`pipeline`]: scan → submit → poll → save, and recovery at a start
//! - [`sandbox`]: a server that implements the API, for `demo`, tests and benchmarks
//! - [`cli`]: the commands, one file each
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
