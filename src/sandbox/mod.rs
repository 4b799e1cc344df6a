//! Local server with the service's API, for `demo`, tests and benchmarks.
//!
//! It has delayed generations, retention, rate limits and named faults. Its transcripts are generated from the duration
//! and the hash of a recording, and identify themselves as such. It shares no wire types with the client, because a
//! mistake in a shared type would go unnoticed.
//!
//! - [`settings`]: settings of the sandbox
//! - [`fault`]: faults by name
//! - [`ledger`]: received calls and charged submissions
//! - [`server`]: the server and its connections
//! - `routes`: the endpoints
//! - `state`: state of the sandbox and its changes by each call
//! - `generation`: a generation and its status over time
//! - `sliding_window`: sliding window of calls, for the rate limits
//! - `submission`: parsing and validation of a form or a JSON body
//! - `audio`: inspection of an upload in constant memory
//! - `property`: documented models and properties
//! - `speech`: words of a made-up transcript
//! - `result`: results in the format of each model family
//! - `deepgram`: results in Deepgram's format
//! - `response`: responses, with and without faults

mod audio;
mod deepgram;
pub mod fault;
mod generation;
pub mod ledger;
mod property;
pub(crate) mod response;
mod result;
mod routes;
pub mod server;
pub mod settings;
pub(crate) mod sliding_window;
mod speech;
pub(crate) mod state;
mod submission;

pub use fault::{FAULTS, Faults};
pub use ledger::Ledger;
pub use server::Sandbox;
pub use settings::{AccountState, Settings};
