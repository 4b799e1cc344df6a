//! Directory walk over the recordings of a source, in path order.

use crate::config::SourceConfig;
use crate::config::patterns::PathPatterns;
use crate::domain::Revision;
use crate::domain::Timestamp;
use crate::domain::container::is_recording;
use crate::source::folder::default_excludes::{
    control_file, is_excluded_file, is_excluded_folder, is_hidden,
};
use crate::source::folder::left_out::LeftOut;
use crate::source::folder::links::FollowedLinks;
use crate::source::folder::open_files::OpenFiles;
use std::cell::RefCell;
use std::cmp::Ordering;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};
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
    /// Patterns of the files to include. `None` includes every file with the extension of a recording.
    pub include: Option<&'a PathPatterns>,
    /// Patterns of the files and folders to exclude.
    pub exclude: &'a PathPatterns,
    /// Whether unfinished files, trash and thumbnails are excluded.
    pub default_excludes: bool,
    /// Whether symbolic links below the root are followed.
    pub follow_links: bool,
    /// Time for which a file must be unchanged.
    pub settle: Duration,
    /// Folders that are not walked.
    pub skip: &'a [PathBuf],
    /// Current time.
    pub now: Timestamp,
}

impl<'a> WalkOptions<'a> {
    /// Returns the options for the folder of a source.
    #[must_use]
    pub fn of(source: &'a SourceConfig, skip: &'a [PathBuf], now: Timestamp) -> Self {
        Self {
            root: &source.path,
            include: source.include.as_ref(),
            exclude: &source.exclude,
            default_excludes: source.default_excludes,
            follow_links: source.follow_links,
            settle: source.settle,
            skip,
            now,
        }
    }
}

/// Age of the last change from which a file is not searched among the open files. A recorder may pause for days.
const LONG_UNCHANGED: Duration = Duration::from_secs(7 * 86_400);
/// Age from which the snapshot of the open files is taken again.
const MAX_SNAPSHOT_AGE: Duration = Duration::from_secs(2);
/// Minimum time until an open file is looked at again.
const OPEN_RETRY: Duration = Duration::from_secs(1);

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
    /// A recording that was changed within the settle time, or is open for writing.
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
/// Skips hidden files and folders, and anything that is not a regular file. Skips symbolic links as well, unless they are
/// followed. A folder that cannot be read is returned as [`WalkItem::Unreadable`], and the walk continues.
///
/// # Errors
/// Returns an error if the root cannot be read.
pub fn walk(walk: WalkOptions<'_>) -> io::Result<WalkIter<'_>> {
    std::fs::read_dir(walk.root)?;
    let mut skip = resolve_skipped(&walk)?;
    let mut links = FollowedLinks::new(walk.root, walk.skip)?;
    let entries = WalkDir::new(walk.root)
        .follow_links(walk.follow_links)
        .sort_by(path_order);
    let left_out = Rc::new(RefCell::new(LeftOut::default()));
    let excluded = left_out.clone();
    let wanted: EntryFilter<'_> = Box::new(move |entry| {
        if entry.depth() == 0 {
            return true;
        }
        if is_hidden(entry.file_name()) {
            return is_marker(entry);
        }
        if !entry.file_type().is_dir() {
            return true;
        }
        if skip.iter().any(|folder| folder == entry.path())
            || is_excluded(&walk, entry, &mut excluded.borrow_mut())
        {
            return false;
        }
        if !entry.path_is_symlink() {
            return true;
        }
        let followed = links.follow(entry.path());
        excluded.borrow_mut().links += u64::from(followed.is_none());
        followed.map(|behind| skip.extend(behind)).is_some()
    });
    Ok(WalkIter {
        entries: entries.into_iter().filter_entry(wanted),
        walk,
        left_out,
        open_files: None,
    })
}

/// Decides whether the walk enters a folder or returns a file.
type EntryFilter<'a> = Box<dyn FnMut(&DirEntry) -> bool + 'a>;

/// Iterator over the items of a walk.
pub struct WalkIter<'a> {
    entries: FilterEntry<IntoIter, EntryFilter<'a>>,
    walk: WalkOptions<'a>,
    /// Shared with the filter of folders.
    left_out: Rc<RefCell<LeftOut>>,
    /// Files that are open for writing, and when they were listed.
    open_files: Option<(OpenFiles, Instant)>,
}

impl WalkIter<'_> {
    /// Returns the counts of what was passed over so far.
    #[must_use]
    pub fn left_out(&self) -> LeftOut {
        self.left_out.borrow().clone()
    }

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

impl WalkIter<'_> {
    /// Returns the item for an entry, or `None` if the filters exclude it.
    fn inspect(&mut self, entry: DirEntry) -> Option<WalkItem> {
        if !self.is_wanted(&entry) {
            return None;
        }
        let (fingerprint, changed, identity) = match stat(&entry) {
            Ok(found) => found,
            Err(message) => {
                let path = entry.into_path();
                return Some(WalkItem::Unreadable { path, message });
            }
        };
        let is_recent = changed.after(LONG_UNCHANGED) > self.walk.now;
        if is_recent && self.walk.default_excludes && control_file(entry.path()).exists() {
            self.left_out.borrow_mut().by_default += 1;
            return None;
        }
        let mut settles_at = settle_time(&self.walk, fingerprint.modified, changed);
        if settles_at <= self.walk.now && is_recent && self.is_open(identity) {
            settles_at = self.walk.now.after(self.walk.settle.max(OPEN_RETRY));
        }
        let path = entry.into_path();
        Some(match settles_at <= self.walk.now {
            true => WalkItem::Recording { path, fingerprint },
            false => WalkItem::Unsettled { path, settles_at },
        })
    }

    /// Whether the filters select an entry. Counts it otherwise.
    fn is_wanted(&self, entry: &DirEntry) -> bool {
        let relative = relative_to(self.walk.root, entry.path());
        let mut left_out = self.left_out.borrow_mut();
        if entry.file_type().is_symlink() {
            left_out.links += 1;
            return false;
        }
        if !entry.file_type().is_file() {
            return false;
        }
        let is_included = match self.walk.include {
            None => is_recording(relative),
            Some(include) => include.matches_below(relative),
        };
        if !is_included {
            match self.walk.include.is_some() && is_recording(relative) {
                true => left_out.not_included += 1,
                false => left_out.add_unknown(relative),
            }
            return false;
        }
        !is_excluded(&self.walk, entry, &mut left_out)
    }

    /// Whether the error is that of a link that leads nowhere or in circles.
    fn is_useless_link(&self, error: &walkdir::Error) -> bool {
        let leads_nowhere = || {
            let is_missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
            error.io_error().is_some_and(is_missing) && error.path().is_some_and(Path::is_symlink)
        };
        self.walk.follow_links && (error.loop_ancestor().is_some() || leads_nowhere())
    }

    /// Whether a file, by device and inode, is open for writing.
    fn is_open(&mut self, (device, inode): (u64, u64)) -> bool {
        let is_old = |(_, taken): &(_, Instant)| taken.elapsed() > MAX_SNAPSHOT_AGE;
        if self.open_files.as_ref().is_none_or(is_old) {
            self.open_files = Some((OpenFiles::snapshot(), Instant::now()));
        }
        let files = self.open_files.as_ref();
        files.is_some_and(|(files, _)| files.contains(device, inode))
    }
}

impl Iterator for WalkIter<'_> {
    type Item = WalkItem;

    fn next(&mut self) -> Option<WalkItem> {
        loop {
            let found = match self.entries.next()? {
                Ok(entry) if entry.depth() > 0 && is_marker(&entry) => self.on_marker(&entry),
                Ok(entry) => self.inspect(entry),
                Err(error) if self.is_useless_link(&error) => {
                    self.left_out.borrow_mut().links += 1;
                    None
                }
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

/// Whether a file or folder is excluded by its name or by `exclude`. Counts it then.
fn is_excluded(walk: &WalkOptions<'_>, entry: &DirEntry, left_out: &mut LeftOut) -> bool {
    let is_folder = entry.file_type().is_dir();
    let by_default = || match is_folder {
        true => is_excluded_folder(entry.file_name()),
        false => is_excluded_file(entry.file_name()),
    };
    if walk.default_excludes && by_default() {
        left_out.by_default += 1;
        return true;
    }
    let relative = relative_to(walk.root, entry.path());
    let is_excluded = walk.exclude.matches(relative, is_folder);
    left_out.excluded += u64::from(is_excluded);
    is_excluded
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

/// Whether the filters select a file by its path below the root.
#[must_use]
pub fn is_selected(
    relative: &Path,
    include: Option<&PathPatterns>,
    exclude: &PathPatterns,
    default_excludes: bool,
) -> bool {
    let is_included = include.map_or_else(
        || is_recording(relative),
        |include| include.matches_below(relative),
    );
    let by_default = || {
        let mut folders = relative.parent().into_iter().flatten();
        folders.any(is_excluded_folder) || relative.file_name().is_some_and(is_excluded_file)
    };
    is_included && !exclude.matches_below(relative) && !(default_excludes && by_default())
}

/// Returns the fingerprint, the inode change time, and the device and inode.
fn stat(entry: &DirEntry) -> Result<(Revision, Timestamp, (u64, u64)), String> {
    let metadata = entry.metadata().map_err(|error| error.to_string())?;
    let fingerprint = Revision::try_from(&metadata).map_err(|error| error.to_string())?;
    let identity = (metadata.dev(), metadata.ino());
    Ok((fingerprint, change_time(&metadata), identity))
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
///
/// The change time counts as well, because programs set the modification time of a file that they still write. A time in
/// the future would never settle.
fn settle_time(walk: &WalkOptions<'_>, modified: Timestamp, changed: Timestamp) -> Timestamp {
    let times = [modified, changed]
        .into_iter()
        .filter(|time| *time <= walk.now);
    times.max().unwrap_or(changed).after(walk.settle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::sync::LazyLock;
    use std::time::{SystemTime, UNIX_EPOCH};

    static EMPTY: LazyLock<PathPatterns> = LazyLock::new(PathPatterns::empty);

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
                default_excludes: true,
                follow_links: false,
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

    fn patterns(patterns: &[&str]) -> PathPatterns {
        PathPatterns::parse(patterns.iter().copied()).unwrap()
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
    fn patterns_include_and_exclude() {
        let tree = Tree::new(&["a.mp3", "b/c.mp3", "b/draft.mp3", "d.xyz"]);
        let (include, exclude) = (patterns(&["**/*.mp3", "*.xyz"]), patterns(&["**/draft*"]));
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
            default_excludes: true,
            follow_links: false,
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
    fn patterns_match_non_utf8_and_multiline_names() {
        let tree = Tree::new(&["a/new\nline.mp3"]);
        tree.write(OsStr::from_bytes(b"a/not\xffutf8.mp3"));
        let include = patterns(&["**/*.mp3"]);
        assert_eq!(tree.names(|walk| walk.include = Some(&include)).len(), 2);
        let exclude = patterns(&["**/*.mp3"]);
        assert!(tree.names(|walk| walk.exclude = &exclude).is_empty());
    }

    #[test]
    fn an_unreadable_folder_is_reported_and_skipped() {
        let tree = Tree::new(&["a.mp3", "b/x.mp3", "c.mp3"]);
        let mut found = walk(WalkOptions {
            root: tree.root(),
            include: None,
            exclude: &EMPTY,
            default_excludes: true,
            follow_links: false,
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
            default_excludes: true,
            follow_links: false,
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
    fn an_old_date_does_not_settle_a_file() {
        let tree = Tree::new(&["a.mp3"]);
        assert_eq!(
            tree.names(|walk| walk.now = SystemTime::now().into()),
            ["unsettled a.mp3"]
        );
        let later = SystemTime::now() + Duration::from_secs(40);
        assert_eq!(tree.names(|walk| walk.now = later.into()), ["a.mp3"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_open_file_is_not_settled() {
        let tree = Tree::new(&["a.mp3", "b.mp3"]);
        let later = SystemTime::now() + Duration::from_secs(3600);
        let names = || tree.names(|walk| walk.now = later.into());
        let recorder = fs::File::options()
            .append(true)
            .open(tree.root().join("a.mp3"))
            .unwrap();
        assert_eq!(names(), ["unsettled a.mp3", "b.mp3"]);
        drop(recorder);
        assert_eq!(names(), ["a.mp3", "b.mp3"]);
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let tree = Tree::new(&[
            "#recycle/x.mp3",
            "Archive/x.mp3",
            "a.mp3",
            "b.ds2",
            "c.f140.m4a",
            "d.mp3",
            "d.mp3.aria2",
            "e.ogg",
            "f.txt",
        ]);
        symlink(tree.root().join("a.mp3"), tree.root().join("g.mp3")).unwrap();
        let exclude = patterns(&["Archive"]);
        let options = WalkOptions {
            root: tree.root(),
            include: None,
            exclude: &exclude,
            default_excludes: true,
            follow_links: false,
            settle: Duration::ZERO,
            skip: &[],
            now: SystemTime::now().into(),
        };
        let mut walking = walk(options).unwrap();
        assert_eq!(walking.by_ref().count(), 2);
        let left_out = walking.left_out();
        assert_eq!(
            (left_out.links, left_out.excluded, left_out.by_default),
            (1, 1, 3)
        );
        assert_eq!(left_out.unknown.get("ds2"), Some(&1));
        let mut walking = walk(WalkOptions {
            default_excludes: false,
            follow_links: false,
            ..options
        })
        .unwrap();
        assert_eq!(walking.by_ref().count(), 5);
    }

    #[test]
    fn only_a_missing_root_is_an_error() {
        assert!(Tree::new(&[]).names(|_| ()).is_empty());
        let missing = WalkOptions {
            root: Path::new("/nowhere/at/all"),
            include: None,
            exclude: &EMPTY,
            default_excludes: true,
            follow_links: false,
            settle: Duration::ZERO,
            skip: &[],
            now: Timestamp::MAX,
        };
        assert!(walk(missing).is_err());
    }
}
