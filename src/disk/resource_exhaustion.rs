//! Resource exhaustion: I/O errors caused by the machine, not by a file.

use rustix::io::Errno;
use std::io;

/// Returns whether an I/O error means that the machine has run out of file descriptors, memory or buffers. The operation
/// is worth retrying. The error does not count as a failure of the job.
#[must_use]
pub fn is_resource_exhaustion(error: &io::Error) -> bool {
    let exhausted = [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::NOBUFS];
    exhausted
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_missing_resources_are_exhaustion() {
        for (errno, expected) in [
            (Errno::MFILE, true),
            (Errno::NOMEM, true),
            (Errno::ACCESS, false),
            (Errno::IO, false),
        ] {
            assert_eq!(
                is_resource_exhaustion(&io::Error::from(errno)),
                expected,
                "{errno}"
            );
        }
    }
}
