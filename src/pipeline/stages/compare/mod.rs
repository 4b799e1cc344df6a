//! Comparison of queued recordings with transcripts on disk and with earlier results, before anything is paid for again.
//!
//! A source is compared after a scan that may have queued recordings that are paid for. What certainly is takes its result.
//! What only looks so is marked, and the source is held. Files of the source wait meanwhile, and those of other sources go
//! on.
//!
//! - `comparison`: the comparison of one source

mod comparison;

use crate::pipeline::archive::importer::Importer;
use crate::pipeline::journal::Journal;
use crate::pipeline::reach::Reach;
use crate::pipeline::source_holds::SourceHolds;
use crate::store::StoreError;
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

/// Maximum number of files hashed at the same time.
const MAX_HASHING: usize = 4;

/// The compare stage and what it shares with others.
pub struct Compare {
    /// Durable writes and events.
    pub journal: Arc<Journal>,
    /// Sources that may be submitted from.
    pub reach: Arc<Reach>,
    /// Import of transcripts on disk that the queue does not know.
    pub importer: Arc<Importer>,
    /// Holds of single sources.
    pub source_holds: Arc<SourceHolds>,
    /// Limit of files hashed at the same time.
    pub hash_slots: Semaphore,
}

/// Returns the slots for files hashed at the same time.
#[must_use]
pub fn slots() -> Semaphore {
    Semaphore::new(MAX_HASHING)
}

/// Requests comparisons from the compare stage.
#[derive(Clone)]
pub struct Comparer {
    sources: mpsc::UnboundedSender<String>,
    reach: Arc<Reach>,
}

impl Comparer {
    /// Creates a handle that sends the names of sources to the stage.
    #[must_use]
    pub const fn new(sources: mpsc::UnboundedSender<String>, reach: Arc<Reach>) -> Self {
        Self { sources, reach }
    }

    /// Requests the comparison of a source. Its files are out of reach until it ends.
    pub fn request(&self, source: &str) {
        self.reach.begin_comparison(source);
        // Fails only if the run stops, when nothing more is submitted.
        let _stopping = self.sources.send(source.to_owned());
    }
}

/// Compares the requested sources until the run stops.
///
/// # Errors
/// If the database fails permanently.
pub async fn compare_all(
    stage: Compare,
    mut requests: mpsc::UnboundedReceiver<String>,
) -> Result<(), StoreError> {
    let stage = Arc::new(stage);
    let mut comparisons = JoinSet::new();
    loop {
        tokio::select! {
            () = stage.journal.signals.stop.cancelled() => break,
            Some(source) = requests.recv() => {
                let stage = stage.clone();
                comparisons.spawn(async move { stage.compare(source).await });
            }
            Some(compared) = comparisons.join_next() => finish(compared)?,
        }
    }
    while let Some(compared) = comparisons.join_next().await {
        finish(compared)?;
    }
    Ok(())
}

fn finish(
    compared: Result<Result<(), StoreError>, tokio::task::JoinError>,
) -> Result<(), StoreError> {
    compared.unwrap_or_else(|panic| {
        // The source stays out of reach in this run.
        tracing::error!(error = %panic, "the comparison of a source panicked");
        Ok(())
    })
}
