//! Failures to write.

use std::io;
use std::path::{Path, PathBuf};

/// Failure to write a file or folder.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{}`", path.display())]
pub struct WriteError {
    path: PathBuf,
    is_folder: bool,
    source: io::Error,
}

impl WriteError {
    pub(super) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        Self::at(path, false)
    }

    pub(super) fn folder(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        Self::at(path, true)
    }

    fn at(path: &Path, is_folder: bool) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self {
            path: path.to_owned(),
            is_folder,
            source,
        }
    }

    /// Whether the file system rejected only the name of the file. Another name in the same folder may work.
    #[must_use]
    pub fn is_invalid_name(&self) -> bool {
        let is_unencodable =
            self.source.raw_os_error() == Some(rustix::io::Errno::ILSEQ.raw_os_error());
        let is_rejected = matches!(
            self.source.kind(),
            io::ErrorKind::InvalidFilename | io::ErrorKind::InvalidInput
        );
        !self.is_folder && (is_unencodable || is_rejected)
    }
}
