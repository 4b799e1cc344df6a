//! Lenient readers of results. They do no IO.
//!
//! - `draft`: a result of any shape, and how the shapes are told apart
//! - `deepgram`: the field `results` of Deepgram
//! - `word`, `utterance`, `paragraph`: parts of a transcript
//! - `search`: text in a result of an unknown shape
//! - `number`: times and counts

pub(crate) mod deepgram;
pub(crate) mod draft;
pub(crate) mod number;
pub(crate) mod paragraph;
pub(crate) mod search;
pub(crate) mod utterance;
pub(crate) mod word;

#[cfg(test)]
mod tests;
