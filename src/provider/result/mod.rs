//! Lenient parsers of results. They do no IO.
//!
//! - `transcript`: detection of the model family, and text-only results
//! - `deepgram`, `assemblyai`: results with words and times
//! - `field`: lenient reading of speakers and lists
//! - `number`: lenient reading of numbers

pub(crate) mod assemblyai;
pub(crate) mod deepgram;
pub(crate) mod field;
pub(crate) mod number;
pub(crate) mod transcript;
