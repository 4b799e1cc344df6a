//! The sources that may be submitted from.

use crate::config::Config;
use crate::store::sqlite::queue::ReachableSources;
use std::sync::{PoisonError, RwLock};

/// The sources that may be submitted from, according to the last scan of each.
#[derive(Debug, Default)]
pub struct Reach(RwLock<ReachableSources>);

impl Reach {
    /// Returns the sources within reach.
    pub fn sources(&self) -> ReachableSources {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Records whether the folder of `source` is present. Files of a missing folder are not submitted; URLs of any
    /// configured source are.
    pub fn set(&self, config: &Config, source: &str, is_present: bool) {
        let mut reach = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let configured = config.sources.iter();
        reach.configured = configured.map(|source| source.name.clone()).collect();
        reach.present.retain(|name| name != source);
        if is_present {
            reach.present.push(source.to_owned());
        }
    }
}
