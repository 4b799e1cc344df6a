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
//! - [`http`]: the page in the browser and the interface for programs
//! - [`mcp`]: the server of the Model Context Protocol
//! - [`cli`]: the commands, one file each
//!
//! # Example
//!
//! One recording is transcribed by the sandbox, which generates words instead of recognizing speech:
//!
//! ```
//! use nightscribe::config::{self, Environment};
//! use nightscribe::notify::Channels;
//! use nightscribe::pipeline::{self, Mode, Observer, RunEvent, Setup, SystemClock};
//! use nightscribe_sandbox::{Sandbox, Settings};
//! use std::{fs, sync::Arc, time::Duration};
//!
//! /// Ignores all events of the run.
//! struct Silent;
//!
//! impl Observer for Silent {
//!     fn on_event(&self, _event: &RunEvent) {}
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! fs::create_dir(folder.path().join("recordings"))?;
//! fs::copy(
//!     "src/cli/demo/recordings/midnight.m4a",
//!     folder.path().join("recordings/midnight.m4a"),
//! )?;
//! let sandbox = Sandbox::start(Settings { delay: Duration::ZERO, ..Settings::default() }).await?;
//! let file = folder.path().join("nightscribe.toml");
//! let base_url = sandbox.base_url();
//! fs::write(&file, format!(r##"
//!     api.base_url = "{base_url}"
//!     polling.interval = "100ms"
//!
//!     [[source]]
//!     name = "talks"
//!     path = "recordings"
//!     model = "#g1_nova-2-general"
//!     settle = "0s"
//! "##))?;
//!
//! let summary = pipeline::run(Setup {
//!     config: config::load(Some(&file), &Environment::default())?,
//!     key: "any".into(),
//!     mode: Mode::Once,
//!     until: None,
//!     limit: None,
//!     only: None,
//!     clock: Arc::new(SystemClock),
//!     observer: Arc::new(Silent),
//!     channels: Channels::default(),
//!     stop: Default::default(),
//!     reload: Default::default(),
//! })
//! .await?;
//!
//! assert_eq!((summary.done, summary.failed), (1, 0));
//! assert_eq!(sandbox.ledger().paid, 1);
//! let transcript = fs::read_to_string(folder.path().join("transcripts/talks/midnight.txt"))?;
//! assert!(transcript.contains("sandbox"));
//! sandbox.stop().await;
//! # Ok(())
//! # }
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

pub mod app;
pub mod cli;
pub mod config;
pub mod disk;
pub mod domain;
pub mod http;
pub mod mcp;
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
