//! Sources of recordings.
//!
//! - [`folder`]: a folder and the folders below it

pub mod folder;
