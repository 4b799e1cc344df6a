//! Whether the sources' folders are there, asked beside the view: a dead share answers never, and must not stop it.

use crate::config::Source;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Between two questions.
const EVERY: Duration = Duration::from_secs(5);
/// What does not answer within this is not there.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// The last answers, by the name of the source.
#[derive(Debug, Clone, Default)]
pub(super) struct Presence(Arc<Mutex<BTreeMap<String, bool>>>);

impl Presence {
    /// Asks for each source, from now on as long as the process lives. What was not asked yet counts as there.
    pub(super) fn follow(sources: &[Source]) -> Self {
        let presence = Self::default();
        for source in sources {
            presence.set(&source.name, true);
            let (name, path) = (source.name.clone(), source.path.clone());
            tokio::spawn(presence.clone().ask(name, path));
        }
        presence
    }

    /// The answers now. Sources that are not named are not configured.
    pub(super) fn answers(&self) -> BTreeMap<String, bool> {
        self.lock().clone()
    }

    /// One question at a time for each source.
    async fn ask(self, name: String, path: PathBuf) {
        loop {
            let path = path.clone();
            let mut asked = tokio::task::spawn_blocking(move || path.is_dir());
            let answer = match tokio::time::timeout(ANSWER_WITHIN, &mut asked).await {
                Ok(answer) => answer,
                Err(_) => {
                    self.set(&name, false);
                    asked.await
                }
            };
            self.set(&name, answer.unwrap_or(false));
            tokio::time::sleep(EVERY).await;
        }
    }

    fn set(&self, name: &str, is_there: bool) {
        self.lock().insert(name.to_owned(), is_there);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, bool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
