//! Read-only access to recordings.
//!
//! - [`inspect`]: inspection of a file before it is submitted
//! - `sniff`: detection of files that are not recordings
//! - `truncation`: detection of truncated recordings
//! - [`duration`]: duration of a recording, from its container

pub mod duration;
pub mod inspect;
mod sniff;
pub(crate) mod truncation;
