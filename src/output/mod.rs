//! Rendering, naming and atomic writing of transcripts.
//!
//! - [`render`]: output formats
//! - [`envelope`]: reading of `json` transcripts
//! - [`link`]: relative links to recordings
//! - [`naming`]: folders and names of transcripts
//! - [`staging_file`]: staging files and their removal after a crash
//! - [`target`]: what exists at the path of a transcript before it is written
//! - [`transcript_files`]: finding transcripts in a folder
//! - [`unrecorded`]: transcripts that the queue does not know
//! - [`write`](mod@write): atomic writes
//! - [`error`]: failures to write

pub mod envelope;
pub mod error;
pub mod link;
pub mod naming;
pub mod render;
pub mod staging_file;
pub mod target;
pub mod transcript_files;
pub mod unrecorded;
pub mod write;
