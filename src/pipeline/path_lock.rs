//! A lock on the path of the state folder, in addition to the one on the lock file in it.
//!
//! If the folder is moved or replaced while a run uses it, its lock file is gone from the path. A second run would get
//! the lock on a new file, while the first one still has recordings in flight.

use std::io;
use std::path::Path;

/// A held lock. The system releases it when the process ends, even by a crash.
#[derive(Debug)]
pub(super) struct PathLock {
    #[cfg(target_os = "linux")]
    _bound: Option<std::os::unix::net::UnixListener>,
}

impl PathLock {
    /// Locks the path of `folder`, which must exist. Returns `None` if another process holds the lock.
    ///
    /// Only Linux has names of sockets that end with their process. Elsewhere, and where sockets are forbidden, nothing
    /// is locked.
    ///
    /// # Errors
    /// If the parent of the folder cannot be read.
    #[cfg(target_os = "linux")]
    pub(super) fn take(folder: &Path) -> io::Result<Option<Self>> {
        use std::os::linux::net::SocketAddrExt;
        use std::os::unix::net::{SocketAddr, UnixListener};
        let address = SocketAddr::from_abstract_name(name(folder)?)?;
        match UnixListener::bind_addr(&address) {
            Ok(bound) => Ok(Some(Self {
                _bound: Some(bound),
            })),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(None),
            Err(error) => {
                tracing::debug!(error = %error, "cannot lock the path of the state folder");
                Ok(Some(Self { _bound: None }))
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn take(_: &Path) -> io::Result<Option<Self>> {
        Ok(Some(Self {}))
    }
}

/// Returns a name for the place of `folder`: its name in the folder above. Containers that share a network share these
/// names, but not the folder above.
#[cfg(target_os = "linux")]
fn name(folder: &Path) -> io::Result<String> {
    use sha2::{Digest, Sha256};
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::MetadataExt;
    let parent = std::fs::metadata(folder.parent().unwrap_or(Path::new("/")))?;
    let mut hash = Sha256::new();
    hash.update(parent.dev().to_le_bytes());
    hash.update(parent.ino().to_le_bytes());
    hash.update(folder.file_name().unwrap_or_default().as_bytes());
    Ok(format!("nightscribe/{}", hex::encode(hash.finalize())))
}
