//! The sources that may be submitted from.

use crate::config::Config;
use crate::domain::JobId;
use crate::store::sqlite::queue::ReachableSources;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The sources that may be submitted from, according to the last scan of each.
#[derive(Debug)]
pub struct Reach {
    /// Names of the sources in the configuration. URLs of them may be submitted at any time.
    configured: Vec<String>,
    /// The only jobs that may be submitted. `None` allows all.
    only: Option<Vec<JobId>>,
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Sources whose files may be submitted, unless they are compared.
    present: BTreeSet<String>,
    /// Number of comparisons of each source that have not ended.
    comparing: BTreeMap<String, usize>,
    /// Sources whose first scan in this run has ended.
    scanned: BTreeSet<String>,
}

impl Reach {
    /// Starts with URLs alone. Only jobs in `only` may be submitted, if it is given.
    #[must_use]
    pub fn new(config: &Config, only: Option<Vec<JobId>>) -> Self {
        let sources = config.sources.iter();
        Self {
            configured: sources.map(|source| source.name.clone()).collect(),
            only,
            state: RwLock::default(),
        }
    }

    /// Returns the sources within reach. Files of a source wait while it is compared.
    pub fn sources(&self) -> ReachableSources {
        let state = self.read();
        let present = state.present.iter();
        let present = present.filter(|source| !state.comparing.contains_key(*source));
        ReachableSources {
            configured: self.configured.clone(),
            present: present.cloned().collect(),
            only: self.only.clone(),
        }
    }

    /// Records whether files of `source` may be submitted.
    pub fn set(&self, source: &str, is_present: bool) {
        let present = &mut self.write().present;
        match is_present {
            true => present.insert(source.to_owned()),
            false => present.remove(source),
        };
    }

    /// Takes a source out of reach until its comparison ends.
    pub fn begin_comparison(&self, source: &str) {
        *self.write().comparing.entry(source.to_owned()).or_default() += 1;
    }

    /// Ends a comparison that was begun.
    pub fn end_comparison(&self, source: &str) {
        let comparing = &mut self.write().comparing;
        if let Some(count) = comparing.get_mut(source) {
            *count -= 1;
            if *count == 0 {
                comparing.remove(source);
            }
        }
    }

    /// Whether a source is being compared.
    #[must_use]
    pub fn is_comparing(&self) -> bool {
        !self.read().comparing.is_empty()
    }

    /// Records that the first scan of a source has ended. A comparison that it needs has begun.
    pub fn record_first_scan(&self, source: &str) {
        self.write().scanned.insert(source.to_owned());
    }

    /// Whether the first scan of a source is still to end.
    #[must_use]
    pub fn is_first_scan(&self, source: &str) -> bool {
        !self.read().scanned.contains(source)
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}
