//! The recordings below a folder, in the order of their paths.

use super::fingerprint::Fingerprint;
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

/// A file of this name leaves its folder, and all that is below it, out of the walk.
pub const SKIP: &str = ".nightscribe-skip";
/// A file of this name says what is asked of the service for the recordings of its folder, and all that is below it.
pub const RULES: &str = ".nightscribe.toml";

/// What to walk, and what to take.
#[derive(Debug, Clone, Copy)]
pub struct Walk<'a> {
    /// The folder; may be a symbolic link itself.
    pub root: &'a Path,
    /// What to take, on the path below the root. `None`: every file that its name says is a recording.
    pub include: Option<&'a GlobSet>,
    /// What to leave out, on the path below the root.
    pub exclude: &'a GlobSet,
    /// A file must be unchanged for so long before it is taken.
    pub settle: Duration,
    /// Folders to leave alone, wherever they are.
    pub skip: &'a [PathBuf],
    /// The time.
    pub now: Timestamp,
}

/// Something on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A recording that stands still.
    Recording {
        /// The whole path: the root, and what is below it.
        path: PathBuf,
        /// Size and time.
        fingerprint: Fingerprint,
    },
    /// A recording that was changed a moment ago.
    Unsettled {
        /// The whole path: the root, and what is below it.
        path: PathBuf,
        /// When it stands still, if nothing changes it meanwhile.
        settles: Timestamp,
    },
    /// A folder has rules. Comes before everything else that is in the folder.
    Rules {
        /// The folder below the root; empty for the root.
        folder: PathBuf,
    },
    /// A file or folder that could not be looked at.
    Problem {
        /// Which.
        path: PathBuf,
        /// Why.
        message: String,
    },
}

/// Walks `walk.root`, in the order of the paths' bytes. Hidden files and folders, symbolic links and what is no regular
/// file are passed over; a folder that cannot be read is reported, and the walk goes on.
///
/// # Errors
/// If the root itself cannot be read.
pub fn walk(walk: Walk<'_>) -> io::Result<Walking<'_>> {
    std::fs::read_dir(walk.root)?;
    let skip = skipped(&walk)?;
    let entries = WalkDir::new(walk.root).sort_by(by_path);
    let wanted: Wanted = Box::new(move |entry| {
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
    Ok(Walking {
        entries: entries.into_iter().filter_entry(wanted),
        walk,
    })
}

type Wanted = Box<dyn FnMut(&DirEntry) -> bool + Send>;

/// A walk on its way.
pub struct Walking<'a> {
    entries: FilterEntry<IntoIter, Wanted>,
    walk: Walk<'a>,
}

impl Walking<'_> {
    /// Passes over the rest of the folder whose rules were found last.
    pub fn leave_folder(&mut self) {
        self.entries.skip_current_dir();
    }

    fn marker(&mut self, entry: &DirEntry) -> Option<Found> {
        if is_named(SKIP, entry) {
            self.leave_folder();
            return None;
        }
        let folder = below(self.walk.root, entry.path()).parent()?;
        Some(Found::Rules {
            folder: folder.to_owned(),
        })
    }
}

impl Iterator for Walking<'_> {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        loop {
            let found = match self.entries.next()? {
                Ok(entry) if entry.depth() > 0 && is_marker(&entry) => self.marker(&entry),
                Ok(entry) => look(&self.walk, entry),
                Err(error) => Some(problem(&self.walk, &error)),
            };
            if found.is_some() {
                return found;
            }
        }
    }
}

fn problem(walk: &Walk<'_>, error: &walkdir::Error) -> Found {
    Found::Problem {
        path: error.path().unwrap_or(walk.root).to_owned(),
        message: error
            .io_error()
            .map_or_else(|| error.to_string(), ToString::to_string),
    }
}

/// What is said of a folder, which must be known before anything in it is taken.
fn is_marker(entry: &DirEntry) -> bool {
    (is_named(SKIP, entry) || is_named(RULES, entry)) && entry.file_type().is_file()
}

fn is_named(name: &str, entry: &DirEntry) -> bool {
    let path = bytes(entry);
    let (folder, last) = path.split_at(path.len().saturating_sub(name.len()));
    // Nearly every name is told apart by its length.
    folder.last() == Some(&b'/') && last == name.as_bytes()
}

/// The order of the bytes of all paths of the tree, for two entries of one folder: what is in a folder goes by the
/// folder's name and a slash. Markers, which are no recordings, come before all.
fn by_path(a: &DirEntry, b: &DirEntry) -> Ordering {
    let paths = (bytes(a), bytes(b));
    match (is_marker(a), is_marker(b)) {
        (false, false) => {}
        // The one that leaves everything out makes the other needless: `-` comes before `.`.
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

/// The whole path: to find the name in it takes longer than all that is asked of it while a folder is sorted.
fn bytes(entry: &DirEntry) -> &[u8] {
    entry.path().as_os_str().as_bytes()
}

/// The folders to skip, as the walk will name them: below a root that may be reached through links.
fn skipped(walk: &Walk<'_>) -> io::Result<Vec<PathBuf>> {
    let root = walk.root.canonicalize()?;
    let below = |folder: &PathBuf| {
        let folder = folder.canonicalize().ok()?;
        Some(walk.root.join(folder.strip_prefix(&root).ok()?))
    };
    Ok(walk.skip.iter().filter_map(below).collect())
}

fn look(walk: &Walk<'_>, entry: DirEntry) -> Option<Found> {
    let relative = below(walk.root, entry.path());
    if !entry.file_type().is_file() || !is_wanted(relative, walk.include, walk.exclude) {
        return None;
    }
    let found = stat(&entry).map(|(fingerprint, changed)| {
        let settles = settles(walk, fingerprint.modified, changed);
        (fingerprint, settles)
    });
    let path = entry.into_path();
    Some(match found {
        Ok((fingerprint, settles)) if settles <= walk.now => Found::Recording { path, fingerprint },
        Ok((_, settles)) => Found::Unsettled { path, settles },
        Err(message) => Found::Problem { path, message },
    })
}

/// What follows the root in a path of its walk. By bytes, as a walk asks for each path, and comparing part by part
/// takes its time.
#[must_use]
pub fn below<'a>(root: &Path, path: &'a Path) -> &'a Path {
    let path = path.as_os_str().as_bytes();
    let rest = path
        .strip_prefix(root.as_os_str().as_bytes())
        .unwrap_or(path);
    Path::new(OsStr::from_bytes(rest.strip_prefix(b"/").unwrap_or(rest)))
}

/// Whether a file of this path below the root is to be taken. `include`: `None` for every file that its name says is a
/// recording.
#[must_use]
pub fn is_wanted(relative: &Path, include: Option<&GlobSet>, exclude: &GlobSet) -> bool {
    let wanted = include.map_or_else(
        || is_recording(relative),
        |include| include.is_match(relative),
    );
    // Asking an empty set takes a path apart, too.
    wanted && (exclude.is_empty() || !exclude.is_match(relative))
}

/// Whether a file or folder of this name is passed over.
#[must_use]
pub fn is_hidden(name: &OsStr) -> bool {
    name.as_bytes().starts_with(b".")
}

fn stat(entry: &DirEntry) -> Result<(Fingerprint, Timestamp), String> {
    let metadata = entry.metadata().map_err(|error| error.to_string())?;
    let fingerprint = Fingerprint::try_from(&metadata).map_err(|error| error.to_string())?;
    Ok((fingerprint, changed(&metadata)))
}

/// When the file's entry was last changed: the one time that nobody can set.
fn changed(metadata: &Metadata) -> Timestamp {
    Timestamp::from_millis(
        metadata
            .ctime()
            .saturating_mul(1000)
            .saturating_add(metadata.ctime_nsec() / 1_000_000),
    )
}

fn settles(walk: &Walk<'_>, modified: Timestamp, changed: Timestamp) -> Timestamp {
    // A file dated in the future would never settle.
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

    static NOTHING: LazyLock<GlobSet> = LazyLock::new(GlobSet::empty);

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
            self.date(name, UNIX_EPOCH + Duration::from_secs(1000));
        }

        fn date(&self, name: &OsStr, time: SystemTime) {
            fs::File::options()
                .write(true)
                .open(self.root().join(name))
                .unwrap()
                .set_modified(time)
                .unwrap();
        }

        fn names<'a>(&'a self, change: impl FnOnce(&mut Walk<'a>)) -> Vec<String> {
            let mut settings = Walk {
                root: self.root(),
                include: None,
                exclude: &NOTHING,
                settle: Duration::from_secs(30),
                skip: &[],
                now: Timestamp::from_millis(2_000_000),
            };
            change(&mut settings);
            let found = walk(settings).unwrap();
            found
                .map(|one| match one {
                    Found::Recording { path, .. } => {
                        below(settings.root, &path).to_string_lossy().into_owned()
                    }
                    Found::Unsettled { path, .. } => {
                        format!("unsettled {}", below(settings.root, &path).display())
                    }
                    Found::Rules { folder } => format!("rules of {}", folder.display()),
                    Found::Problem { path, message } => format!("{}: {message}", path.display()),
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
    fn recordings_are_found_in_order_and_nothing_else() {
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
    fn the_order_is_that_of_the_paths_bytes() {
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
    fn globs_take_and_leave_out() {
        let tree = Tree::new(&["a.mp3", "b/c.mp3", "b/draft.mp3", "d.xyz"]);
        let (include, exclude) = (globs(&["**/*.mp3", "*.xyz"]), globs(&["**/draft*"]));
        let names = tree.names(|walk| {
            walk.include = Some(&include);
            walk.exclude = &exclude;
        });
        assert_eq!(names, ["a.mp3", "b/c.mp3", "d.xyz"]);
    }

    #[test]
    fn a_marked_folder_is_left_out_with_all_that_is_below_it() {
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
    fn rules_come_before_all_that_they_are_for() {
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
    fn a_folder_can_be_left_when_its_rules_are_found() {
        let tree = Tree::new(&["a/.nightscribe.toml", "a/b/x.mp3", "a/x.mp3", "c.mp3"]);
        let mut walking = walk(Walk {
            root: tree.root(),
            include: None,
            exclude: &NOTHING,
            settle: Duration::ZERO,
            skip: &[],
            now: Timestamp::MAX,
        })
        .unwrap();
        let folder = PathBuf::from("a");
        assert_eq!(walking.next(), Some(Found::Rules { folder }));
        walking.leave_folder();
        assert!(
            matches!(walking.next(), Some(Found::Recording { path, .. }) if path == tree.root().join("c.mp3"))
        );
        assert_eq!(walking.next(), None);
    }

    #[test]
    fn links_are_left_alone_and_cannot_lead_astray() {
        let tree = Tree::new(&["a/x.mp3"]);
        symlink(tree.root(), tree.root().join("a/loop")).unwrap();
        symlink(tree.root().join("a/x.mp3"), tree.root().join("y.mp3")).unwrap();
        assert_eq!(tree.names(|_| ()), ["a/x.mp3"]);
    }

    #[test]
    fn a_root_may_be_a_link_and_skipped_folders_are_found_through_it() {
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
    fn what_is_below_a_root_is_the_same_however_the_root_is_written() {
        let tree = Tree::new(&[".nightscribe.toml", "a/.nightscribe.toml", "a/x.mp3"]);
        for end in ["", ".", "./", "/"] {
            let root = PathBuf::from(format!("{}/{end}", tree.root().display()));
            let names = tree.names(|walk| walk.root = &root);
            assert_eq!(names, ["rules of ", "rules of a", "a/x.mp3"], "{end}");
        }
        assert_eq!(
            below(Path::new("/"), Path::new("/a/b.mp3")),
            Path::new("a/b.mp3")
        );
    }

    #[test]
    fn odd_names_are_names() {
        let tree = Tree::new(&["new\nline.mp3", &format!("{}.mp3", "n".repeat(251))]);
        tree.write(OsStr::from_bytes(b"not\xffutf8.mp3"));
        assert_eq!(tree.names(|_| ()).len(), 3);
    }

    #[test]
    fn globs_see_names_that_are_no_utf_8_or_have_several_lines() {
        let tree = Tree::new(&["a/new\nline.mp3"]);
        tree.write(OsStr::from_bytes(b"a/not\xffutf8.mp3"));
        let include = globs(&["**/*.mp3"]);
        assert_eq!(tree.names(|walk| walk.include = Some(&include)).len(), 2);
        let exclude = globs(&["**/*.mp3"]);
        assert!(tree.names(|walk| walk.exclude = &exclude).is_empty());
    }

    #[test]
    fn a_folder_that_cannot_be_read_is_reported_and_the_walk_goes_on() {
        let tree = Tree::new(&["a.mp3", "b/x.mp3", "c.mp3"]);
        let mut found = walk(Walk {
            root: tree.root(),
            include: None,
            exclude: &NOTHING,
            settle: Duration::ZERO,
            skip: &[],
            now: Timestamp::MAX,
        })
        .unwrap();
        assert!(
            matches!(found.next(), Some(Found::Recording { path, .. }) if path == tree.root().join("a.mp3"))
        );
        // Unreadable even for root, who may read any folder that is there.
        fs::remove_dir_all(tree.root().join("b")).unwrap();
        let Some(Found::Problem { path, message }) = found.next() else {
            panic!("the folder is not reported");
        };
        assert_eq!(path, tree.root().join("b"));
        assert!(!message.is_empty() && !message.contains(&*path.to_string_lossy()));
        assert!(
            matches!(found.next(), Some(Found::Recording { path, .. }) if path == tree.root().join("c.mp3"))
        );
        assert_eq!(found.next(), None);
    }

    #[test]
    fn deep_folders_are_walked_to_the_end() {
        let deep = format!("{}x.mp3", "d/".repeat(500));
        assert_eq!(Tree::new(&[&deep]).names(|_| ()), [deep]);
    }

    #[test]
    fn a_file_is_taken_when_it_stood_still() {
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
    fn a_file_that_was_changed_says_when_it_will_stand_still() {
        let tree = Tree::new(&["a.mp3"]);
        let found = walk(Walk {
            root: tree.root(),
            include: None,
            exclude: &NOTHING,
            settle: Duration::from_secs(30),
            skip: &[],
            now: Timestamp::from_millis(1_010_000),
        });
        let expected = Found::Unsettled {
            path: tree.root().join("a.mp3"),
            settles: Timestamp::from_millis(1_030_000),
        };
        assert_eq!(found.unwrap().collect::<Vec<_>>(), [expected]);
    }

    #[test]
    fn a_file_dated_in_the_future_settles_by_when_it_was_put_there() {
        let tree = Tree::new(&["a.mp3"]);
        let now = SystemTime::now() + Duration::from_secs(60);
        tree.date(OsStr::new("a.mp3"), now + Duration::from_secs(86_400));
        assert_eq!(tree.names(|walk| walk.now = now.into()), ["a.mp3"]);
    }

    #[test]
    fn an_empty_folder_is_no_error_and_a_missing_one_is() {
        assert!(Tree::new(&[]).names(|_| ()).is_empty());
        let missing = Walk {
            root: Path::new("/nowhere/at/all"),
            include: None,
            exclude: &NOTHING,
            settle: Duration::ZERO,
            skip: &[],
            now: Timestamp::MAX,
        };
        assert!(walk(missing).is_err());
    }
}
