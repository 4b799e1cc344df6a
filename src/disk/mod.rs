//! What must be true of the disk before anything is said to be on it.
//!
//! - [`folder`]: folders that a power cut does not take
//! - [`share`]: file systems that tell no events

pub mod folder;
mod mount;
pub mod share;
