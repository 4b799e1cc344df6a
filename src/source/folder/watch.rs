//! Watches on the folders of sources. Network shares are not watched, as they deliver no events. Changes without an
//! event are found by the next regular scan.

use crate::config::Config;
use crate::disk::share::is_share;
use crate::domain::Timestamp;
use crate::policy::rescan::{FileChange, RescanSchedule};
use crate::runtime::clock::Clock;
use crate::source::folder::events::{EventEffect, SourceFolder, WatchRefused};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Number of source folders that are compared without a thread for it. A look-up on a local disk takes about a microsecond.
const MAX_COMPARED_INLINE: usize = 100;

/// State shared by the daemon and the thread that receives events.
pub(crate) struct WatchState {
    pending: Mutex<PendingChanges>,
    /// Wakes the daemon when a scan or a new watch is due sooner.
    pub(crate) changed: Notify,
    clock: Arc<dyn Clock>,
}

/// Scans and watches that events made necessary.
struct PendingChanges {
    /// Scan trigger of each source, in the order of the configuration.
    sources: Vec<RescanSchedule>,
    /// New folders that are not watched yet, each with the index of its source.
    new_folders: Vec<(usize, PathBuf)>,
    /// Whether events were lost, so that every folder has to be watched again.
    events_lost: bool,
}

impl WatchState {
    pub(crate) fn new(config: &Config, clock: Arc<dyn Clock>) -> Self {
        let every = config.schedule.scan_every;
        let sources = config.sources.iter();
        Self {
            pending: Mutex::new(PendingChanges {
                sources: sources
                    .map(|source| RescanSchedule::new(every, source.settle))
                    .collect(),
                new_folders: Vec::new(),
                events_lost: false,
            }),
            changed: Notify::new(),
            clock,
        }
    }

    /// Runs `change` on the scan trigger of the source with index `source`.
    pub(crate) fn with_trigger<T>(
        &self,
        source: usize,
        change: impl FnOnce(&mut RescanSchedule) -> T,
    ) -> T {
        change(&mut self.pending().sources[source])
    }

    /// Requests a scan of a source.
    fn request_scan(&self, source: usize) {
        let now = self.clock.now();
        self.with_trigger(source, |trigger| {
            trigger.record_change(FileChange::Appeared, now)
        });
    }

    fn pending(&self) -> MutexGuard<'_, PendingChanges> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records an event. Wakes the daemon only if its next wake-up would be too late.
    fn handle_event(&self, roots: &[SourceFolder], event: notify::Result<Event>) {
        let event = event.ok().filter(|event| !event.need_rescan());
        let mut pending = self.pending();
        let wake = match event {
            Some(event) => {
                let now = self.clock.now();
                let mut wake = false;
                for meaning in roots.iter().filter_map(|root| root.interpret(&event, now)) {
                    wake |= pending.apply(meaning, now);
                }
                wake
            }
            None => !std::mem::replace(&mut pending.events_lost, true),
        };
        drop(pending);
        if wake {
            self.changed.notify_one();
        }
    }
}

impl PendingChanges {
    /// Records the meaning of an event. Returns whether a scan or a watch is now due sooner.
    fn apply(&mut self, meaning: EventEffect, now: Timestamp) -> bool {
        let trigger = &mut self.sources[meaning.source];
        let before = trigger.due_at();
        trigger.record_change(meaning.sign, now);
        let is_sooner = trigger.due_at() < before;
        let is_folder = meaning.folder.is_some();
        let folder = meaning.folder.map(|folder| (meaning.source, folder));
        self.new_folders.extend(folder);
        is_sooner || is_folder
    }
}

/// Folder watches of a run.
pub(crate) struct FolderWatch {
    shared: Arc<WatchState>,
    config: Arc<Config>,
    /// Device and inode of each source's folder when the watches were last set up. `None` before the first time.
    identities: Option<Vec<Option<(u64, u64)>>>,
    roots: Vec<SourceFolder>,
    /// Whether all folders are on local disks, so that looking at them does not wait for another machine.
    is_local: bool,
    watcher: Option<RecommendedWatcher>,
}

impl FolderWatch {
    /// Creates it without watches.
    pub(crate) const fn new(shared: Arc<WatchState>, config: Arc<Config>) -> Self {
        Self {
            shared,
            config,
            identities: None,
            roots: Vec::new(),
            is_local: false,
            watcher: None,
        }
    }

    /// Whether the watches are known to be up to date, so that [`refresh`](Self::refresh) would change nothing. Does not wait for
    /// another machine: it is `false` if a folder is on a share, or missing.
    pub(crate) fn is_current(&self) -> bool {
        let is_quick = self.is_local && self.config.sources.len() <= MAX_COMPARED_INLINE;
        let has_changes = {
            let pending = self.shared.pending();
            pending.events_lost || !pending.new_folders.is_empty()
        };
        is_quick && !has_changes && self.identities == Some(self.identities_now())
    }

    fn identities_now(&self) -> Vec<Option<(u64, u64)>> {
        let sources = self.config.sources.iter();
        sources.map(|source| identity(&source.path)).collect()
    }

    /// Brings the watches up to date. Returns the sources that cannot be watched. Blocks.
    ///
    /// New folders are added. Every folder is watched again if a source's folder appeared, disappeared or was replaced,
    /// or if events were lost. The affected sources are then due for a scan, as events may have been missed in between.
    pub(crate) fn refresh(&mut self) -> Vec<WatchRefused> {
        let identities = Some(self.identities_now());
        let (new_folders, events_lost) = {
            let mut pending = self.shared.pending();
            (
                std::mem::take(&mut pending.new_folders),
                std::mem::take(&mut pending.events_lost),
            )
        };
        if identities == self.identities && !events_lost {
            return self.watch_new(new_folders);
        }
        self.identities = identities;
        self.watch_all()
    }

    fn watch_new(&mut self, folders: Vec<(usize, PathBuf)>) -> Vec<WatchRefused> {
        let Some(watcher) = &mut self.watcher else {
            return Vec::new();
        };
        let mut refused = Vec::new();
        for (source, folder) in folders {
            let Some(root) = self.roots.iter().find(|root| root.source == source) else {
                continue;
            };
            let watched = root.watch(&folder, |path| watch(watcher, path));
            refused.extend(watched.err());
            // Files put there before the watch began caused no event.
            self.shared.request_scan(source);
        }
        refused
    }

    fn watch_all(&mut self) -> Vec<WatchRefused> {
        // Drops the old watches: their folders may have been renamed since.
        self.watcher = None;
        let sources = 0..self.config.sources.len();
        sources
            .clone()
            .for_each(|source| self.shared.request_scan(source));
        self.roots = sources
            .filter_map(|source| SourceFolder::find(&self.config, source))
            .filter(|root| !is_share(&root.path).unwrap_or(true))
            .collect();
        self.is_local = self.roots.len() == self.config.sources.len();
        if self.roots.is_empty() {
            return Vec::new();
        }
        let (shared, roots) = (self.shared.clone(), self.roots.clone());
        let mut watcher =
            match notify::recommended_watcher(move |event| shared.handle_event(&roots, event)) {
                Ok(watcher) => watcher,
                Err(error) => return self.roots.iter().map(|root| root.refused(&error)).collect(),
            };
        let roots = self.roots.iter();
        let watched = roots.map(|root| root.watch(&root.path, |path| watch(&mut watcher, path)));
        let refused = watched.filter_map(Result::err).collect();
        self.watcher = Some(watcher);
        refused
    }
}

fn watch(watcher: &mut RecommendedWatcher, folder: &Path) -> notify::Result<()> {
    watcher.watch(folder, RecursiveMode::NonRecursive)
}

/// Returns the device and inode of `folder`, which identify it under any name.
fn identity(folder: &Path) -> Option<(u64, u64)> {
    let found = folder.metadata().ok()?;
    found.is_dir().then(|| (found.dev(), found.ino()))
}
