//! Rendering, naming and atomic writing of transcripts.
//!
//! - [`render`]: output formats
//! - [`link`]: relative links to recordings
//! - [`naming`]: folders and names of transcripts
//! - [`staging_file`]: staging files and their removal after a crash
//! - [`write`](mod@write): atomic writes

pub mod link;
pub mod naming;
pub mod render;
pub mod staging_file;
pub mod write;
