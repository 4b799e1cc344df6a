//! Read-only access to recordings.
//!
//! - [`walk`](mod@walk): directory walk
//! - [`fingerprint`]: detection of changed files
//! - [`inspect`]: inspection of a file before it is submitted
//! - `sniff`: detection of files that are not recordings
//! - `whole`: detection of truncated recordings
//! - [`duration`]: duration of a recording, from its container

pub mod duration;
pub mod inspect;
mod sniff;
pub(crate) mod truncation;
