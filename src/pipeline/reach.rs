//! The sources that may be submitted from.

use crate::config::Config;
use crate::store::sqlite::queue::ReachableSources;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The sources that may be submitted from, according to the last scan of each.
#[derive(Debug, Default)]
pub struct Reach(RwLock<State>);

#[derive(Debug, Default)]
struct State {
    sources: ReachableSources,
    /// Number of comparisons of each source that have not ended.
    comparing: BTreeMap<String, usize>,
    /// Sources whose first scan in this run has ended.
    scanned: BTreeSet<String>,
}

impl Reach {
    /// Returns the sources within reach. Files of a source wait while it is compared.
    pub fn sources(&self) -> ReachableSources {
        let state = self.read();
        let mut sources = state.sources.clone();
        sources
            .present
            .retain(|source| !state.comparing.contains_key(source));
        sources
    }

    /// Records whether files of `source` may be submitted. URLs of any configured source may be.
    pub fn set(&self, config: &Config, source: &str, is_present: bool) {
        let reach = &mut self.write().sources;
        let configured = config.sources.iter();
        reach.configured = configured.map(|source| source.name.clone()).collect();
        reach.present.retain(|name| name != source);
        if is_present {
            reach.present.push(source.to_owned());
        }
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
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}
