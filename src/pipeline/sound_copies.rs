//! Copies of the sound tracks of videos, which are sent in their place.
//!
//! Each copy is a file in the folder `extracted` of the state folder. It is removed when it is dropped. A crash leaves it, and
//! the next run removes it.

use crate::config::Config;
use crate::disk::free_space::spare_bytes;
use crate::domain::RecordingHash;
use crate::media::recording_hash::of_located;
use crate::media::sound_track::{CopyFormat, Ffmpeg, is_complete};
use crate::pipeline::optional_tool::OptionalTool;
use crate::provider::SoundCopy;
use std::fmt::Display;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Semaphore;

/// Maximum number of concurrent copies. Each reads a whole video.
const MAX_CONCURRENT: usize = 2;

/// Makes copies until the end of a run. A failure of ffmpeg stops nothing: the whole file is sent.
#[derive(Debug)]
pub struct SoundCopies {
    ffmpeg: OptionalTool<Ffmpeg>,
    folder: PathBuf,
    slots: Semaphore,
    has_warned: AtomicBool,
}

/// A video whose sound track is to be copied.
#[derive(Debug)]
pub struct Video<'a> {
    /// Its absolute path.
    pub path: &'a Path,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Length of its sound track in seconds.
    pub length_s: f64,
    /// Hashes of the whole file.
    pub hash: &'a RecordingHash,
}

/// A copy of a sound track. Dropping it removes its file.
#[derive(Debug)]
pub struct CopiedSound {
    /// The copy, as it is sent.
    pub copy: SoundCopy,
    /// SHA-256 of the copy in hex.
    pub sha256: String,
    _file: TemporaryFile,
}

/// A file that is removed on drop.
#[derive(Debug)]
struct TemporaryFile(PathBuf);

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        remove(fs::remove_file(&self.0), &self.0);
    }
}

impl SoundCopies {
    /// Sets it up. Runs nothing.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let warning = "ffmpeg does not work; videos are sent whole";
        Self {
            ffmpeg: OptionalTool::new(&config.media.ffmpeg, config, warning),
            folder: folder(&config.state.dir),
            slots: Semaphore::new(MAX_CONCURRENT),
            has_warned: AtomicBool::new(false),
        }
    }

    /// Returns the format in which the sound track of a file can be copied. `None` if the whole file is to be sent.
    pub async fn format(&self, path: &Path) -> Option<CopyFormat> {
        let format = self.ffmpeg().await?.copy_format(path).await;
        format.unwrap_or_else(|error| {
            tracing::debug!(file = %path.display(), %error, "ffmpeg finds no sound track to copy");
            None
        })
    }

    /// Copies the sound track of a video. `None` if the whole file is to be sent.
    pub async fn copy(&self, video: &Video<'_>, format: CopyFormat) -> Option<CopiedSound> {
        let ffmpeg = self.ffmpeg().await?;
        let _slot = self.slots.acquire().await.ok()?;
        let number: u64 = rand::random();
        let file = self.folder.join(format!("{number:016x}"));
        let file = TemporaryFile(file.with_extension(format.extension()));
        let path = &file.0;
        let failed = |error: &dyn Display| self.report(video.path, error);
        let max_bytes = self.max_bytes(video.size_bytes);
        let max_bytes = max_bytes.map_err(|error| failed(&error)).ok()?;
        let copied = ffmpeg.copy(video.path, video.size_bytes, format, path, max_bytes);
        copied.await.map_err(|error| failed(&error)).ok()?;
        let (copy, length_s, max_bytes) = (path.clone(), video.length_s, video.size_bytes);
        let checked = tokio::task::spawn_blocking(move || check(&copy, length_s, max_bytes));
        match checked.await.map_err(io::Error::other).flatten() {
            Ok(Some((size_bytes, sha256))) => Some(CopiedSound {
                copy: SoundCopy {
                    path: path.clone(),
                    name: video.path.with_extension(format.extension()),
                    size_bytes,
                    recording_hash: video.hash.clone(),
                },
                sha256,
                _file: file,
            }),
            Ok(None) => {
                failed(&"the copy is not as long as the sound, or not smaller than the file");
                None
            }
            Err(error) => {
                failed(&error);
                None
            }
        }
    }

    /// Creates the folder, and returns the maximum size of a copy in bytes. It is the share of a copy in the free space.
    fn max_bytes(&self, size_bytes: u64) -> io::Result<u64> {
        DirBuilder::new()
            .recursive(true)
            .mode(crate::disk::folder::PRIVATE_MODE)
            .create(&self.folder)?;
        match spare_bytes(&self.folder) / MAX_CONCURRENT as u64 {
            0 => Err(io::Error::other(
                "too little free space in the state folder",
            )),
            share => Ok(share.min(size_bytes)),
        }
    }

    /// Reports a failure. Only the first one of a run is a warning: all others may have the same cause.
    fn report(&self, path: &Path, error: &dyn Display) {
        let (file, message) = (
            path.display(),
            "cannot copy the sound track; the whole file is sent",
        );
        match self.has_warned.swap(true, Ordering::Relaxed) {
            false => tracing::warn!(%file, %error, "{message}; further failures are not shown"),
            true => tracing::debug!(%file, %error, "{message}"),
        }
    }

    async fn ffmpeg(&self) -> Option<&Ffmpeg> {
        self.ffmpeg.get(Ffmpeg::new).await
    }
}

/// Removes the copies that a killed run has left. The caller holds the lock of the state folder. Blocks.
pub fn remove_leftovers(state_dir: &Path) {
    let folder = folder(state_dir);
    remove(fs::remove_dir_all(&folder), &folder);
}

fn folder(state_dir: &Path) -> PathBuf {
    state_dir.join("extracted")
}

fn remove(removed: io::Result<()>, path: &Path) {
    if let Err(error) = removed
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "cannot remove a copy of a sound track; delete it");
    }
}

/// Returns the size in bytes and the SHA-256 of a copy. `None` if it is not complete, or not smaller than `max_bytes`.
fn check(copy: &Path, length_s: f64, max_bytes: u64) -> io::Result<Option<(u64, String)>> {
    let size_bytes = fs::metadata(copy)?.len();
    if size_bytes >= max_bytes || !is_complete(copy, length_s)? {
        return Ok(None);
    }
    Ok(Some((size_bytes, of_located(copy, None)?.sha256)))
}
