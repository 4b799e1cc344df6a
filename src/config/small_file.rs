//! Reading a file that is small by its nature, so that a wrong one (a device, a recording) cannot fill the memory.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The text of the file at `path`.
///
/// # Errors
/// If it cannot be read, is no UTF-8, or is longer than `most_bytes`.
pub(super) fn read_text(path: &Path, most_bytes: usize) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(most_bytes as u64 + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() > most_bytes {
        let message = format!("it is longer than {most_bytes} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
}
