//! Reading text files with a size limit. A wrong path, such as a device or a recording, cannot exhaust memory.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Reads the text of the file at `path`.
///
/// # Errors
/// If the file cannot be read, is not UTF-8, or is larger than `max_bytes`.
pub(super) fn read_text(path: &Path, max_bytes: usize) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(max_bytes as u64 + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() > max_bytes {
        let message = format!("the file is larger than {max_bytes} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the file is not valid UTF-8"))
}
