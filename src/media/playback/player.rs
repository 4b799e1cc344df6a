//! Opens recordings for players.

use super::decoded_sound::DecodedSound;
use super::head::CONTENT_TYPE;
use super::index::head_of;
use super::made_files::{Key, MadeFiles};
use super::playable::{Content, Playable};
use crate::media::container::delivery::{Way, ways};
use crate::media::input::Input;
use crate::media::inspect::{Truncated, extension_of, inspect};
use crate::media::sound::Length;
use crate::media::sound_track::{CopyFormat, Ffmpeg};
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Number of recordings that stay open.
const MAX_OPEN: usize = 8;
/// Extension of heads.
const HEAD: &str = "head";
/// Maximum size of a copy, in bytes.
const MAX_COPY_BYTES: u64 = 2 << 30;

/// Opens recordings for players. It keeps the last ones open, and what it has made of them in a folder.
#[derive(Debug)]
pub struct Player {
    made: MadeFiles,
    /// Held while a head or a copy is made, so that one recording is read at a time and none twice.
    making: tokio::sync::Mutex<()>,
    /// The last recordings, the latest one first.
    open: Mutex<VecDeque<(Key, Arc<Playable>)>>,
}

/// Reason why a recording is not played.
#[derive(Debug, thiserror::Error)]
pub enum NotPlayable {
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// No browser plays it, and it cannot be converted.
    #[error("cannot be played here: {0}")]
    Unsupported(String),
}

/// A recording that is being opened.
#[derive(Debug, Clone)]
struct Opening {
    path: PathBuf,
    file: Arc<File>,
    key: Key,
}

impl Player {
    /// Creates it. `folder` is a folder in the state folder, for heads and copies only.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self {
            made: MadeFiles::new(folder),
            making: tokio::sync::Mutex::new(()),
            open: Mutex::default(),
        }
    }

    /// Opens the recording at an absolute path. Without ffmpeg, fewer kinds can be opened.
    ///
    /// The first call for a recording may read it as a whole, and run ffmpeg. Later ones take milliseconds.
    ///
    /// # Errors
    /// If the file cannot be read, or is of a kind that cannot be played.
    pub async fn open(
        self: &Arc<Self>,
        path: &Path,
        ffmpeg: Option<&Ffmpeg>,
    ) -> Result<Arc<Playable>, NotPlayable> {
        let unreadable = |source| NotPlayable::Unreadable {
            path: path.to_owned(),
            source,
        };
        let opening = path.to_owned();
        let opening = blocking(move || Opening::new(opening)).await;
        let opening = opening.map_err(unreadable)?;
        if let Some(open) = self.already_open(&opening.key) {
            return Ok(open);
        }
        let ways = {
            let opening = opening.clone();
            blocking(move || opening.ways()).await
        };
        let mut reason = "no browser plays this kind of file".to_owned();
        for way in ways.map_err(unreadable)? {
            let playable = match way {
                Way::Copied => match self.copied(&opening, ffmpeg).await {
                    Ok(playable) => playable,
                    Err(failed) => {
                        reason = failed;
                        continue;
                    }
                },
                _ => {
                    let (player, opening) = (self.clone(), opening.clone());
                    let _making = self.making.lock().await;
                    match blocking(move || player.prepared(&opening, way)).await {
                        Ok(playable) => playable,
                        Err(error) => {
                            reason = error.to_string();
                            continue;
                        }
                    }
                }
            };
            return Ok(self.keep_open(opening.key, playable));
        }
        Err(NotPlayable::Unsupported(reason))
    }

    fn already_open(&self, key: &Key) -> Option<Arc<Playable>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let at = open.iter().position(|(of, _)| of == key)?;
        let found = open.remove(at)?;
        let playable = found.1.clone();
        open.push_front(found);
        Some(playable)
    }

    fn keep_open(&self, key: Key, playable: Playable) -> Arc<Playable> {
        let playable = Arc::new(playable);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|(of, _)| *of != key);
        open.push_front((key, playable.clone()));
        open.truncate(MAX_OPEN);
        playable
    }

    /// Opens a recording in a way that needs no program. Blocks.
    fn prepared(&self, opening: &Opening, way: Way) -> io::Result<Playable> {
        let (content, content_type, sound_start_s) = match way {
            Way::AsItIs {
                content_type,
                sound_start_s,
            } => {
                let files = vec![(opening.file.try_clone()?, opening.key.len)];
                (Content::Files(files), content_type, sound_start_s)
            }
            Way::Indexed(_) => {
                let head = self.head(opening)?;
                let files = vec![head, (opening.file.try_clone()?, opening.key.len)];
                (Content::Files(files), CONTENT_TYPE, 0.0)
            }
            Way::Decoded => {
                let sound = DecodedSound::open(opening.file.try_clone()?, &opening.path)?;
                (Content::Decoded(sound), "audio/wav", 0.0)
            }
            // Made by a program.
            Way::Copied => return Err(io::ErrorKind::Unsupported.into()),
        };
        let etag = opening.etag(way);
        Ok(Playable::new(content, content_type, etag, sound_start_s))
    }

    /// Returns the head of a recording with its size, and makes it if needed.
    fn head(&self, opening: &Opening) -> io::Result<(File, u64)> {
        if self.made.get(&opening.key, HEAD)?.is_none() {
            let bytes = opening.head()?;
            self.made
                .keep_bytes(&bytes.unwrap_or_default(), &opening.key, HEAD)?;
        }
        // An empty one stands for a recording without a head, so that it is not searched again.
        let head = self.made.get(&opening.key, HEAD)?;
        head.filter(|(_, len)| *len > 0)
            .ok_or_else(|| io::Error::other("its parts differ, or cannot be listed"))
    }

    /// Opens the copy of a recording, and makes it if needed. The error is a reason for the user.
    async fn copied(&self, opening: &Opening, ffmpeg: Option<&Ffmpeg>) -> Result<Playable, String> {
        let _making = self.making.lock().await;
        if let Some(copy) = self.existing_copy(opening).map_err(|e| e.to_string())? {
            return Ok(copy);
        }
        let ffmpeg =
            ffmpeg.ok_or("ffmpeg is needed for this kind of file, and is not installed")?;
        let failed = |error: &dyn std::fmt::Display| format!("ffmpeg cannot convert it: {error}");
        let format = ffmpeg.played_format(&opening.path).await;
        let format = format
            .map_err(|error| failed(&error))?
            .ok_or("no browser plays its codec")?;
        let staging = self.made.staging().map_err(|error| failed(&error))?;
        let made = staging.path().join("made");
        let copying = ffmpeg.copy(
            &opening.path,
            opening.key.len,
            format,
            &made,
            MAX_COPY_BYTES,
        );
        copying.await.map_err(|error| failed(&error))?;
        if !has_sound(&made).map_err(|error| failed(&error))? {
            return Err("its sound track is empty".to_owned());
        }
        self.made
            .keep(&made, &opening.key, format.extension())
            .map_err(|error| failed(&error))?;
        let copy = self.existing_copy(opening).map_err(|e| e.to_string())?;
        copy.ok_or_else(|| "its copy was removed".to_owned())
    }

    fn existing_copy(&self, opening: &Opening) -> io::Result<Option<Playable>> {
        for (format, content_type) in [
            (CopyFormat::M4a, CONTENT_TYPE),
            (CopyFormat::WebM, "audio/webm"),
        ] {
            if let Some(copy) = self.made.get(&opening.key, format.extension())? {
                let content = Content::Files(vec![copy]);
                let etag = opening.etag(Way::Copied);
                return Ok(Some(Playable::new(content, content_type, etag, 0.0)));
            }
        }
        Ok(None)
    }
}

impl Opening {
    fn new(path: PathBuf) -> io::Result<Self> {
        let file = File::open(&path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other("it is not a file"));
        }
        let key = Key::new(&path, &metadata);
        Ok(Self {
            path,
            file: Arc::new(file),
            key,
        })
    }

    /// Returns the ways in which it can be played. The file is untrusted, and a panic must not end the process.
    fn ways(&self) -> io::Result<Vec<Way>> {
        let mut file = self.file.try_clone()?;
        let extension = extension_of(&self.path);
        let found = catch_unwind(AssertUnwindSafe(|| {
            ways(
                &mut Input::new(&mut file, self.key.len),
                extension.as_deref(),
            )
        }));
        found.unwrap_or_else(|_| Ok(Vec::new()))
    }

    /// Makes a head, by one pass over the file.
    fn head(&self) -> io::Result<Option<Vec<u8>>> {
        let mut file = self.file.try_clone()?;
        let extension = extension_of(&self.path);
        let made = catch_unwind(AssertUnwindSafe(|| {
            head_of(&mut file, self.key.len, extension.as_deref())
        }));
        made.unwrap_or(Ok(None))
    }

    fn etag(&self, way: Way) -> String {
        let way = match way {
            Way::AsItIs { .. } => 'f',
            Way::Indexed(_) => 'i',
            Way::Copied => 'c',
            Way::Decoded => 'd',
        };
        format!("\"{:x}-{:x}-{way}\"", self.key.len, self.key.modified_ns)
    }
}

/// Whether a copy has sound. ffmpeg may end at damage without an error.
fn has_sound(copy: &Path) -> io::Result<bool> {
    let file = File::open(copy)?;
    let len = file.metadata()?.len();
    let inspected = inspect(file, len, copy, Truncated::Refused)?;
    Ok(inspected.is_ok_and(|inspection| inspection.length != Length::Unknown))
}

/// Runs blocking work on a thread for it.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(io::Error::other)?
}
