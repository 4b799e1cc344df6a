//! A source's folder as it is watched: which folders in it, and what an event there means.

use crate::config::{Config, Source};
use crate::domain::Timestamp;
use crate::media::walk::{is_hidden, is_wanted};
use crate::policy::noticing::Sign;
use notify::event::{CreateKind, ModifyKind, RenameMode};
use notify::{ErrorKind, Event, EventKind};
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// Why what happens in a folder of a source is not told.
pub(super) struct Refused {
    /// The source's place in the configuration.
    pub(super) source: usize,
    /// What happened, and what to do.
    pub(super) reason: String,
}

/// A source's folder as it is watched.
#[derive(Clone)]
pub(super) struct SourceFolder {
    pub(super) source: usize,
    /// Without links, as events name it.
    pub(super) path: PathBuf,
    settings: Source,
    /// Folders in it that are ours.
    skip: Vec<PathBuf>,
}

/// What an event means for one source.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Meaning {
    pub(super) source: usize,
    pub(super) sign: Sign,
    /// A folder that has to be watched from now on.
    pub(super) folder: Option<PathBuf>,
}

impl SourceFolder {
    /// The folder of the `source`th source; `None` if it is not there. Blocks.
    pub(super) fn find(config: &Config, source: usize) -> Option<Self> {
        let settings = config.sources[source].clone();
        let path = settings.path.canonicalize().ok()?;
        let ours = [&config.output.dir, &config.state.dir];
        let skip = ours.iter().filter_map(|folder| folder.canonicalize().ok());
        Some(Self {
            source,
            path,
            settings,
            skip: skip.collect(),
        })
    }

    /// What an event means for this source. Nothing for what the walk passes over, so for our own transcripts, too.
    pub(super) fn meaning(&self, event: &Event, now: Timestamp) -> Option<Meaning> {
        // Of a renaming the name it has now.
        let path = event.paths.last()?;
        let below = path.strip_prefix(&self.path).ok()?;
        if below.iter().any(is_hidden) || self.is_ours(path) {
            return None;
        }
        let is_file = || {
            is_wanted(
                below,
                self.settings.include.as_ref(),
                &self.settings.exclude,
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
                Sign::Appeared
            }
            EventKind::Create(_)
            | EventKind::Modify(ModifyKind::Name(_) | ModifyKind::Metadata(_))
                if is_file() =>
            {
                Sign::Appeared
            }
            EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Any) if is_file() => {
                // Setting the time of a file's last change alone is told as if it had been written to.
                if self.stands_still(path, now) {
                    Sign::Appeared
                } else {
                    Sign::Written
                }
            }
            _ => return None,
        };
        Some(Meaning {
            source: self.source,
            sign,
            folder: is_folder.then(|| path.clone()),
        })
    }

    fn stands_still(&self, file: &Path, now: Timestamp) -> bool {
        let found = file.symlink_metadata();
        let modified = found.and_then(|found| found.modified());
        modified.is_ok_and(|time| Timestamp::from(time).after(self.settings.settle) <= now)
    }

    fn is_ours(&self, path: &Path) -> bool {
        self.skip.iter().any(|folder| path.starts_with(folder))
    }

    /// Watches a folder of this source and those below it. Of folders below it that cannot be read the walk tells.
    pub(super) fn watch(
        &self,
        folder: &Path,
        mut watch: impl FnMut(&Path) -> notify::Result<()>,
    ) -> Result<(), Refused> {
        let folders = WalkDir::new(folder).into_iter().filter_entry(|entry| {
            let is_top = entry.depth() == 0;
            entry.file_type().is_dir()
                && (is_top || !is_hidden(entry.file_name()))
                && !self.is_ours(entry.path())
        });
        for entry in folders.flatten() {
            match watch(entry.path()) {
                Ok(()) => {}
                Err(error) if is_full(&error) || entry.path() == self.path => {
                    return Err(self.refused(&error));
                }
                Err(error) => {
                    tracing::debug!(error = %error, path = %entry.path().display(), "not watched");
                }
            }
        }
        Ok(())
    }

    pub(super) fn refused(&self, error: &notify::Error) -> Refused {
        Refused {
            source: self.source,
            reason: reason(error),
        }
    }
}

/// Links are passed over, as by the walk.
fn is_folder(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_dir())
}

fn is_full(error: &notify::Error) -> bool {
    matches!(error.kind, ErrorKind::MaxFilesWatch)
}

fn reason(error: &notify::Error) -> String {
    match &error.kind {
        ErrorKind::MaxFilesWatch => {
            "the system watches as many folders as it may; raise `fs.inotify.max_user_watches` \
                                     (sysctl) and start again"
                .to_owned()
        }
        // All that is used up before the first folder is watched.
        ErrorKind::Io(error) if error.raw_os_error() == Some(EMFILE) => {
            format!("{error}; raise `fs.inotify.max_user_instances` (sysctl) and start again")
        }
        ErrorKind::Io(error) => error.to_string(),
        _ => error.to_string(),
    }
}

/// Too many open files, of inotify's too: the same number on every Unix system.
const EMFILE: i32 = 24;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Request;
    use crate::policy::bounds::Bounds;
    use globset::GlobSet;
    use notify::event::{AccessKind, AccessMode, DataChange, MetadataKind, RemoveKind};
    use std::fs;
    use std::time::Duration;

    const NOW: Timestamp = Timestamp::from_millis(2_000_000);

    fn folder(path: &Path) -> SourceFolder {
        SourceFolder {
            source: 3,
            path: path.to_owned(),
            settings: Source {
                name: "talks".to_owned(),
                path: path.to_owned(),
                request: Request::new("m", []),
                include: None,
                exclude: GlobSet::empty(),
                settle: Duration::from_secs(30),
                bounds: Bounds::default(),
                any_model: false,
            },
            skip: vec![path.join("transcripts")],
        }
    }

    fn meaning(kind: EventKind, path: &str) -> Option<Sign> {
        let event = Event::new(kind).add_path(PathBuf::from(path));
        let meaning = folder(Path::new("/talks")).meaning(&event, NOW)?;
        assert_eq!((meaning.source, meaning.folder), (3, None));
        Some(meaning.sign)
    }

    const CREATED: EventKind = EventKind::Create(CreateKind::File);
    const WRITTEN: EventKind = EventKind::Modify(ModifyKind::Data(DataChange::Any));
    const RENAMED: EventKind = EventKind::Modify(ModifyKind::Name(RenameMode::To));

    #[test]
    fn a_recording_that_appears_or_is_written_to_is_noticed() {
        let dated = EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any));
        for kind in [CREATED, RENAMED, dated] {
            assert_eq!(meaning(kind, "/talks/a/b.mp3"), Some(Sign::Appeared));
        }
        assert_eq!(meaning(WRITTEN, "/talks/b.mp3"), Some(Sign::Written));
    }

    #[test]
    fn a_file_that_is_dated_back_stands_still_already() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a.mp3");
        let file = fs::File::create(&path).unwrap();
        let event = Event::new(WRITTEN).add_path(path);
        let sign = |second| {
            let time = std::time::UNIX_EPOCH + Duration::from_secs(second);
            file.set_modified(time).unwrap();
            folder(place.path()).meaning(&event, NOW).unwrap().sign
        };
        assert_eq!([1970, 1971].map(sign), [Sign::Appeared, Sign::Written]);
    }

    #[test]
    fn transcripts_and_whatever_else_the_walk_passes_over_mean_nothing() {
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
    fn what_is_read_or_goes_away_means_nothing() {
        for kind in [
            EventKind::Access(AccessKind::Open(AccessMode::Any)),
            EventKind::Access(AccessKind::Close(AccessMode::Write)),
            EventKind::Remove(RemoveKind::File),
            EventKind::Modify(ModifyKind::Name(RenameMode::From)),
        ] {
            assert_eq!(meaning(kind, "/talks/a.mp3"), None, "{kind:?}");
        }
    }

    #[test]
    fn a_folder_that_appears_is_watched_from_then_on() {
        let place = tempfile::tempdir().unwrap();
        let (moved, link) = (place.path().join("x.mp3"), place.path().join("link"));
        fs::create_dir(&moved).unwrap();
        std::os::unix::fs::symlink(&moved, &link).unwrap();
        let source = folder(place.path());
        for kind in [EventKind::Create(CreateKind::Folder), RENAMED] {
            let event = Event::new(kind).add_path(moved.clone());
            let folder = source.meaning(&event, NOW).unwrap().folder;
            assert_eq!(folder, Some(moved.clone()));
        }
        let event = Event::new(RENAMED).add_path(link);
        assert_eq!(source.meaning(&event, NOW), None);
    }

    /// What is watched below a folder, where watching `refused` gives this error.
    fn watched(refused: &str, error: fn() -> notify::Error) -> (Vec<String>, Option<String>) {
        let place = tempfile::tempdir().unwrap();
        for name in ["a/b", "c", ".git", "transcripts/a"] {
            fs::create_dir_all(place.path().join(name)).unwrap();
        }
        fs::write(place.path().join("a/x.mp3"), "").unwrap();
        let mut watched = Vec::new();
        let outcome = folder(place.path()).watch(place.path(), |path| {
            let name = path.strip_prefix(place.path()).unwrap();
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
    fn every_folder_that_is_walked_is_watched_and_no_other() {
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
    fn a_folder_that_may_not_be_read_keeps_no_other_from_being_watched() {
        let (watched, refused) = watched("a", || std::io::Error::from_raw_os_error(13).into());
        assert_eq!(
            (watched, refused),
            (vec![String::new(), "a/b".into(), "c".into()], None)
        );
    }

    #[test]
    fn too_many_folders_for_the_system_are_refused_with_what_to_do() {
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
    fn a_source_whose_own_folder_cannot_be_watched_is_refused() {
        let (watched, refused) = watched("", || std::io::Error::from_raw_os_error(13).into());
        assert!(!watched.contains(&String::new()));
        assert_eq!(refused.unwrap(), "Permission denied (os error 13)");
    }
}
