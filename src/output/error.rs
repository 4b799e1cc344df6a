//! Failures to write.

use crate::domain::readable_path::readable_path;
use std::io;
use std::path::{Path, PathBuf};

/// Failure to write a file or folder.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{}`", readable_path(path))]
pub struct WriteError {
    path: PathBuf,
    source: io::Error,
}

impl WriteError {
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self {
            path: path.to_owned(),
            source,
        }
    }

    /// Returns the path that could not be written.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether another file took the name.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.source.kind() == io::ErrorKind::AlreadyExists
    }

    /// Whether the file system rejected the name of the file or folder. Another name may work.
    ///
    /// SMB shares report a rejected name as a missing file. The folder of the file exists then.
    #[must_use]
    pub fn is_rejected_name(&self) -> bool {
        let is_unencodable =
            self.source.raw_os_error() == Some(rustix::io::Errno::ILSEQ.raw_os_error());
        let is_rejected = matches!(
            self.source.kind(),
            io::ErrorKind::InvalidFilename | io::ErrorKind::InvalidInput
        );
        let is_missing = self.source.kind() == io::ErrorKind::NotFound;
        is_unencodable || is_rejected || is_missing && self.path.parent().is_some_and(Path::is_dir)
    }
}
