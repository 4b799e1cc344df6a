//! Background check of the source folders. An unresponsive network share must not block the view.

use crate::config::SourceConfig;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Interval between two checks.
const EVERY: Duration = Duration::from_secs(5);
/// Time after which an unresponsive folder counts as missing.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// Latest result for each source, by name. `true` means that the folder exists.
#[derive(Debug, Clone, Default)]
pub(super) struct FolderStatus(Arc<Mutex<BTreeMap<String, bool>>>);

impl FolderStatus {
    /// Starts one task per source, which checks its folder until the process exits.
    ///
    /// A folder counts as existing until its first check.
    pub(super) fn start(sources: &[SourceConfig]) -> Self {
        let status = Self::default();
        for source in sources {
            status.set(&source.name, true);
            let (name, path) = (source.name.clone(), source.path.clone());
            tokio::spawn(status.clone().check(name, path));
        }
        status
    }

    /// Returns the latest results. Sources without a result are not configured.
    pub(super) fn snapshot(&self) -> BTreeMap<String, bool> {
        self.lock().clone()
    }

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
