//! Rendering, naming and atomic writing of transcripts.
//!
//! - [`render`]: output formats
//! - [`link`]: relative links to recordings
//! - [`naming`]: folders and names of transcripts
//! - [`leftover`]: staging files and their removal after a crash
//! - [`write`](mod@write): atomic writes

pub mod leftover;
pub mod link;
pub mod naming;
pub mod render;
pub mod write;
