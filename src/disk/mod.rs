//! What must be true of the disk before anything is said to be on it.
//!
//! - [`folder`]: folders that a power cut does not take
//! - [`file_system`]: all that waits for the disk, put there at once
//! - [`share`]: file systems that tell no events

pub mod file_system;
pub mod folder;
mod mount;
pub mod share;
