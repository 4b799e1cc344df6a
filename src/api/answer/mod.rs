//! Lenient parsers for the service's responses. They do no IO.
//!
//! - `envelope`: the object around a result, with status, IDs and error
//! - `transcript`: detection of the model family, and text-only results
//! - `deepgram`, `assemblyai`: results with words and times
//! - `number`: lenient reading of numbers

mod assemblyai;
mod deepgram;
mod envelope;
mod number;
mod transcript;

pub use envelope::{
    CreateResponse, InvalidResponse, PollResponse, read_create_response, read_legacy_response,
    read_poll_response,
};
pub use transcript::read_transcript;
