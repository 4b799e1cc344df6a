//! Look-ups of the metadata of files, on several threads and in the order of the walk.
//!
//! A look-up on a local disk is a microsecond of CPU time, so a thread for each core is enough. A look-up on a network
//! share waits for the server for hundreds of microseconds. Threads are then added, up to the limit.

use super::entries::FileEntry;
use crate::domain::{Revision, Timestamp};
use crate::source::folder::default_excludes::control_file;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Number of files that one thread looks up at a time, so that threads seldom wake each other.
pub(super) const BATCH: usize = 128;
/// Mean time of a look-up from which more threads are faster than the cores of this machine.
const SLOW: Duration = Duration::from_micros(100);

/// Metadata of a file.
pub(super) struct FileStat {
    /// Size and modification time.
    pub(super) revision: Revision,
    /// Inode change time, which no program can set.
    pub(super) changed: Timestamp,
    /// Device and inode.
    pub(super) identity: (u64, u64),
}

/// A file that was looked up.
pub(super) struct FoundFile {
    pub(super) path: PathBuf,
    /// Metadata, or the error message of the operating system.
    pub(super) stat: Result<FileStat, String>,
    /// Whether a control file shows that it is an unfinished download. Only looked up for recent changes.
    pub(super) has_control_file: bool,
}

/// Threads for look-ups. They end when this is dropped.
pub(super) struct Lookups {
    /// Change time after which control files are looked up; `None` if they have no meaning.
    recent_after: Option<Timestamp>,
    max_threads: usize,
    wanted_threads: usize,
    threads: usize,
    tasks: Sender<Task>,
    /// Shared by the threads.
    waiting: Arc<Mutex<Receiver<Task>>>,
}

struct Task {
    files: Vec<FileEntry>,
    recent_after: Option<Timestamp>,
    answer: SyncSender<(Vec<FoundFile>, Duration)>,
}

/// Files that are being looked up, or were.
pub(super) enum Pending {
    Found(Vec<FoundFile>),
    Asked(Receiver<(Vec<FoundFile>, Duration)>),
}

impl Lookups {
    /// Prepares look-ups on at most `max_threads` threads. Starts none yet. Control files are looked up for files that
    /// changed after `recent_after`.
    pub(super) fn new(max_threads: usize, recent_after: Option<Timestamp>) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let (tasks, waiting) = channel();
        Self {
            recent_after,
            max_threads: max_threads.max(1),
            wanted_threads: cores.min(max_threads.max(1)),
            threads: 0,
            tasks,
            waiting: Arc::new(Mutex::new(waiting)),
        }
    }

    /// Returns the number of batches that keep all threads busy.
    pub(super) const fn depth(&self) -> usize {
        2 * self.wanted_threads
    }

    /// Looks up files on this thread.
    pub(super) fn run(&self, files: Vec<FileEntry>) -> Pending {
        Pending::Found(look_up(files, self.recent_after))
    }

    /// Starts to look up files on another thread. Uses this thread if the system allows no other.
    pub(super) fn start(&mut self, files: Vec<FileEntry>) -> Pending {
        while self.threads < self.wanted_threads && self.spawn() {
            self.threads += 1;
        }
        if self.threads == 0 {
            return self.run(files);
        }
        let (answer, answered) = sync_channel(1);
        let task = Task {
            files,
            recent_after: self.recent_after,
            answer,
        };
        match self.tasks.send(task) {
            Ok(()) => Pending::Asked(answered),
            // The receiver lives as long as `self`.
            Err(unsent) => self.run(unsent.0.files),
        }
    }

    /// Waits for files.
    ///
    /// # Panics
    /// If a thread has panicked.
    pub(super) fn wait(&mut self, pending: Pending) -> Vec<FoundFile> {
        match pending {
            Pending::Found(found) => found,
            Pending::Asked(answered) => {
                let (found, took) = answered.recv().expect("look-ups of metadata do not panic");
                self.wanted_threads =
                    next_threads(self.wanted_threads, self.max_threads, found.len(), took);
                found
            }
        }
    }

    fn spawn(&self) -> bool {
        let waiting = self.waiting.clone();
        let thread = thread::Builder::new().name("lookup".to_owned());
        match thread.spawn(move || run_tasks(&waiting)) {
            Ok(_runs_until_the_walk_ends) => true,
            Err(error) => {
                tracing::debug!(%error, "cannot start another thread for look-ups");
                false
            }
        }
    }
}

/// Runs tasks until their sender is dropped.
fn run_tasks(waiting: &Mutex<Receiver<Task>>) {
    loop {
        // The next task is taken by the thread that holds the lock, and run without it.
        let task = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok(task) = task else { return };
        let began = Instant::now();
        let found = look_up(task.files, task.recent_after);
        // Fails only if the walk has ended early.
        let _walk_ended = task.answer.send((found, began.elapsed()));
    }
}

/// Returns the number of threads after `files` were looked up in `took`. It doubles while a look-up is slow.
fn next_threads(threads: usize, max_threads: usize, files: usize, took: Duration) -> usize {
    let files = u32::try_from(files).unwrap_or(u32::MAX);
    match took > SLOW * files {
        true => max_threads.min(2 * threads),
        false => threads,
    }
}

fn look_up(files: Vec<FileEntry>, recent_after: Option<Timestamp>) -> Vec<FoundFile> {
    let found = files.into_iter().map(|file| {
        let stat = stat(&file);
        let is_recent = match &stat {
            Ok(stat) => recent_after.is_some_and(|after| stat.changed > after),
            Err(_) => false,
        };
        let path = file.entry.into_path();
        FoundFile {
            has_control_file: is_recent
                && file.may_have_control_file
                && control_file(&path).exists(),
            path,
            stat,
        }
    });
    found.collect()
}

fn stat(file: &FileEntry) -> Result<FileStat, String> {
    let metadata = file.entry.metadata().map_err(|error| error.to_string())?;
    Ok(FileStat {
        revision: Revision::try_from(&metadata).map_err(|error| error.to_string())?,
        changed: change_time(&metadata),
        identity: (metadata.dev(), metadata.ino()),
    })
}

/// Returns the inode change time, which no program can set.
fn change_time(metadata: &Metadata) -> Timestamp {
    Timestamp::from_millis(
        metadata
            .ctime()
            .saturating_mul(1000)
            .saturating_add(metadata.ctime_nsec() / 1_000_000),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_added_only_while_look_ups_are_slow() {
        let after =
            |threads, micros| next_threads(threads, 64, BATCH, Duration::from_micros(micros) * 128);
        assert_eq!((after(2, 1), after(2, 100)), (2, 2));
        assert_eq!((after(2, 101), after(33, 300), after(64, 300)), (4, 64, 64));
        assert_eq!(next_threads(1, 1, 1, Duration::from_secs(1)), 1);
    }
}
