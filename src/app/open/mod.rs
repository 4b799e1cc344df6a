//! A transcript to open: its file, and the program that shows it.
//!
//! - [`readable_file`]: the file of an item that is best to read
//! - [`viewer`]: the program that shows it

pub mod readable_file;
pub mod viewer;
