//! A folder as a source of recordings.
//!
//! - [`walk`](mod@walk): the directory walk; `links`: symbolic links to folders
//! - [`selection`]: files and folders selected by name and pattern
//! - [`fingerprint`]: size and modification time of a file
//! - [`default_excludes`]: names of unfinished files, trash and thumbnails
//! - [`left_out`]: counts of what a walk passed over
//! - [`open_files`]: files that are open for writing
//! - [`rules`]: rules and skip markers found in folders
//! - `watch`: watches of the operating system
//! - `events`: the meaning of a file event

pub mod default_excludes;
pub(crate) mod events;
pub mod fingerprint;
pub mod left_out;
mod links;
pub mod open_files;
pub mod rules;
pub mod selection;
pub mod walk;
pub(crate) mod watch;
