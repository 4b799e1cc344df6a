//! Entries of a walk in path order: the files that the filters select, folder rules, and what cannot be read.

use super::options::{RULES_FILE, SKIP_MARKER, WalkItem, WalkOptions};
use crate::domain::container::is_recording;
use crate::source::folder::default_excludes::{is_excluded_file, is_excluded_folder, is_hidden};
use crate::source::folder::left_out::LeftOut;
use crate::source::folder::links::FollowedLinks;
use crate::source::folder::selection::relative_to;
use std::cell::RefCell;
use std::cmp::Ordering;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use walkdir::{DirEntry, FilterEntry, IntoIter, WalkDir};

/// One entry of a walk.
pub(super) enum Entry {
    /// A file that the filters select.
    File(FileEntry),
    /// A folder with rules, or what cannot be read.
    Item(WalkItem),
}

/// A file that the filters select.
pub(super) struct FileEntry {
    pub(super) entry: DirEntry,
    /// Whether the folder lists a name that may be that of its control file.
    pub(super) may_have_control_file: bool,
}

/// Decides whether the walk enters a folder or returns a file.
type EntryFilter<'a> = Box<dyn FnMut(&DirEntry) -> bool + 'a>;
type Listed = Result<DirEntry, walkdir::Error>;

/// Iterator over the entries of a walk.
pub(super) struct Entries<'a> {
    listed: FilterEntry<IntoIter, EntryFilter<'a>>,
    /// The entry after the last returned file.
    peeked: Option<Listed>,
    walk: WalkOptions<'a>,
    /// Shared with the filter of folders.
    left_out: Rc<RefCell<LeftOut>>,
}

impl<'a> Entries<'a> {
    /// Starts a walk.
    ///
    /// # Errors
    /// Returns an error if the root cannot be read.
    pub(super) fn new(walk: WalkOptions<'a>) -> io::Result<Self> {
        std::fs::read_dir(walk.root)?;
        let mut skip = resolve_skipped(&walk)?;
        let links = walk
            .follow_links
            .then(|| FollowedLinks::new(walk.root, walk.skip));
        let mut links = links.transpose()?;
        let entries = WalkDir::new(walk.root)
            .follow_links(walk.follow_links)
            .sort_by(path_order);
        let left_out = Rc::new(RefCell::new(LeftOut::default()));
        let excluded = left_out.clone();
        let wanted: EntryFilter<'_> = Box::new(move |entry| {
            if entry.depth() == 0 {
                return true;
            }
            if is_hidden(file_name(entry)) {
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
            let followed = links.as_mut().and_then(|links| links.follow(entry.path()));
            excluded.borrow_mut().links += u64::from(followed.is_none());
            followed.map(|behind| skip.extend(behind)).is_some()
        });
        Ok(Self {
            listed: entries.into_iter().filter_entry(wanted),
            peeked: None,
            walk,
            left_out,
        })
    }

    /// Counts of what was passed over so far.
    pub(super) const fn left_out(&self) -> &Rc<RefCell<LeftOut>> {
        &self.left_out
    }

    /// Skips the rest of the folder of the last entry, which must be its rules.
    pub(super) fn skip_folder(&mut self) {
        self.listed.skip_current_dir();
    }

    fn on_marker(&mut self, entry: &DirEntry) -> Option<Entry> {
        if is_named(SKIP_MARKER, entry) {
            self.skip_folder();
            return None;
        }
        let folder = relative_to(self.walk.root, entry.path()).parent()?;
        Some(Entry::Item(WalkItem::Rules {
            folder: folder.to_owned(),
        }))
    }

    /// Returns a file that the filters select. In path order, only names that begin with that of a file are between it and
    /// its control file.
    fn file(&mut self, entry: DirEntry) -> Entry {
        self.peeked = self.listed.next();
        let may_have_control_file = match &self.peeked {
            None => false,
            Some(Ok(next)) => path_bytes(next).starts_with(path_bytes(&entry)),
            Some(Err(_)) => true,
        };
        Entry::File(FileEntry {
            entry,
            may_have_control_file,
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
}

impl Iterator for Entries<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        loop {
            let listed = self.peeked.take().or_else(|| self.listed.next())?;
            let found = match listed {
                Ok(entry) if entry.depth() > 0 && is_marker(&entry) => self.on_marker(&entry),
                Ok(entry) if self.is_wanted(&entry) => Some(self.file(entry)),
                Ok(_passed_over) => None,
                Err(error) if self.is_useless_link(&error) => {
                    self.left_out.borrow_mut().links += 1;
                    None
                }
                Err(error) => Some(Entry::Item(problem(&self.walk, &error))),
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

/// Returns the last name of the path, which has no `/` at its end. Splitting a path into its components takes several times
/// as long.
fn file_name(entry: &DirEntry) -> &OsStr {
    let path = path_bytes(entry);
    let start = path.iter().rposition(|&byte| byte == b'/');
    OsStr::from_bytes(&path[start.map_or(0, |slash| slash + 1)..])
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
        true => is_excluded_folder(file_name(entry)),
        false => is_excluded_file(file_name(entry)),
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
