//! Directory walk over the recordings of a source, in path order.

mod entries;
mod lookups;
mod options;
mod settle;
#[cfg(test)]
mod tests;

use crate::domain::Timestamp;
use crate::source::folder::left_out::LeftOut;
use crate::source::folder::open_files::OpenFiles;
use entries::{Entries, Entry};
use lookups::{BATCH, FoundFile, Lookups, Pending};
pub use options::{RULES_FILE, SKIP_MARKER, WalkItem, WalkOptions};
use settle::settle_time;
use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};
use std::vec;

/// Age of the last change from which a file is not searched among the open files. A recorder may pause for days.
const LONG_UNCHANGED: Duration = Duration::from_secs(7 * 86_400);
/// Age from which the snapshot of the open files is taken again.
const MAX_SNAPSHOT_AGE: Duration = Duration::from_secs(2);
/// Minimum time until an open file is looked at again.
const OPEN_RETRY: Duration = Duration::from_secs(1);

/// Walks `walk.root` in the byte order of the paths.
///
/// Skips hidden files and folders, and anything that is not a regular file. Skips symbolic links as well, unless they are
/// followed. A folder that cannot be read is returned as [`WalkItem::Unreadable`], and the walk continues.
///
/// The names are read on this thread, and further than the item that is returned. The metadata is looked up on others
/// meanwhile.
///
/// # Errors
/// Returns an error if the root cannot be read.
pub fn walk(walk: WalkOptions<'_>) -> io::Result<WalkIter<'_>> {
    let recent_after = walk.now.before(LONG_UNCHANGED);
    Ok(WalkIter {
        entries: Entries::new(walk)?,
        lookups: Lookups::new(
            walk.max_lookups,
            walk.default_excludes.then_some(recent_after),
        ),
        ahead: VecDeque::new(),
        found: Vec::new().into_iter(),
        recent_after,
        open_files: None,
        walk,
    })
}

/// Iterator over the items of a walk.
pub struct WalkIter<'a> {
    walk: WalkOptions<'a>,
    entries: Entries<'a>,
    lookups: Lookups,
    /// Items that were read ahead, in path order.
    ahead: VecDeque<Step>,
    /// Files that were looked up. They precede `ahead`.
    found: vec::IntoIter<FoundFile>,
    /// Change time after which a file is searched among the open files.
    recent_after: Timestamp,
    /// Files that are open for writing, and when they were listed.
    open_files: Option<(OpenFiles, Instant)>,
}

/// A part of a walk.
enum Step {
    /// Files that are looked up.
    Files(Pending),
    /// An item that needs no look-up.
    Item(WalkItem),
}

impl WalkIter<'_> {
    /// Returns the counts of what was passed over so far.
    #[must_use]
    pub fn left_out(&self) -> LeftOut {
        self.entries.left_out().borrow().clone()
    }

    /// Skips the rest of the folder of the last [`WalkItem::Rules`].
    pub fn skip_folder(&mut self) {
        self.entries.skip_folder();
    }

    /// Reads names until enough files are being looked up. Reads nothing behind folder rules, because the caller may skip
    /// their folder.
    fn read_ahead(&mut self) {
        while self.ahead.len() < self.lookups.depth()
            && !matches!(self.ahead.back(), Some(Step::Item(WalkItem::Rules { .. })))
        {
            let mut files = Vec::with_capacity(BATCH);
            let item = loop {
                match self.entries.next() {
                    Some(Entry::File(file)) => files.push(file),
                    Some(Entry::Item(item)) => break Some(item),
                    None => break None,
                }
                if files.len() == BATCH {
                    break None;
                }
            };
            let is_full = files.len() == BATCH;
            if !files.is_empty() {
                // A small folder is not worth a thread.
                let pending = match is_full || !self.ahead.is_empty() {
                    true => self.lookups.start(files),
                    false => self.lookups.run(files),
                };
                self.ahead.push_back(Step::Files(pending));
            }
            if item.is_none() && !is_full {
                return;
            }
            self.ahead.extend(item.map(Step::Item));
        }
    }

    /// Returns the item for a file, or `None` if it is excluded.
    fn inspect(&mut self, file: FoundFile) -> Option<WalkItem> {
        let path = file.path;
        let stat = match file.stat {
            Ok(stat) => stat,
            Err(message) => return Some(WalkItem::Unreadable { path, message }),
        };
        if file.has_control_file {
            self.entries.left_out().borrow_mut().by_default += 1;
            return None;
        }
        let WalkOptions { settle, now, .. } = self.walk;
        let mut settles_at = settle_time(settle, now, stat.revision.modified, stat.changed);
        if settles_at <= now && stat.changed > self.recent_after && self.is_open(stat.identity) {
            settles_at = now.after(settle.max(OPEN_RETRY));
        }
        Some(match settles_at <= now {
            true => WalkItem::Recording {
                path,
                fingerprint: stat.revision,
            },
            false => WalkItem::Unsettled { path, settles_at },
        })
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
            while let Some(file) = self.found.next() {
                let item = self.inspect(file);
                if item.is_some() {
                    return item;
                }
            }
            self.read_ahead();
            match self.ahead.pop_front()? {
                Step::Item(item) => return Some(item),
                Step::Files(pending) => self.found = self.lookups.wait(pending).into_iter(),
            }
        }
    }
}
