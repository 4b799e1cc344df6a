//! Rendering, naming and atomic writing of transcripts.
//!
//! - [`render`]: output formats
//! - [`link`]: relative links to recordings
//! - [`naming`]: folders and names of transcripts
//! - [`staging_file`]: staging files and their removal after a crash
//! - [`target`]: what exists at the path of a transcript before it is written
//! - [`write`](mod@write): atomic writes
//! - [`error`]: failures to write

pub mod error;
pub mod link;
pub mod naming;
pub mod render;
pub mod staging_file;
pub mod target;
pub mod write;
