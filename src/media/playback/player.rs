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
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use std::collections::{HashMap, VecDeque};
use std::fmt::Display;
use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;
use tokio::sync::Semaphore;

/// Number of recordings that stay open.
const MAX_OPEN: usize = 8;
/// Extension of heads.
const HEAD: &str = "head";
/// Number of heads and copies that are made at the same time.
const MAX_MAKING: usize = 2;
/// Maximum size of a copy, in bytes.
const MAX_COPY_BYTES: u64 = 2 << 30;

/// Opens recordings for players. It keeps the last ones open, and what it has made of them in a folder.
#[derive(Debug)]
pub struct Player {
    made: MadeFiles,
    /// Permits to make a head or a copy. Each reads a whole recording.
    making: Semaphore,
    /// The last recordings, the latest one first.
    open: Mutex<VecDeque<(Key, Arc<Playable>)>>,
    /// Recordings that are being opened, so that nothing is made twice.
    opening: Mutex<HashMap<Key, Opened>>,
}

/// Result of opening a recording, for all who wait for it.
type Opened = Shared<BoxFuture<'static, Result<Arc<Playable>, NotPlayable>>>;

/// Reason why a recording is not played.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotPlayable {
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: Arc<io::Error>,
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

/// Removes a recording from those that are being opened, on drop.
struct EndOfOpening {
    player: Arc<Player>,
    key: Key,
}

impl Drop for EndOfOpening {
    fn drop(&mut self) {
        lock(&self.player.opening).remove(&self.key);
    }
}

impl Player {
    /// Creates it. `folder` is a folder in the state folder, for heads and copies only.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self {
            made: MadeFiles::new(folder),
            making: Semaphore::new(MAX_MAKING),
            open: Mutex::default(),
            opening: Mutex::default(),
        }
    }

    /// Removes what a killed process has left, and what nobody has used for a month. Blocks.
    ///
    /// # Errors
    /// If the folder cannot be read or written.
    pub fn tidy(&self) -> io::Result<()> {
        self.made.tidy(SystemTime::now())
    }

    /// Opens the recording at an absolute path. Without ffmpeg, fewer kinds can be opened.
    ///
    /// The first call for a recording may read it as a whole, and run ffmpeg, which takes minutes for a long video. It goes on
    /// if the caller drops the future, so that a later call need not begin again. Later calls take milliseconds.
    ///
    /// # Errors
    /// If the file cannot be read, or is of a kind that cannot be played.
    pub async fn open(
        self: &Arc<Self>,
        path: &Path,
        ffmpeg: Option<&Ffmpeg>,
    ) -> Result<Arc<Playable>, NotPlayable> {
        let opening = path.to_owned();
        let opening = blocking(move || Opening::new(opening)).await;
        let opening = opening.map_err(|error| unreadable(path, error))?;
        if let Some(open) = self.already_open(&opening.key) {
            return Ok(open);
        }
        let opened = self.begin(opening, ffmpeg);
        opened.await
    }

    /// Begins to open a recording, unless it is being opened.
    fn begin(self: &Arc<Self>, opening: Opening, ffmpeg: Option<&Ffmpeg>) -> Opened {
        let key = opening.key;
        let mut all = lock(&self.opening);
        if let Some(opened) = all.get(&key) {
            return opened.clone();
        }
        let (player, ffmpeg) = (self.clone(), ffmpeg.cloned());
        // It ends after `all` is unlocked.
        let task = tokio::spawn(async move {
            let _end = EndOfOpening {
                player: player.clone(),
                key,
            };
            player.open_in_best_way(opening, ffmpeg.as_ref()).await
        });
        let opened = async move {
            let ended = task.await;
            ended.unwrap_or_else(|error| Err(NotPlayable::Unsupported(error.to_string())))
        };
        let opened = opened.boxed().shared();
        all.insert(key, opened.clone());
        opened
    }

    async fn open_in_best_way(
        self: &Arc<Self>,
        opening: Opening,
        ffmpeg: Option<&Ffmpeg>,
    ) -> Result<Arc<Playable>, NotPlayable> {
        let ways = {
            let opening = opening.clone();
            blocking(move || opening.ways()).await
        };
        let ways = ways.map_err(|error| unreadable(&opening.path, error))?;
        let mut reason = "no browser plays this kind of file".to_owned();
        for way in ways {
            let opened = match way {
                Way::Copied => self.copied(&opening, ffmpeg).await,
                Way::Indexed(_) => self.indexed(&opening, way).await,
                _ => {
                    self.on_thread(&opening, move |player, opening| {
                        player.prepared(opening, way)
                    })
                    .await
                }
            };
            match opened {
                Ok(playable) => return Ok(self.keep_open(opening.key, playable)),
                Err(failed) => reason = failed.to_string(),
            }
        }
        Err(NotPlayable::Unsupported(reason))
    }

    fn already_open(&self, key: &Key) -> Option<Arc<Playable>> {
        let mut open = lock(&self.open);
        let at = open.iter().position(|(of, _)| of == key)?;
        let found = open.remove(at)?;
        let playable = found.1.clone();
        open.push_front(found);
        Some(playable)
    }

    fn keep_open(&self, key: Key, playable: Playable) -> Arc<Playable> {
        let playable = Arc::new(playable);
        let mut open = lock(&self.open);
        open.retain(|(of, _)| *of != key);
        open.push_front((key, playable.clone()));
        open.truncate(MAX_OPEN);
        playable
    }

    /// Runs blocking work for a recording.
    async fn on_thread<T: Send + 'static>(
        self: &Arc<Self>,
        opening: &Opening,
        work: impl FnOnce(&Self, &Opening) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let (player, opening) = (self.clone(), opening.clone());
        blocking(move || work(&player, &opening)).await
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
                let head = self.made.get(&opening.key, HEAD)?;
                // An empty one stands for a recording without a head, so that it is not searched again.
                let head = head
                    .filter(|(_, len)| *len > 0)
                    .ok_or_else(|| io::Error::other("its parts differ, or cannot be listed"))?;
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

    /// Opens a recording behind its head, which is made if needed.
    async fn indexed(self: &Arc<Self>, opening: &Opening, way: Way) -> io::Result<Playable> {
        let is_made = |player: &Self, opening: &Opening| player.made.get(&opening.key, HEAD);
        if self.on_thread(opening, is_made).await?.is_none() {
            let _permit = self.making.acquire().await.map_err(io::Error::other)?;
            let make = |player: &Self, opening: &Opening| {
                let head = opening.head()?.unwrap_or_default();
                player.made.keep_bytes(&head, &opening.key, HEAD)
            };
            self.on_thread(opening, make).await?;
        }
        self.on_thread(opening, move |player, opening| {
            player.prepared(opening, way)
        })
        .await
    }

    /// Opens the copy of a recording, and makes it if needed. The error is a reason for the user.
    async fn copied(
        self: &Arc<Self>,
        opening: &Opening,
        ffmpeg: Option<&Ffmpeg>,
    ) -> io::Result<Playable> {
        if let Some(copy) = self.on_thread(opening, Self::existing_copy).await? {
            return Ok(copy);
        }
        let _permit = self.making.acquire().await.map_err(io::Error::other)?;
        let ffmpeg = ffmpeg.ok_or_else(|| {
            io::Error::other("ffmpeg is needed for this kind of file, and is not installed")
        })?;
        let failed =
            |error: &dyn Display| io::Error::other(format!("ffmpeg cannot convert it: {error}"));
        let format = ffmpeg.played_format(&opening.path).await;
        let format = format
            .map_err(|error| failed(&error))?
            .ok_or_else(|| io::Error::other("no browser plays its codec"))?;
        let staging = |player: &Self, opening: &Opening| {
            let staging = player.made.staging()?;
            Ok((staging, player.made.room(copy_bytes(opening.key.len))?))
        };
        let staged = self.on_thread(opening, staging).await;
        let (staging, max_bytes) = staged.map_err(|error| failed(&error))?;
        let made = staging.path().join("made");
        let copying = ffmpeg.copy(&opening.path, opening.key.len, format, &made, max_bytes);
        copying.await.map_err(|error| failed(&error))?;
        let keep = move |player: &Self, opening: &Opening| {
            if !has_sound(&made)? {
                return Err(io::Error::other("its sound track is empty"));
            }
            player.made.keep(&made, &opening.key, format.extension())?;
            let copy = player.existing_copy(opening)?;
            copy.ok_or_else(|| io::Error::other("its copy was removed"))
        };
        self.on_thread(opening, keep).await
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

/// Returns the maximum size of the copy of a recording of `len` bytes. Another container may take more space for its headers.
const fn copy_bytes(len: u64) -> u64 {
    let most = len.saturating_add(len / 4).saturating_add(1 << 20);
    if most < MAX_COPY_BYTES {
        most
    } else {
        MAX_COPY_BYTES
    }
}

fn unreadable(path: &Path, error: io::Error) -> NotPlayable {
    NotPlayable::Unreadable {
        path: path.to_owned(),
        source: Arc::new(error),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs blocking work on a thread for it.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(io::Error::other)?
}
