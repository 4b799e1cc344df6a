//! Lenient readers of results. They do no IO.
//!
//! - `draft`: a result of any shape, and how the shapes are told apart
//! - `deepgram`: the field `results` of Deepgram
//! - `channel_list`: results of channels, joined to one
//! - `word`, `utterance`, `paragraph`: parts of a transcript; `word_list`: times of words that have none
//! - `search`: text in a result of an unknown shape
//! - `number`: times and counts

pub(crate) mod channel_list;
pub(crate) mod deepgram;
pub(crate) mod draft;
pub(crate) mod number;
pub(crate) mod paragraph;
pub(crate) mod search;
pub(crate) mod utterance;
pub(crate) mod word;
pub(crate) mod word_list;

#[cfg(test)]
mod tests;
