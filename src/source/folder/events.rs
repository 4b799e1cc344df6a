//! The watched folder of a source: which folders below it are watched, and how their events are interpreted.

use crate::config::{Config, SourceConfig};
use crate::domain::Timestamp;
use crate::policy::rescan::FileChange;
use crate::source::folder::default_excludes::is_hidden;
use crate::source::folder::selection::is_selected;
use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind, RenameMode};
use notify::{ErrorKind, Event, EventKind};
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// A source whose folders cannot be watched.
pub(crate) struct WatchRefused {
    /// Index of the source in the configuration.
    pub(crate) source: usize,
    /// Cause, and what to do about it.
    pub(crate) reason: String,
}

/// The watched folder of a source.
#[derive(Clone)]
pub(crate) struct SourceFolder {
    /// Index of the source in the configuration.
    pub(crate) source: usize,
    /// Canonical path, which is the prefix of the paths in events.
    pub(crate) path: PathBuf,
    settings: SourceConfig,
    /// Canonical paths of the output and state folders, which are not watched.
    skip: Vec<PathBuf>,
}

/// Effect of an event on one source.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EventEffect {
    /// Index of the source in the configuration.
    pub(crate) source: usize,
    /// Kind of the change.
    pub(crate) sign: FileChange,
    /// New folder to watch.
    pub(crate) folder: Option<PathBuf>,
}

impl SourceFolder {
    /// Finds the folder of the source with index `source`. Returns `None` if it is missing. Blocks.
    pub(crate) fn find(config: &Config, source: usize) -> Option<Self> {
        let settings = config.sources[source].clone();
        let path = settings.path.canonicalize().ok()?;
        let own = [&config.output.dir, &config.state.dir];
        let skip = own.iter().filter_map(|folder| folder.canonicalize().ok());
        Some(Self {
            source,
            path,
            settings,
            skip: skip.collect(),
        })
    }

    /// Interprets an event. Returns `None` if it does not concern this source, or concerns a file that the walk skips,
    /// such as a transcript.
    pub(crate) fn interpret(&self, event: &Event, now: Timestamp) -> Option<EventEffect> {
        // The last path of a rename event is the new one.
        let path = event.paths.last()?;
        let below = path.strip_prefix(&self.path).ok()?;
        if below.iter().any(is_hidden) || self.is_skipped(path) {
            return None;
        }
        let is_file = || {
            is_selected(
                below,
                self.settings.include.as_ref(),
                &self.settings.exclude,
                self.settings.default_excludes,
            )
        };
        let is_folder = match event.kind {
            EventKind::Create(CreateKind::File) => false,
            EventKind::Create(CreateKind::Folder) => true,
            EventKind::Create(_) | EventKind::Modify(ModifyKind::Name(_)) => is_folder(path),
            _ => false,
        };
        let sign = match event.kind {
            EventKind::Modify(ModifyKind::Name(RenameMode::From)) => return None,
            EventKind::Create(_) | EventKind::Modify(ModifyKind::Name(_)) if is_folder => {
                FileChange::Appeared
            }
            EventKind::Create(_)
            | EventKind::Modify(ModifyKind::Name(_) | ModifyKind::Metadata(_))
                if is_file() =>
            {
                FileChange::Appeared
            }
            // A file that was open is complete now, however long ago it was written.
            EventKind::Access(AccessKind::Close(AccessMode::Write)) if is_file() => {
                FileChange::Written
            }
            EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Any) if is_file() => {
                // Setting only the modification time of a file causes the same event as a write.
                if self.is_settled(path, now) {
                    FileChange::Appeared
                } else {
                    FileChange::Written
                }
            }
            _ => return None,
        };
        Some(EventEffect {
            source: self.source,
            sign,
            folder: is_folder.then(|| path.clone()),
        })
    }

    fn is_settled(&self, file: &Path, now: Timestamp) -> bool {
        let metadata = file.symlink_metadata();
        let modified = metadata.and_then(|metadata| metadata.modified());
        modified.is_ok_and(|time| Timestamp::from(time).after(self.settings.settle) <= now)
    }

    fn is_skipped(&self, path: &Path) -> bool {
        self.skip.iter().any(|folder| path.starts_with(folder))
    }

    /// Watches a folder of this source and the folders below it. Unreadable folders are skipped, as the walk reports
    /// them.
    ///
    /// # Errors
    /// If the system's limit on watches is reached, or the source's own folder cannot be watched.
    pub(crate) fn watch(
        &self,
        folder: &Path,
        mut watch: impl FnMut(&Path) -> notify::Result<()>,
    ) -> Result<(), WatchRefused> {
        let folders = WalkDir::new(folder).into_iter().filter_entry(|entry| {
            let is_top = entry.depth() == 0;
            entry.file_type().is_dir()
                && (is_top || !is_hidden(entry.file_name()))
                && !self.is_skipped(entry.path())
        });
        for entry in folders.flatten() {
            match watch(entry.path()) {
                Ok(()) => {}
                Err(error) if is_watch_limit(&error) || entry.path() == self.path => {
                    return Err(self.refused(&error));
                }
                Err(error) => {
                    tracing::debug!(error = %error, path = %entry.path().display(), "folder not watched");
                }
            }
        }
        Ok(())
    }

    /// Converts a watch error to an error of this source.
    pub(crate) fn refused(&self, error: &notify::Error) -> WatchRefused {
        WatchRefused {
            source: self.source,
            reason: reason(error),
        }
    }
}

/// Whether `path` is a folder. Symbolic links do not count, as the walk skips them.
fn is_folder(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_dir())
}

fn is_watch_limit(error: &notify::Error) -> bool {
    matches!(error.kind, ErrorKind::MaxFilesWatch)
}

fn reason(error: &notify::Error) -> String {
    match &error.kind {
        ErrorKind::MaxFilesWatch => {
            "the limit on watched folders is reached; raise `fs.inotify.max_user_watches` (sysctl) \
             and start again"
                .to_owned()
        }
        // Creating the watcher fails with this error when all inotify instances are in use.
        ErrorKind::Io(error) if error.raw_os_error() == Some(EMFILE) => {
            format!("{error}; raise `fs.inotify.max_user_instances` (sysctl) and start again")
        }
        ErrorKind::Io(error) => error.to_string(),
        _ => error.to_string(),
    }
}

/// Error number for too many open files, or too many inotify instances. Equal on every Unix system.
const EMFILE: i32 = 24;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Request;
    use notify::event::{AccessKind, AccessMode, DataChange, MetadataKind, RemoveKind};
    use std::fs;
    use std::time::Duration;

    const NOW: Timestamp = Timestamp::from_millis(2_000_000);

    fn folder(path: &Path) -> SourceFolder {
        SourceFolder {
            source: 3,
            path: path.to_owned(),
            settings: SourceConfig {
                settle: Duration::from_secs(30),
                ..SourceConfig::new("talks".to_owned(), path.to_owned(), Request::new("m", []))
            },
            skip: vec![path.join("transcripts")],
        }
    }

    fn meaning(kind: EventKind, path: &str) -> Option<FileChange> {
        let event = Event::new(kind).add_path(PathBuf::from(path));
        let meaning = folder(Path::new("/talks")).interpret(&event, NOW)?;
        assert_eq!((meaning.source, meaning.folder), (3, None));
        Some(meaning.sign)
    }

    const CREATED: EventKind = EventKind::Create(CreateKind::File);
    const WRITTEN: EventKind = EventKind::Modify(ModifyKind::Data(DataChange::Any));
    const RENAMED: EventKind = EventKind::Modify(ModifyKind::Name(RenameMode::To));

    #[test]
    fn a_created_or_written_recording_is_noticed() {
        let dated = EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any));
        for kind in [CREATED, RENAMED, dated] {
            assert_eq!(meaning(kind, "/talks/a/b.mp3"), Some(FileChange::Appeared));
        }
        assert_eq!(meaning(WRITTEN, "/talks/b.mp3"), Some(FileChange::Written));
        let closed = EventKind::Access(AccessKind::Close(AccessMode::Write));
        assert_eq!(meaning(closed, "/talks/b.mp3"), Some(FileChange::Written));
    }

    #[test]
    fn a_file_with_an_old_modification_time_is_settled() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.mp3");
        let file = fs::File::create(&path).unwrap();
        let event = Event::new(WRITTEN).add_path(path);
        let sign = |second| {
            let time = std::time::UNIX_EPOCH + Duration::from_secs(second);
            file.set_modified(time).unwrap();
            folder(dir.path()).interpret(&event, NOW).unwrap().sign
        };
        assert_eq!(
            [1970, 1971].map(sign),
            [FileChange::Appeared, FileChange::Written]
        );
    }

    #[test]
    fn files_that_the_walk_skips_are_ignored() {
        for path in [
            "/talks/a.txt",
            "/talks/a.json",
            "/talks/.a.mp3",
            "/talks/.git/a.mp3",
            "/talks/transcripts/a.mp3",
            "/other/a.mp3",
        ] {
            for kind in [CREATED, WRITTEN, RENAMED] {
                assert_eq!(meaning(kind, path), None, "{path}");
            }
        }
    }

    #[test]
    fn reads_and_removals_are_ignored() {
        for kind in [
            EventKind::Access(AccessKind::Open(AccessMode::Any)),
            EventKind::Access(AccessKind::Close(AccessMode::Read)),
            EventKind::Remove(RemoveKind::File),
            EventKind::Modify(ModifyKind::Name(RenameMode::From)),
        ] {
            assert_eq!(meaning(kind, "/talks/a.mp3"), None, "{kind:?}");
        }
    }

    #[test]
    fn a_new_folder_is_watched() {
        let dir = tempfile::tempdir().unwrap();
        let (moved, link) = (dir.path().join("x.mp3"), dir.path().join("link"));
        fs::create_dir(&moved).unwrap();
        std::os::unix::fs::symlink(&moved, &link).unwrap();
        let source = folder(dir.path());
        for kind in [EventKind::Create(CreateKind::Folder), RENAMED] {
            let event = Event::new(kind).add_path(moved.clone());
            let folder = source.interpret(&event, NOW).unwrap().folder;
            assert_eq!(folder, Some(moved.clone()));
        }
        let event = Event::new(RENAMED).add_path(link);
        assert_eq!(source.interpret(&event, NOW), None);
    }

    /// Returns the watched folders, and the reason for a refusal. Watching the folder `refused` returns `error`.
    fn watched(refused: &str, error: fn() -> notify::Error) -> (Vec<String>, Option<String>) {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a/b", "c", ".git", "transcripts/a"] {
            fs::create_dir_all(dir.path().join(name)).unwrap();
        }
        fs::write(dir.path().join("a/x.mp3"), "").unwrap();
        let mut watched = Vec::new();
        let outcome = folder(dir.path()).watch(dir.path(), |path| {
            let name = path.strip_prefix(dir.path()).unwrap();
            let name = name.to_string_lossy().into_owned();
            if name == refused {
                return Err(error());
            }
            watched.push(name);
            Ok(())
        });
        watched.sort();
        (watched, outcome.err().map(|refused| refused.reason))
    }

    #[test]
    fn exactly_the_walked_folders_are_watched() {
        let (watched, refused) = watched("nothing", notify::Error::path_not_found);
        assert_eq!(
            (watched, refused),
            (
                vec![String::new(), "a".into(), "a/b".into(), "c".into()],
                None
            )
        );
    }

    #[test]
    fn an_unreadable_folder_does_not_stop_the_others() {
        let (watched, refused) = watched("a", || std::io::Error::from_raw_os_error(13).into());
        assert_eq!(
            (watched, refused),
            (vec![String::new(), "a/b".into(), "c".into()], None)
        );
    }

    #[test]
    fn a_watch_limit_error_names_the_setting_to_raise() {
        let full = || notify::Error::new(ErrorKind::MaxFilesWatch);
        let (_, refused) = watched("c", full);
        assert!(
            refused
                .unwrap()
                .contains("raise `fs.inotify.max_user_watches`")
        );
        let error = notify::Error::io(std::io::Error::from_raw_os_error(EMFILE));
        assert!(reason(&error).contains("raise `fs.inotify.max_user_instances`"));
    }

    #[test]
    fn an_unwatchable_source_folder_is_refused() {
        let (watched, refused) = watched("", || std::io::Error::from_raw_os_error(13).into());
        assert!(!watched.contains(&String::new()));
        assert_eq!(refused.unwrap(), "Permission denied (os error 13)");
    }
}
