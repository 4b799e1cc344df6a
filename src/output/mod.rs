//! Transcripts as files: rendering (a result in, bytes out), naming, and the atomic write.
//!
//! - [`render`]: the formats
//! - [`link`]: the way to the recording
//! - [`naming`]: which folder and name, never outside the output folder
//! - [`leftover`]: the hidden files that a write begins as
//! - [`write`](mod@write): a file appears whole or not at all

pub mod leftover;
pub mod link;
pub mod naming;
pub mod render;
pub mod write;
