//! Durability of files and folders, and properties of file systems.
//!
//! - [`folder`]: durable folders
//! - [`file_system`]: syncing a whole file system
//! - [`free_space`]: free space on a disk
//! - [`identity`]: an open file whose path may lead elsewhere
//! - [`mount`]: detection of unmounted shares
//! - [`resource_exhaustion`]: errors that concern the machine, not a file
//! - [`share`]: detection of network shares

pub mod file_system;
pub mod folder;
pub mod free_space;
pub mod identity;
pub mod mount;
pub mod resource_exhaustion;
pub mod share;
