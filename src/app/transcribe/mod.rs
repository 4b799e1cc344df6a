//! Transcripts of single recordings and folders, without a configuration file.
//!
//! - [`inputs`]: the recordings
//! - [`queue`]: the queue, which no configuration shares
//! - [`delivery`]: text and files of a stored result

pub mod delivery;
pub mod inputs;
pub mod queue;
