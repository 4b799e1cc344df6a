//! A local server with the API of a speech-to-text service, for demos, tests and benchmarks of a client.
//!
//! It has delayed generations, retention, rate limits and named faults. Its transcripts are generated from the duration
//! and the hash of a recording, and identify themselves as such. It stores nothing on disk and calls no other service.
//!
//! It shares no code with nightscribe. A mistake in a shared wire type would go unnoticed, because both sides would make
//! it.
//!
//! # Example
//!
//! ```
//! use nightscribe_sandbox::{Sandbox, Settings};
//! use std::time::Duration;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sandbox = Sandbox::start(Settings {
//!     delay: Duration::ZERO,
//!     faults: "drop-after=0.1".parse()?,
//!     ..Settings::default()
//! })
//! .await?;
//!
//! // Point the client at this URL, and let it work.
//! let base_url = sandbox.base_url();
//! assert!(base_url.starts_with("http://127.0.0.1:"));
//!
//! // The ledger lists what the client would have paid for.
//! assert_eq!(sandbox.ledger().paid, 0);
//! sandbox.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Modules
//!
//! - [`settings`]: settings of the sandbox
//! - [`fault`]: faults by name
//! - [`ledger`]: received calls and charged submissions
//! - [`server`]: the server and its connections
//! - [`timestamp`]: time of its clock
//! - `routes`: the endpoints
//! - `state`: state of the sandbox and its changes by each call
//! - `generation`: a generation and its status over time
//! - `sliding_window`: sliding window of calls, for the rate limits
//! - `submission`: parsing and validation of a form or a JSON body
//! - `audio`: inspection of an upload in constant memory
//! - `ends`: reader of the beginning and the end of an upload
//! - `duration`: duration of a recording, from its container
//! - `property`: documented models and properties
//! - `speech`: words of a made-up transcript
//! - `result`: results in the format of each model family
//! - `deepgram`: results in Deepgram's format
//! - `response`: responses, with and without faults

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

mod audio;
mod deepgram;
mod duration;
mod ends;
pub mod fault;
mod generation;
pub mod ledger;
mod property;
mod response;
mod result;
mod result_parts;
mod routes;
pub mod server;
pub mod settings;
mod sliding_window;
mod speech;
mod state;
mod submission;
pub mod timestamp;

pub use fault::{FAULTS, Faults};
pub use ledger::Ledger;
pub use server::Sandbox;
pub use settings::{AccountState, Settings};
pub use timestamp::Timestamp;
