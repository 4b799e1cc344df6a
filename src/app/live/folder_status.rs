//! Background check of the source folders. An unresponsive network share must not block the view.

use crate::config::SourceConfig;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;

/// Interval between two checks.
const EVERY: Duration = Duration::from_secs(5);
/// Time after which an unresponsive folder counts as missing.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// Checks of the folders, one task per source. They end when it is dropped.
pub(super) struct FolderStatus {
    results: Results,
    _checks: JoinSet<()>,
}

impl FolderStatus {
    /// Starts the checks. A folder counts as existing until its first check.
    pub(super) fn start(sources: &[SourceConfig]) -> Self {
        let (results, mut checks) = (Results::default(), JoinSet::new());
        for source in sources {
            results.set(&source.name, true);
            let (name, path) = (source.name.clone(), source.path.clone());
            checks.spawn(results.clone().check(name, path));
        }
        Self {
            results,
            _checks: checks,
        }
    }

    /// Returns the latest results. Sources without a result are not configured.
    pub(super) fn snapshot(&self) -> BTreeMap<String, bool> {
        self.results.lock().clone()
    }
}

/// Latest result for each source, by name. `true` means that the folder exists.
#[derive(Debug, Clone, Default)]
struct Results(Arc<Mutex<BTreeMap<String, bool>>>);

impl Results {
    /// Checks one folder repeatedly. A check that hangs is awaited, not started again.
    async fn check(self, name: String, path: PathBuf) {
        loop {
            let path = path.clone();
            let mut check = tokio::task::spawn_blocking(move || path.is_dir());
            let result = match tokio::time::timeout(ANSWER_WITHIN, &mut check).await {
                Ok(result) => result,
                Err(_) => {
                    self.set(&name, false);
                    check.await
                }
            };
            self.set(&name, result.unwrap_or(false));
            tokio::time::sleep(EVERY).await;
        }
    }

    fn set(&self, name: &str, exists: bool) {
        self.lock().insert(name.to_owned(), exists);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, bool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
