//! Durability of files and folders, and properties of file systems.
//!
//! - [`folder`]: durable folders
//! - [`file_system`]: syncing a whole file system
//! - `mount`: detection of unmounted shares
//! - [`resource_exhaustion`]: errors that concern the machine, not a file
//! - [`share`]: detection of network shares

pub mod file_system;
pub mod folder;
mod mount;
pub mod resource_exhaustion;
pub mod share;
