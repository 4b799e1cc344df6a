//! Loading of the pending generations from the database, at the start and after changes from outside the run.
//!
//! There may be a hundred thousand. They are read in the background, nearest expiry first, and polled meanwhile.

use super::schedule::{PollSchedule, PolledGeneration};
use crate::domain::{AttemptId, Timestamp};
use crate::runtime::clock::Reading;
use crate::store::sqlite::queue::PendingJob;
use crate::store::{Store, StoreError};
use std::collections::HashSet;
use tokio::sync::mpsc;

/// Pages that are read ahead of the schedule.
const PAGES_AHEAD: usize = 1;

/// Loads the pending generations. It is idle between two loadings.
pub(super) struct Loading {
    store: Store,
    pages: Option<mpsc::Receiver<Result<Vec<PendingJob>, StoreError>>>,
    /// Time before the database was read last.
    began_at: Timestamp,
    /// Attempts that were read.
    seen: HashSet<AttemptId>,
    /// Attempts that were accepted or ended since the loading began. What is read of them may be outdated.
    changed: HashSet<AttemptId>,
    /// Whether the database changed since the loading began.
    is_outdated: bool,
}

impl Loading {
    /// Begins to load.
    pub(super) fn begin(store: Store, now: Timestamp) -> Self {
        let mut loading = Self {
            store,
            pages: None,
            began_at: now,
            seen: HashSet::new(),
            changed: HashSet::new(),
            is_outdated: false,
        };
        loading.request(now);
        loading
    }

    /// Loads again, after the loading that goes on if there is one.
    pub(super) fn request(&mut self, now: Timestamp) {
        if self.pages.is_some() {
            self.is_outdated = true;
            return;
        }
        let (sender, pages) = mpsc::channel(PAGES_AHEAD);
        let store = self.store.clone();
        tokio::spawn(async move {
            if let Err(error) = store.read_pending(&sender).await {
                // Fails only if the stage has ended.
                let _stage_ended = sender.send(Err(error)).await;
            }
        });
        self.pages = Some(pages);
        self.began_at = now;
    }

    /// Whether it goes on, so that the schedule may be incomplete.
    pub(super) const fn is_active(&self) -> bool {
        self.pages.is_some()
    }

    /// Time before the database was read last.
    pub(super) const fn began_at(&self) -> Timestamp {
        self.began_at
    }

    /// Records that a generation was accepted or has ended.
    pub(super) fn record_change(&mut self, attempt: AttemptId) {
        if self.is_active() {
            self.changed.insert(attempt);
        }
    }

    /// Returns the next page, or `None` if the reading task has panicked. Waits forever without a loading. Cancel safe.
    pub(super) async fn next_page(&mut self) -> Option<Result<Vec<PendingJob>, StoreError>> {
        match &mut self.pages {
            Some(pages) => pages.recv().await,
            None => std::future::pending().await,
        }
    }

    /// Adds a page to the schedule. At the last one, drops what is not pending any more, such as cancelled generations.
    ///
    /// # Errors
    /// If the database fails.
    pub(super) fn apply(
        &mut self,
        page: Option<Result<Vec<PendingJob>, StoreError>>,
        schedule: &mut PollSchedule,
        clocks: Reading,
    ) -> Result<(), StoreError> {
        let page = page.unwrap_or(Err(StoreError::Closed))?;
        if page.is_empty() {
            schedule
                .retain(|attempt| self.seen.contains(&attempt) || self.changed.contains(&attempt));
            self.pages = None;
            self.seen = HashSet::new();
            self.changed = HashSet::new();
            if std::mem::take(&mut self.is_outdated) {
                self.request(clocks.now);
            }
            return Ok(());
        }
        for pending in page {
            let attempt = pending.attempt;
            self.seen.insert(attempt);
            if !schedule.contains(attempt) && !self.changed.contains(&attempt) {
                schedule.insert(PolledGeneration::resumed(pending, clocks), clocks.steady);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOCKS: Reading = Reading {
        now: Timestamp::from_millis(0),
        steady: Timestamp::from_millis(0),
    };

    fn generation(number: i64) -> PendingJob {
        PendingJob::for_job(number, Timestamp::from_millis(3_600_000))
    }

    #[tokio::test]
    async fn what_changes_while_it_is_read_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let mut loading = Loading::begin(store, CLOCKS.now);
        let mut schedule = PollSchedule::default();
        for cancelled_or_accepted in [1, 2] {
            let generation = PolledGeneration::resumed(generation(cancelled_or_accepted), CLOCKS);
            schedule.insert(generation, CLOCKS.steady);
        }
        let (accepted, ended) = (AttemptId(2), AttemptId(3));
        loading.record_change(accepted);
        loading.record_change(ended);
        let page = [3, 4].map(generation).to_vec();
        loading
            .apply(Some(Ok(page)), &mut schedule, CLOCKS)
            .unwrap();
        assert!(loading.is_active());
        let last = Some(Ok(Vec::new()));
        loading.apply(last, &mut schedule, CLOCKS).unwrap();
        assert!(!loading.is_active());
        let left = [1, 2, 3, 4].map(|attempt| schedule.contains(AttemptId(attempt)));
        assert_eq!(left, [false, true, false, true]);
    }

    #[tokio::test]
    async fn a_loading_without_its_last_page_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let mut loading = Loading::begin(store, CLOCKS.now);
        let failed = loading.apply(None, &mut PollSchedule::default(), CLOCKS);
        assert!(matches!(failed, Err(StoreError::Closed)));
    }

    #[tokio::test]
    async fn a_request_during_a_loading_is_met_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let mut loading = Loading::begin(store, CLOCKS.now);
        let later = Timestamp::from_millis(5);
        loading.request(later);
        assert_eq!(loading.began_at(), CLOCKS.now);
        let clocks = Reading {
            now: later,
            ..CLOCKS
        };
        for began_at in [later, later] {
            let page = loading.next_page().await;
            loading
                .apply(page, &mut PollSchedule::default(), clocks)
                .unwrap();
            assert_eq!(loading.began_at(), began_at);
        }
        assert!(!loading.is_active());
    }
}
