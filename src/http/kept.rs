//! Values that take long to load from a large queue, kept for a while.

use crate::app::error::AppError;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// A value whose loading takes less is loaded each time.
const QUICK: Duration = Duration::from_millis(40);
/// A value is used for this many times the time that its loading took, so that loading takes 2 % of a core at most.
const USES_PER_LOADING: u32 = 50;
/// Age at which a value is not used any more.
const MAX_AGE: Duration = Duration::from_secs(600);
/// Time that a page waits for a value. The loading goes on after it.
const PATIENCE: Duration = Duration::from_secs(2);

/// A value that is kept. Cheap to clone.
pub(super) struct Kept<T>(Arc<Mutex<State<T>>>);

struct State<T> {
    latest: Option<Loaded<T>>,
    /// Loading in progress, for all who wait for it.
    loading: Option<Loading<T>>,
}

type Loading<T> = Shared<BoxFuture<'static, Result<T, Arc<AppError>>>>;

#[derive(Debug, Clone)]
struct Loaded<T> {
    value: T,
    at: Instant,
    took: Duration,
}

/// Answer to a request for a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    /// Use the value.
    Use,
    /// Use the value, and load it for later requests.
    UseAndLoad,
    /// Load it.
    Load,
}

/// Decides by the age of a value and by the time that its loading took.
fn action(age: Duration, took: Duration) -> Action {
    if took < QUICK || age > MAX_AGE {
        Action::Load
    } else if age < took * USES_PER_LOADING {
        Action::Use
    } else {
        Action::UseAndLoad
    }
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(State {
            latest: None,
            loading: None,
        })))
    }
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// Ends the loading of a value, on drop.
struct EndOfLoading<T>(Kept<T>);

impl<T> Drop for EndOfLoading<T> {
    fn drop(&mut self) {
        self.0.state().loading = None;
    }
}

impl<T> Kept<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Clone + Send + Sync + 'static> Kept<T> {
    /// Returns the value, which `load` loads if needed. `None` if this takes more than two seconds. The
    /// loading goes on for later calls.
    ///
    /// # Errors
    /// If it cannot be loaded.
    pub(super) async fn get<F>(&self, load: impl FnOnce() -> F) -> Result<Option<T>, Arc<AppError>>
    where
        F: Future<Output = Result<T, AppError>> + Send + 'static,
    {
        let loading = {
            let mut state = self.state();
            let latest = state.latest.clone();
            let decided = latest
                .as_ref()
                .map(|latest| action(latest.at.elapsed(), latest.took));
            if decided == Some(Action::Use) {
                return Ok(latest.map(|latest| latest.value));
            }
            let loading = state.loading.clone();
            let loading = loading.unwrap_or_else(|| self.begin(load()));
            state.loading = Some(loading.clone());
            if decided == Some(Action::UseAndLoad) {
                return Ok(latest.map(|latest| latest.value));
            }
            loading
        };
        timeout(PATIENCE, loading).await.ok().transpose()
    }

    /// Returns the value, however long it takes to load.
    ///
    /// # Errors
    /// If it cannot be loaded.
    pub(super) async fn get_patiently<F>(
        &self,
        load: impl FnOnce() -> F + Clone,
    ) -> Result<T, Arc<AppError>>
    where
        F: Future<Output = Result<T, AppError>> + Send + 'static,
    {
        loop {
            if let Some(value) = self.get(load.clone()).await? {
                return Ok(value);
            }
        }
    }

    /// Begins to load the value, on a task that outlives the request.
    fn begin(
        &self,
        load: impl Future<Output = Result<T, AppError>> + Send + 'static,
    ) -> Loading<T> {
        let kept = self.clone();
        let task = tokio::spawn(async move {
            let _end = EndOfLoading(kept.clone());
            let began = Instant::now();
            let loaded = load.await;
            if let Ok(value) = &loaded {
                kept.state().latest = Some(Loaded {
                    value: value.clone(),
                    at: Instant::now(),
                    took: began.elapsed(),
                });
            }
            loaded.map_err(Arc::new)
        });
        let ended = async move {
            let ended = task.await;
            ended.unwrap_or_else(|error| Err(Arc::new(std::io::Error::other(error).into())))
        };
        ended.boxed().shared()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn a_value_that_is_quick_to_load_is_never_old() {
        let seconds = Duration::from_secs;
        assert_eq!(action(Duration::ZERO, QUICK / 2), Action::Load);
        assert_eq!(action(seconds(49), seconds(1)), Action::Use);
        assert_eq!(action(seconds(51), seconds(1)), Action::UseAndLoad);
        assert_eq!(action(seconds(601), seconds(20)), Action::Load);
    }

    /// Loads a value that counts the calls, in a time.
    fn counted(
        calls: &Arc<AtomicU32>,
        took: Duration,
    ) -> impl Future<Output = Result<u32, AppError>> + use<> {
        let calls = calls.clone();
        async move {
            tokio::time::sleep(took).await;
            Ok(calls.fetch_add(1, Ordering::Relaxed) + 1)
        }
    }

    #[tokio::test]
    async fn a_slow_value_is_loaded_once_for_all() {
        let (kept, calls) = (Kept::default(), Arc::default());
        let load = || counted(&calls, Duration::from_millis(80));
        let (first, second) = tokio::join!(kept.get(load), kept.get(load));
        assert_eq!((first.unwrap(), second.unwrap()), (Some(1), Some(1)));
        assert_eq!(kept.get(load).await.unwrap(), Some(1));
        // A quick one is loaded for each.
        let kept = Kept::default();
        let quick = || counted(&calls, Duration::ZERO);
        assert_eq!(kept.get(quick).await.unwrap(), Some(2));
        assert_eq!(kept.get(quick).await.unwrap(), Some(3));
    }

    #[tokio::test]
    async fn a_very_slow_value_is_there_later() {
        let (kept, calls) = (Kept::default(), Arc::default());
        let load = || counted(&calls, PATIENCE + Duration::from_millis(300));
        assert_eq!(kept.get(load).await.unwrap(), None);
        assert_eq!(kept.get_patiently(load).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn an_error_is_not_kept() {
        let kept = Kept::<u32>::default();
        assert!(
            kept.get(|| async { Err(AppError::NoResults) })
                .await
                .is_err()
        );
        assert_eq!(kept.get(|| async { Ok(7) }).await.unwrap(), Some(7));
    }
}
