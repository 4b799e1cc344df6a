//! A folder as a source of recordings.
//!
//! - [`walk`](mod@walk): the directory walk
//! - [`fingerprint`]: size and modification time of a file, and its hash
//! - [`rules`]: rules and skip markers found in folders
//! - `watch`: watches of the operating system
//! - `events`: the meaning of a file event

pub(crate) mod events;
pub mod fingerprint;
pub mod rules;
pub mod walk;
pub(crate) mod watch;
