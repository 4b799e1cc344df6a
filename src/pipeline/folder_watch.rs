//! What happens in the folders of sources, as the system tells it. A share of another machine tells nothing; what
//! events miss is found by the next regular look.

use super::clock::Clock;
use super::source_folder::{Meaning, Refused, SourceFolder};
use crate::config::Config;
use crate::disk::share::is_share;
use crate::domain::Timestamp;
use crate::policy::noticing::{Noticing, Sign};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// What the daemon and the thread that hears of events share.
pub(super) struct Heard {
    state: Mutex<State>,
    /// Something happened that asks for a look, or for a new watch.
    pub(super) changed: Notify,
    clock: Arc<dyn Clock>,
}

struct State {
    /// By source, in the order of the configuration.
    sources: Vec<Noticing>,
    /// Folders that appeared, each with its source.
    folders: Vec<(usize, PathBuf)>,
    /// Events were lost: every folder must be watched anew.
    lost: bool,
}

impl Heard {
    pub(super) fn new(config: &Config, clock: Arc<dyn Clock>) -> Self {
        let every = config.schedule.scan_every;
        let sources = config.sources.iter();
        Self {
            state: Mutex::new(State {
                sources: sources
                    .map(|source| Noticing::new(every, source.settle))
                    .collect(),
                folders: Vec::new(),
                lost: false,
            }),
            changed: Notify::new(),
            clock,
        }
    }

    /// What is known of one source, to be changed.
    pub(super) fn source<T>(&self, source: usize, change: impl FnOnce(&mut Noticing) -> T) -> T {
        change(&mut self.state().sources[source])
    }

    fn appeared(&self, source: usize) {
        let now = self.clock.now();
        self.source(source, |source| source.saw(Sign::Appeared, now));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the daemon only for what it would not wake up for in time.
    fn hear(&self, roots: &[SourceFolder], event: notify::Result<Event>) {
        let event = event.ok().filter(|event| !event.need_rescan());
        let mut state = self.state();
        let is_news = match event {
            Some(event) => {
                let now = self.clock.now();
                let mut is_news = false;
                for meaning in roots.iter().filter_map(|root| root.meaning(&event, now)) {
                    is_news |= state.take_in(meaning, now);
                }
                is_news
            }
            None => !std::mem::replace(&mut state.lost, true),
        };
        drop(state);
        if is_news {
            self.changed.notify_one();
        }
    }
}

impl State {
    /// Whether a look or a watch is due sooner than before.
    fn take_in(&mut self, meaning: Meaning, now: Timestamp) -> bool {
        let source = &mut self.sources[meaning.source];
        let before = source.due();
        source.saw(meaning.sign, now);
        let is_sooner = source.due() < before;
        let is_folder = meaning.folder.is_some();
        let folder = meaning.folder.map(|folder| (meaning.source, folder));
        self.folders.extend(folder);
        is_sooner || is_folder
    }
}

/// The watches of a run.
pub(super) struct FolderWatch {
    heard: Arc<Heard>,
    config: Arc<Config>,
    /// Of each source, what was there when all was watched last; `None` before.
    identities: Option<Vec<Option<(u64, u64)>>>,
    roots: Vec<SourceFolder>,
    watcher: Option<RecommendedWatcher>,
}

impl FolderWatch {
    /// Watches nothing yet.
    pub(super) const fn new(heard: Arc<Heard>, config: Arc<Config>) -> Self {
        Self {
            heard,
            config,
            identities: None,
            roots: Vec::new(),
            watcher: None,
        }
    }

    /// Watches what is not watched yet: folders that appeared, and everything anew where the folder of a source came,
    /// went or is another one, or where events were lost; each is then looked through, as nobody knows what happened
    /// meanwhile. Blocks.
    pub(super) fn attend(&mut self) -> Vec<Refused> {
        let sources = self.config.sources.iter();
        let identities = Some(sources.map(|source| identity(&source.path)).collect());
        let (folders, lost) = {
            let mut state = self.heard.state();
            (
                std::mem::take(&mut state.folders),
                std::mem::take(&mut state.lost),
            )
        };
        if identities == self.identities && !lost {
            return self.watch_new(folders);
        }
        self.identities = identities;
        self.watch_all()
    }

    fn watch_new(&mut self, folders: Vec<(usize, PathBuf)>) -> Vec<Refused> {
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
            // What was put there before is seen by a look only.
            self.heard.appeared(source);
        }
        refused
    }

    fn watch_all(&mut self) -> Vec<Refused> {
        // What the old one watches may have other names by now.
        self.watcher = None;
        let sources = 0..self.config.sources.len();
        sources
            .clone()
            .for_each(|source| self.heard.appeared(source));
        self.roots = sources
            .filter_map(|source| SourceFolder::find(&self.config, source))
            .filter(|root| !is_share(&root.path).unwrap_or(true))
            .collect();
        if self.roots.is_empty() {
            return Vec::new();
        }
        let (heard, roots) = (self.heard.clone(), self.roots.clone());
        let mut watcher = match notify::recommended_watcher(move |event| heard.hear(&roots, event))
        {
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

/// Device and inode of the folder that is there now, whatever it is called.
fn identity(folder: &Path) -> Option<(u64, u64)> {
    let found = folder.metadata().ok()?;
    found.is_dir().then(|| (found.dev(), found.ino()))
}
