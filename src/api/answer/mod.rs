//! Reading what the service says, tolerantly: bytes in, meaning out, no IO.
//!
//! - `envelope`: the object around a result, with its status words
//! - `transcript`: which family of models a result comes from
//! - `deepgram`, `assemblyai`: the families with words and times
//! - `number`: numbers as services send them

mod assemblyai;
mod deepgram;
mod envelope;
mod number;
mod transcript;

pub use envelope::{Answer, Created, Unreadable, read_answer, read_created, read_legacy};
pub use transcript::read_transcript;
