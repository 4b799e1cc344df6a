//! A server that speaks the API, for `demo`, tests and benchmarks: generations in time, retention, rate limits, and
//! faults by name. Its transcripts are made from a recording's length and hash, and say so. It shares no wire type
//! with the client, so that a mistake is not made twice.
//!
//! - [`settings`]: what it is told
//! - [`fault`]: what can go wrong, by name
//! - [`ledger`]: what was asked of it, and what would have been charged
//! - [`server`]: connections, from start to stop
//! - `routes`: the calls
//! - `book`: what it knows, and how that changes with each call
//! - `generation`: one transcription in time
//! - `window`: how many calls in any minute
//! - `submission`: a form or a JSON body, read and checked
//! - `audio`: an upload, in flat memory: hash, size, length
//! - `property`: the models and properties that the documents name
//! - `speech`: the words of a made-up transcript
//! - `result`: the shapes that results have
//! - `deepgram`: the first of them, Deepgram's
//! - `answer`: answers, whole and broken

mod answer;
mod audio;
mod book;
mod deepgram;
pub mod fault;
mod generation;
pub mod ledger;
mod property;
mod result;
mod routes;
pub mod server;
pub mod settings;
mod speech;
mod submission;
mod window;

pub use fault::{FAULTS, Faults};
pub use ledger::Ledger;
pub use server::Sandbox;
pub use settings::{Account, Settings};
