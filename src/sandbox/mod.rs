//! A server that speaks the API, for `demo`, tests and benchmarks: states of a generation in time, retention, rate
//! limits, and faults by name. Its transcript is made from the audio's length and hash, and says so. It shares no wire
//! type with the client, so that a mistake is not made twice.
//!
//! - [`settings`]: what it is told
//! - [`fault`]: what can go wrong, by name
//! - [`server`](mod@server): connections
//! - `routes`: the calls
//! - `desk`: what the server knows: generations, limits, the ledger
//! - [`ledger`]: what was asked and what was paid
//! - `submission`: a form or a JSON body, checked
//! - `generation`: a transcription in time
//! - `window`: so many in any minute
//! - `transcript`: a result made from the audio
//! - `reply`: answers, whole and broken

mod desk;
pub mod fault;
mod generation;
pub mod ledger;
mod reply;
mod routes;
pub mod server;
pub mod settings;
mod submission;
mod transcript;
mod window;

pub use fault::{FAULTS, Fault, Faults};
pub use ledger::Ledger;
pub use server::Sandbox;
pub use settings::{Account, Settings};
