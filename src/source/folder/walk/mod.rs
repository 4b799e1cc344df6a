//! Directory walk over the recordings of a source, in path order.

mod settle;
#[cfg(test)]
mod tests;

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
use crate::source::folder::selection::relative_to;
use settle::{settle_time, stat};
use std::cell::RefCell;
use std::cmp::Ordering;
use std::io;
use std::os::unix::ffi::OsStrExt;
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
        let mut settles_at = settle_time(
            self.walk.settle,
            self.walk.now,
            fingerprint.modified,
            changed,
        );
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
