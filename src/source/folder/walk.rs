//! Directory walk over the recordings of a source, in path order.

use crate::domain::Revision;
use crate::domain::Timestamp;
use crate::domain::container::is_recording;
use globset::GlobSet;
use std::cmp::Ordering;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use walkdir::{DirEntry, FilterEntry, IntoIter, WalkDir};

/// Name of the marker file that excludes its folder and all subfolders from the walk.
pub const SKIP_MARKER: &str = ".nightscribe-skip";
/// Name of the file that sets the model and options for its folder and all subfolders.
pub const RULES_FILE: &str = ".nightscribe.toml";

/// Options of a walk.
#[derive(Debug, Clone, Copy)]
pub struct WalkOptions<'a> {
    /// Folder to walk. May itself be a symbolic link.
    pub root: &'a Path,
    /// Globs of the files to include, matched on the path relative to the root. `None` includes every file with the
    /// extension of a recording.
    pub include: Option<&'a GlobSet>,
    /// Globs of the files to exclude, matched on the path relative to the root.
    pub exclude: &'a GlobSet,
    /// Time for which a file must be unchanged.
    pub settle: Duration,
    /// Folders that are not walked.
    pub skip: &'a [PathBuf],
    /// Current time.
    pub now: Timestamp,
}

/// One item of a walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WalkItem {
    /// A recording that has settled.
    Recording {
        /// Full path, including the root.
        path: PathBuf,
        /// Size and modification time.
        fingerprint: Revision,
    },
    /// A recording that was changed within the settle time.
    Unsettled {
        /// Full path, including the root.
        path: PathBuf,
        /// Time at which it settles, unless it changes again.
        settles_at: Timestamp,
    },
    /// A folder with a rules file. Precedes all other items of the folder.
    Rules {
        /// Path of the folder relative to the root. Empty for the root itself.
        folder: PathBuf,
    },
    /// A file or folder that cannot be read.
    Unreadable {
        /// Full path of the file or folder.
        path: PathBuf,
        /// Error message of the operating system.
        message: String,
    },
}

/// Walks `walk.root` in the byte order of the paths.
///
/// Skips hidden files and folders, symbolic links, and anything that is not a regular file. A folder that cannot be read
/// is returned as [`WalkItem::Unreadable`], and the walk continues.
///
/// # Errors
/// Returns an error if the root cannot be read.
pub fn walk(walk: WalkOptions<'_>) -> io::Result<WalkIter<'_>> {
    std::fs::read_dir(walk.root)?;
    let skip = resolve_skipped(&walk)?;
    let entries = WalkDir::new(walk.root).sort_by(path_order);
    let wanted: EntryFilter = Box::new(move |entry| {
        let is_skipped =
            || entry.file_type().is_dir() && skip.iter().any(|folder| folder == entry.path());
        let is_wanted = || {
            if is_hidden(entry.file_name()) {
                is_marker(entry)
            } else {
                !is_skipped()
            }
        };
        entry.depth() == 0 || is_wanted()
    });
    Ok(WalkIter {
        entries: entries.into_iter().filter_entry(wanted),
        walk,
    })
}

/// Decides whether the walk enters a folder or returns a file.
type EntryFilter = Box<dyn FnMut(&DirEntry) -> bool + Send>;

/// Iterator over the items of a walk.
pub struct WalkIter<'a> {
    entries: FilterEntry<IntoIter, EntryFilter>,
    walk: WalkOptions<'a>,
}

impl WalkIter<'_> {
    /// Skips the rest of the folder of the last [`WalkItem::Rules`].
    pub fn skip_folder(&mut self) {
        self.entries.skip_current_dir();
    }

    fn on_marker(&mut self, entry: &DirEntry) -> Option<WalkItem> {
        if is_named(SKIP_MARKER, entry) {
            self.skip_folder();
            return None;
        }
        let folder = relative_to(self.walk.root, entry.path()).parent()?;
        Some(WalkItem::Rules {
            folder: folder.to_owned(),
        })
    }
}

impl Iterator for WalkIter<'_> {
    type Item = WalkItem;

    fn next(&mut self) -> Option<WalkItem> {
        loop {
            let found = match self.entries.next()? {
                Ok(entry) if entry.depth() > 0 && is_marker(&entry) => self.on_marker(&entry),
                Ok(entry) => inspect_entry(&self.walk, entry),
                Err(error) => Some(problem(&self.walk, &error)),
            };
            if found.is_some() {
                return found;
            }
        }
    }
}

fn problem(walk: &WalkOptions<'_>, error: &walkdir::Error) -> WalkItem {
    WalkItem::Unreadable {
        path: error.path().unwrap_or(walk.root).to_owned(),
        message: error
            .io_error()
            .map_or_else(|| error.to_string(), ToString::to_string),
    }
}

/// Whether the entry is a marker file or a rules file.
fn is_marker(entry: &DirEntry) -> bool {
    (is_named(SKIP_MARKER, entry) || is_named(RULES_FILE, entry)) && entry.file_type().is_file()
}

fn is_named(name: &str, entry: &DirEntry) -> bool {
    let path = path_bytes(entry);
    let (folder, last) = path.split_at(path.len().saturating_sub(name.len()));
    // The check for the slash rejects nearly every other name without comparing it.
    folder.last() == Some(&b'/') && last == name.as_bytes()
}

/// Compares two entries of one folder by the bytes of all paths below them. A folder sorts as its name followed by a
/// slash. Marker and rules files sort first, because they apply to the other entries.
fn path_order(a: &DirEntry, b: &DirEntry) -> Ordering {
    let paths = (path_bytes(a), path_bytes(b));
    match (is_marker(a), is_marker(b)) {
        (false, false) => {}
        // The skip marker makes the rules irrelevant, and sorts first because `-` precedes `.`.
        (true, true) => return paths.0.cmp(paths.1),
        (true, false) => return Ordering::Less,
        (false, true) => return Ordering::Greater,
    }
    let common = paths.0.len().min(paths.1.len());
    let next = |path: &[u8], entry: &DirEntry| match path.get(common) {
        None if entry.file_type().is_dir() => Some(b'/'),
        byte => byte.copied(),
    };
    paths.0[..common]
        .cmp(&paths.1[..common])
        .then_with(|| next(paths.0, a).cmp(&next(paths.1, b)))
}

/// Returns the bytes of the full path. Extracting the file name would take longer than the comparison itself.
fn path_bytes(entry: &DirEntry) -> &[u8] {
    entry.path().as_os_str().as_bytes()
}

/// Returns the folders to skip, as paths below the root of the walk. Resolves symbolic links on both sides.
fn resolve_skipped(walk: &WalkOptions<'_>) -> io::Result<Vec<PathBuf>> {
    let root = walk.root.canonicalize()?;
    let below = |folder: &PathBuf| {
        let folder = folder.canonicalize().ok()?;
        Some(walk.root.join(folder.strip_prefix(&root).ok()?))
    };
    Ok(walk.skip.iter().filter_map(below).collect())
}

/// Returns the item for an entry, or `None` if the filters exclude it.
fn inspect_entry(walk: &WalkOptions<'_>, entry: DirEntry) -> Option<WalkItem> {
    let relative = relative_to(walk.root, entry.path());
    if !entry.file_type().is_file() || !is_selected(relative, walk.include, walk.exclude) {
        return None;
    }
    let found = stat(&entry).map(|(fingerprint, changed)| {
        let settles = settle_time(walk, fingerprint.modified, changed);
        (fingerprint, settles)
    });
    let path = entry.into_path();
    Some(match found {
        Ok((fingerprint, settles)) if settles <= walk.now => {
            WalkItem::Recording { path, fingerprint }
        }
        Ok((_, settles)) => WalkItem::Unsettled {
            path,
            settles_at: settles,
        },
        Err(message) => WalkItem::Unreadable { path, message },
    })
}

/// Returns the part of `path` below `root`. Compares bytes, because comparing path components is too slow for every file
/// of a walk.
#[must_use]
pub fn relative_to<'a>(root: &Path, path: &'a Path) -> &'a Path {
    let path = path.as_os_str().as_bytes();
    let rest = path
        .strip_prefix(root.as_os_str().as_bytes())
        .unwrap_or(path);
    Path::new(OsStr::from_bytes(rest.strip_prefix(b"/").unwrap_or(rest)))
}

/// Whether the filters select a file. `relative` is its path below the root. Without `include`, every file with the
/// extension of a recording is selected.
#[must_use]
pub fn is_selected(relative: &Path, include: Option<&GlobSet>, exclude: &GlobSet) -> bool {
    let wanted = include.map_or_else(
        || is_recording(relative),
        |include| include.is_match(relative),
    );
    // `is_match` splits the path even if the set is empty.
    wanted && (exclude.is_empty() || !exclude.is_match(relative))
}

/// Whether a file or folder of this name is hidden. Hidden entries are skipped.
#[must_use]
pub fn is_hidden(name: &OsStr) -> bool {
    name.as_bytes().starts_with(b".")
}

/// Returns the fingerprint and the inode change time.
fn stat(entry: &DirEntry) -> Result<(Revision, Timestamp), String> {
    let metadata = entry.metadata().map_err(|error| error.to_string())?;
    let fingerprint = Revision::try_from(&metadata).map_err(|error| error.to_string())?;
    Ok((fingerprint, change_time(&metadata)))
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

/// Returns the time at which the file settles.
fn settle_time(walk: &WalkOptions<'_>, modified: Timestamp, changed: Timestamp) -> Timestamp {
    // A file with a modification time in the future would never settle.
    let last = if modified > walk.now {
        changed
    } else {
        modified
    };
    last.after(walk.settle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use globset::{Glob, GlobSetBuilder};
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::sync::LazyLock;
    use std::time::{SystemTime, UNIX_EPOCH};

    static EMPTY: LazyLock<GlobSet> = LazyLock::new(GlobSet::empty);

    struct Tree {
        folder: tempfile::TempDir,
    }

    impl Tree {
        fn new(files: &[&str]) -> Self {
            let tree = Self {
                folder: tempfile::tempdir().unwrap(),
            };
            files.iter().for_each(|file| tree.write(OsStr::new(file)));
            tree
        }

        fn root(&self) -> &Path {
            self.folder.path()
        }

        fn write(&self, name: &OsStr) {
            let path = self.root().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "x").unwrap();
            self.set_modified(name, UNIX_EPOCH + Duration::from_secs(1000));
        }

        fn set_modified(&self, name: &OsStr, time: SystemTime) {
            fs::File::options()
                .write(true)
                .open(self.root().join(name))
                .unwrap()
                .set_modified(time)
                .unwrap();
        }

        fn names<'a>(&'a self, change: impl FnOnce(&mut WalkOptions<'a>)) -> Vec<String> {
            let mut settings = WalkOptions {
                root: self.root(),
                include: None,
                exclude: &EMPTY,
                settle: Duration::from_secs(30),
                skip: &[],
                now: Timestamp::from_millis(2_000_000),
            };
            change(&mut settings);
            let found = walk(settings).unwrap();
            found
                .map(|one| match one {
                    WalkItem::Recording { path, .. } => relative_to(settings.root, &path)
                        .to_string_lossy()
                        .into_owned(),
                    WalkItem::Unsettled { path, .. } => {
                        format!("unsettled {}", relative_to(settings.root, &path).display())
                    }
                    WalkItem::Rules { folder } => format!("rules of {}", folder.display()),
                    WalkItem::Unreadable { path, message } => {
                        format!("{}: {message}", path.display())
                    }
                })
                .collect()
        }
    }

    fn globs(patterns: &[&str]) -> GlobSet {
        let mut set = GlobSetBuilder::new();
        patterns.iter().for_each(|pattern| {
            set.add(Glob::new(pattern).unwrap());
        });
        set.build().unwrap()
    }

    #[test]
    fn only_recordings_are_found_in_order() {
        let tree = Tree::new(&[
            "b/2.MP3",
            "a.wav",
            "b/1.m4a",
            "b/c/d/e.ogg",
            "notes.txt",
            ".hidden.mp3",
            ".git/x.mp3",
            "z.mp3.part",
        ]);
        assert_eq!(
            tree.names(|_| ()),
            ["a.wav", "b/1.m4a", "b/2.MP3", "b/c/d/e.ogg"]
        );
    }

    #[test]
    fn paths_are_ordered_by_bytes() {
        let files = [
            "a b.mp3",
            "a-b.mp3",
            "a/x.mp3",
            "a.mp3",
            "a0/b.mp3",
            "a0.mp3",
            "a/x/y.mp3",
            "b/a.mp3",
        ];
        let mut expected = files.map(str::to_owned);
        expected.sort();
        assert_eq!(Tree::new(&files).names(|_| ()), expected);
    }

    #[test]
    fn globs_include_and_exclude() {
        let tree = Tree::new(&["a.mp3", "b/c.mp3", "b/draft.mp3", "d.xyz"]);
        let (include, exclude) = (globs(&["**/*.mp3", "*.xyz"]), globs(&["**/draft*"]));
        let names = tree.names(|walk| {
            walk.include = Some(&include);
            walk.exclude = &exclude;
        });
        assert_eq!(names, ["a.mp3", "b/c.mp3", "d.xyz"]);
    }

    #[test]
    fn a_marked_folder_is_skipped_with_its_subfolders() {
        let tree = Tree::new(&[
            "!a/x.mp3",
            "b/!first.mp3",
            "b/.nightscribe-skip",
            "b/c/x.mp3",
            "b/x.mp3",
            "d/.nightscribe-skip/x.mp3",
            "d/x.mp3",
        ]);
        assert_eq!(tree.names(|_| ()), ["!a/x.mp3", "d/x.mp3"]);
        tree.write(OsStr::new(".nightscribe-skip"));
        assert!(tree.names(|_| ()).is_empty());
    }

    #[test]
    fn rules_precede_the_files_they_apply_to() {
        let tree = Tree::new(&[
            ".nightscribe.toml",
            "a/!first.mp3",
            "a/.nightscribe.toml",
            "a/b/x.mp3",
            "c/.nightscribe-skip",
            "c/.nightscribe.toml",
            "c/x.mp3",
        ]);
        let found = ["rules of ", "rules of a", "a/!first.mp3", "a/b/x.mp3"];
        assert_eq!(tree.names(|_| ()), found);
    }

    #[test]
    fn a_folder_with_rules_can_be_skipped() {
        let tree = Tree::new(&["a/.nightscribe.toml", "a/b/x.mp3", "a/x.mp3", "c.mp3"]);
        let mut walking = walk(WalkOptions {
            root: tree.root(),
            include: None,
            exclude: &EMPTY,
            settle: Duration::ZERO,
            skip: &[],
            now: Timestamp::MAX,
        })
        .unwrap();
        let folder = PathBuf::from("a");
        assert_eq!(walking.next(), Some(WalkItem::Rules { folder }));
        walking.skip_folder();
        assert!(
            matches!(walking.next(), Some(WalkItem::Recording { path, .. }) if path == tree.root().join("c.mp3"))
        );
        assert_eq!(walking.next(), None);
    }

    #[test]
    fn symbolic_links_are_not_followed() {
        let tree = Tree::new(&["a/x.mp3"]);
        symlink(tree.root(), tree.root().join("a/loop")).unwrap();
        symlink(tree.root().join("a/x.mp3"), tree.root().join("y.mp3")).unwrap();
        assert_eq!(tree.names(|_| ()), ["a/x.mp3"]);
    }

    #[test]
    fn skipped_folders_are_resolved_through_a_linked_root() {
        let tree = Tree::new(&["real/out/x.mp3", "real/y.mp3"]);
        let link = tree.root().join("link");
        symlink(tree.root().join("real"), &link).unwrap();
        let skip = [tree.root().join("real/out"), tree.root().join("not there")];
        let names = tree.names(|walk| {
            walk.root = &link;
            walk.skip = &skip;
        });
        assert_eq!(names, ["y.mp3"]);
    }

    #[test]
    fn the_spelling_of_the_root_does_not_matter() {
        let tree = Tree::new(&[".nightscribe.toml", "a/.nightscribe.toml", "a/x.mp3"]);
        for end in ["", ".", "./", "/"] {
            let root = PathBuf::from(format!("{}/{end}", tree.root().display()));
            let names = tree.names(|walk| walk.root = &root);
            assert_eq!(names, ["rules of ", "rules of a", "a/x.mp3"], "{end}");
        }
        assert_eq!(
            relative_to(Path::new("/"), Path::new("/a/b.mp3")),
            Path::new("a/b.mp3")
        );
    }

    #[test]
    fn unusual_names_are_found() {
        let tree = Tree::new(&["new\nline.mp3", &format!("{}.mp3", "n".repeat(251))]);
        tree.write(OsStr::from_bytes(b"not\xffutf8.mp3"));
        assert_eq!(tree.names(|_| ()).len(), 3);
    }

    #[test]
    fn globs_match_non_utf8_and_multiline_names() {
        let tree = Tree::new(&["a/new\nline.mp3"]);
        tree.write(OsStr::from_bytes(b"a/not\xffutf8.mp3"));
        let include = globs(&["**/*.mp3"]);
        assert_eq!(tree.names(|walk| walk.include = Some(&include)).len(), 2);
        let exclude = globs(&["**/*.mp3"]);
        assert!(tree.names(|walk| walk.exclude = &exclude).is_empty());
    }

    #[test]
    fn an_unreadable_folder_is_reported_and_skipped() {
        let tree = Tree::new(&["a.mp3", "b/x.mp3", "c.mp3"]);
        let mut found = walk(WalkOptions {
            root: tree.root(),
            include: None,
            exclude: &EMPTY,
            settle: Duration::ZERO,
            skip: &[],
            now: Timestamp::MAX,
        })
        .unwrap();
        assert!(
            matches!(found.next(), Some(WalkItem::Recording { path, .. }) if path == tree.root().join("a.mp3"))
        );
        // Removed instead of locked, because root can read any existing folder.
        fs::remove_dir_all(tree.root().join("b")).unwrap();
        let Some(WalkItem::Unreadable { path, message }) = found.next() else {
            panic!("the folder is not reported");
        };
        assert_eq!(path, tree.root().join("b"));
        assert!(!message.is_empty() && !message.contains(&*path.to_string_lossy()));
        assert!(
            matches!(found.next(), Some(WalkItem::Recording { path, .. }) if path == tree.root().join("c.mp3"))
        );
        assert_eq!(found.next(), None);
    }

    #[test]
    fn deep_folders_are_walked() {
        let deep = format!("{}x.mp3", "d/".repeat(500));
        assert_eq!(Tree::new(&[&deep]).names(|_| ()), [deep]);
    }

    #[test]
    fn a_file_is_found_once_it_has_settled() {
        let tree = Tree::new(&["a.mp3"]);
        let at = |seconds: i64, settle: u64| {
            tree.names(|walk| {
                walk.now = Timestamp::from_millis(seconds * 1000);
                walk.settle = Duration::from_secs(settle);
            })
        };
        assert_eq!(at(1029, 30), ["unsettled a.mp3"]);
        assert_eq!(at(1030, 30), ["a.mp3"]);
        assert_eq!(at(1000, 0), ["a.mp3"]);
    }

    #[test]
    fn an_unsettled_file_reports_when_it_settles() {
        let tree = Tree::new(&["a.mp3"]);
        let found = walk(WalkOptions {
            root: tree.root(),
            include: None,
            exclude: &EMPTY,
            settle: Duration::from_secs(30),
            skip: &[],
            now: Timestamp::from_millis(1_010_000),
        });
        let expected = WalkItem::Unsettled {
            path: tree.root().join("a.mp3"),
            settles_at: Timestamp::from_millis(1_030_000),
        };
        assert_eq!(found.unwrap().collect::<Vec<_>>(), [expected]);
    }

    #[test]
    fn a_future_date_is_replaced_by_the_change_time() {
        let tree = Tree::new(&["a.mp3"]);
        let now = SystemTime::now() + Duration::from_secs(60);
        tree.set_modified(OsStr::new("a.mp3"), now + Duration::from_secs(86_400));
        assert_eq!(tree.names(|walk| walk.now = now.into()), ["a.mp3"]);
    }

    #[test]
    fn only_a_missing_root_is_an_error() {
        assert!(Tree::new(&[]).names(|_| ()).is_empty());
        let missing = WalkOptions {
            root: Path::new("/nowhere/at/all"),
            include: None,
            exclude: &EMPTY,
            settle: Duration::ZERO,
            skip: &[],
            now: Timestamp::MAX,
        };
        assert!(walk(missing).is_err());
    }
}
