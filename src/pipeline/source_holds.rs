//! Holds of single sources, whose recordings look as if they were paid for before. Other sources go on.
//!
//! They are in the database, where claims and queries respect them, and where `adopt` and `resume` end them.

use super::event::RunEvent;
use super::journal::Journal;
use crate::domain::readable_path::readable_path;
use crate::domain::{Hold, PaidMark, Timestamp};
use crate::policy::looks_paid::Suspicion;
use crate::store::sqlite::outbox_message::OutboxMessage;
use crate::store::{Store, StoreError};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Holds or releases a source according to the marks of its jobs. `news` creates the notification of a new hold.
///
/// # Errors
/// If the database fails.
pub async fn judge(
    store: &Store,
    source: &str,
    now: Timestamp,
    news: impl Fn(&Hold) -> Option<OutboxMessage>,
) -> Result<(), StoreError> {
    let Some(suspicion) = store.paid_facts(source).await?.suspicion() else {
        let holds = store.source_holds().await?;
        let is_held = holds
            .iter()
            .any(|hold| hold.source.as_deref() == Some(source));
        return match is_held {
            true => store.release_source(source).await,
            false => Ok(()),
        };
    };
    let message = message(store, source, suspicion).await?;
    let hold = Hold::of_source(source, now, message);
    let news = news(&hold);
    store
        .hold_source(hold, suspicion.holds_source(), news)
        .await
}

async fn message(store: &Store, source: &str, suspicion: Suspicion) -> Result<String, StoreError> {
    let mark = match suspicion {
        Suspicion::Transcribed { .. } => PaidMark::Transcribed,
        Suspicion::Changed { .. } => PaidMark::Changed,
    };
    let example = store.example_of(source, mark).await?;
    let example = example.map_or_else(String::new, |path| {
        format!(", such as `{}`", readable_path(&path))
    });
    let effect = match suspicion.holds_source() {
        true => "nothing of this source is submitted",
        false => "they are not submitted",
    };
    Ok(format!("source `{source}`: {suspicion}{example}; {effect}"))
}

/// The holds of single sources that this run has reported.
#[derive(Debug, Default)]
pub struct SourceHolds(Mutex<BTreeMap<String, Hold>>);

impl SourceHolds {
    /// Reports the holds that have begun or ended since the last call, in this process or in another one.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn refresh(&self, journal: &Journal) -> Result<(), StoreError> {
        let stored = journal.store.source_holds().await?.into_iter();
        let stored: BTreeMap<_, _> = stored
            .filter_map(|hold| Some((hold.source.clone()?, hold)))
            .collect();
        let before = std::mem::replace(&mut *self.reported(), stored.clone());
        for (source, hold) in &stored {
            if !before.contains_key(source) {
                let hold = hold.clone();
                journal.emit(&RunEvent::Held { hold });
                journal.messages.wake_delivery();
            }
        }
        for source in before.into_keys() {
            if !stored.contains_key(&source) {
                journal.emit(&RunEvent::SourceReleased { source });
                journal.signals.wake_submit.notify_one();
            }
        }
        Ok(())
    }

    /// Whether a source was held at the last call of [`refresh`](Self::refresh).
    #[must_use]
    pub fn is_held(&self, source: &str) -> bool {
        self.reported().contains_key(source)
    }

    /// Returns the holds at the last call of [`refresh`](Self::refresh).
    #[must_use]
    pub fn holds(&self) -> Vec<Hold> {
        self.reported().values().cloned().collect()
    }

    fn reported(&self) -> MutexGuard<'_, BTreeMap<String, Hold>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
