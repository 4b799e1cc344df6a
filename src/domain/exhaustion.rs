//! Errors that say nothing of a file and everything of the machine.

use rustix::io::Errno;
use std::io;

/// Whether something could not be opened or read only because this machine is out of something: file descriptors,
/// memory. It is tried again, and is nobody's failure.
#[must_use]
pub fn is_exhaustion(error: &io::Error) -> bool {
    let exhausted = [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::NOBUFS];
    exhausted
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_want_of_means_is_exhaustion() {
        for (errno, expected) in [
            (Errno::MFILE, true),
            (Errno::NOMEM, true),
            (Errno::ACCESS, false),
            (Errno::IO, false),
        ] {
            assert_eq!(is_exhaustion(&io::Error::from(errno)), expected, "{errno}");
        }
    }
}
