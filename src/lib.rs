//! nightscribe turns folders of recordings into transcripts overnight, through the AI/ML API's speech-to-text
//! service, and never loses a transcript that was paid for.
//!
//! A recording passes through the modules below. Each module may use only those above it in this list:
//!
//! - [`domain`]: plain data and the state machine
//! - [`policy`]: decisions, as pure functions of facts, settings and `now`
//! - [`runtime`]: clock, rate limiter, subprocesses and threads
//! - [`disk`]: durable writes, free space and file systems
//! - [`provider`]: clients of speech-to-text services
//! - [`config`]: configuration file, environment variables and defaults
//! - [`service_manager`]: service manager integration
//! - [`store`]: the durable queue
//! - [`media`]: inspection of recordings
//! - [`source`]: sources of recordings
//! - [`output`]: rendering and writing transcripts
//! - [`notify`]: notifications and their channels
//! - [`pipeline`]: discover → submit → poll → save, and recovery at a start
//! - [`app`]: use cases, which return plain serialisable values
//! - [`cli`]: the commands, one file each

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

pub mod app;
pub mod cli;
pub mod config;
pub mod disk;
pub mod domain;
pub mod media;
pub mod notify;
pub mod output;
pub mod pipeline;
pub mod policy;
pub mod provider;
pub mod runtime;
pub mod service_manager;
pub mod source;
pub mod store;
