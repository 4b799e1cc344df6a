//! Rendering, naming and atomic writing of transcripts.
//!
//! - [`render`]: output formats
//! - [`envelope`]: reading of `json` transcripts
//! - [`link`]: relative links to recordings
//! - [`naming`]: folders and names of transcripts; [`portable_name`]: their forms for file systems that refuse them
//! - [`rendered_file`]: the content of a file before it is written
//! - [`staging_file`]: staging files and their removal after a crash
//! - [`target`]: what exists at the path of a transcript before it is written
//! - [`transcript_files`]: finding transcripts in a folder
//! - [`unrecorded`]: transcripts that the queue does not know
//! - [`write`](mod@write): atomic writes; `place`: renames that replace no other file
//! - [`error`]: failures to write

pub mod envelope;
pub mod error;
pub mod link;
pub mod naming;
mod place;
pub mod portable_name;
pub mod render;
pub mod rendered_file;
pub mod staging_file;
pub mod target;
pub mod transcript_files;
pub mod unrecorded;
pub mod write;
