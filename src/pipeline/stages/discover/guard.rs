//! The guard of scans: what may be paid for already is compared before it is submitted.
//!
//! Whether a source looks paid for is known only after the scan. So its files wait for the end of a scan that finds changed
//! recordings, or new ones while transcripts exist that the queue does not know. A new queue with an empty output folder
//! waits for nothing.

use crate::pipeline::archive::importer::Importer;
use crate::pipeline::reach::Reach;
use crate::pipeline::source_holds::SourceHolds;
use crate::pipeline::stages::compare::Comparer;
use crate::store::sqlite::recordings::ScanDiff;
use crate::store::{Store, StoreError};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::OnceCell;

/// Decides which scans need a comparison.
pub struct Guard {
    /// Sources that may be submitted from.
    pub reach: Arc<Reach>,
    /// Transcripts on disk that the queue does not know.
    pub importer: Arc<Importer>,
    /// Holds of single sources.
    pub source_holds: Arc<SourceHolds>,
    /// The compare stage, which decides whether a source looks paid for.
    pub comparer: Comparer,
    /// Sources with changed files that an earlier run has queued, once the first scan has asked for them.
    pub queued_changes: OnceCell<BTreeSet<String>>,
}

impl Guard {
    /// Begins a scan of `source`. The first scan of a run also concerns the jobs that an earlier run has queued.
    ///
    /// # Errors
    /// If the database fails.
    pub(super) async fn begin_scan<'a>(
        &'a self,
        store: &Store,
        source: &'a str,
    ) -> Result<ScanGuard<'a>, StoreError> {
        // The reason of a hold may be gone.
        let is_suspect = self.source_holds.is_held(source)
            || self.reach.is_first_scan(source)
                && (self.importer.archive().may_have_transcripts()
                    || self.queued_changes(store).await?.contains(source));
        Ok(ScanGuard {
            guard: self,
            source,
            needs_comparison: is_suspect.into(),
        })
    }

    /// Returns the sources with changed files that an earlier run has queued. Asks the database once, because there may be
    /// thousands of sources.
    async fn queued_changes(&self, store: &Store) -> Result<&BTreeSet<String>, StoreError> {
        self.queued_changes
            .get_or_try_init(|| store.sources_with_changed_files())
            .await
    }
}

/// The guard of one scan.
pub(super) struct ScanGuard<'a> {
    guard: &'a Guard,
    source: &'a str,
    needs_comparison: AtomicBool,
}

impl ScanGuard<'_> {
    /// Whether files of the source have to wait for a comparison.
    pub(super) fn needs_comparison(&self) -> bool {
        self.needs_comparison.load(Ordering::Relaxed)
    }

    /// Takes the source out of reach before recordings are stored that may be paid for.
    pub(super) fn before_record(&self, diff: &ScanDiff) {
        let Guard {
            reach, importer, ..
        } = self.guard;
        if diff.changed > 0 || importer.archive().may_have_transcripts() {
            reach.set(self.source, false);
            self.needs_comparison.store(true, Ordering::Relaxed);
        }
    }

    /// Requests the comparison after the scan, if one is needed.
    pub(super) fn end(&self) {
        if self.needs_comparison() {
            self.guard.comparer.request(self.source);
        }
        self.guard.reach.record_first_scan(self.source);
    }
}
