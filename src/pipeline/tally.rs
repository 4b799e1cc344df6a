//! Counters and problems of a run.

use super::event::{Observer, RunEvent};
use crate::domain::{ErrorClass, Problem};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Counters and problems of a run, kept from its events.
#[derive(Debug, Default)]
pub struct Tally {
    done: AtomicU64,
    failed: AtomicU64,
    warned: AtomicU64,
    excluded: AtomicU64,
    problems: Mutex<Problems>,
}

#[derive(Debug, Default)]
struct Problems {
    /// Problem of the last scan of each source, if it had one.
    sources: BTreeMap<String, Problem>,
    /// Message of the last failed call to the service.
    last_failure: String,
}

impl Tally {
    /// Returns the number of jobs done.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Returns the number of jobs failed.
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// Returns the number of jobs done with warnings.
    pub fn warned(&self) -> u64 {
        self.warned.load(Ordering::Relaxed)
    }

    /// Returns the number of jobs excluded by the limits of their source.
    pub fn excluded(&self) -> u64 {
        self.excluded.load(Ordering::Relaxed)
    }

    /// Returns the problems of the sources at their last scans.
    pub fn source_problems(&self) -> Vec<Problem> {
        self.problems().sources.values().cloned().collect()
    }

    /// Returns the problem of a service that could not be reached.
    pub fn unreachable(&self) -> Problem {
        let reason = self.problems().last_failure.clone();
        Problem::Unreachable { reason }
    }

    /// Keeps the problem of an event, or drops one that it ends.
    fn record_problem(&self, event: &RunEvent) {
        let mut problems = self.problems();
        match event {
            RunEvent::SourceMissing {
                source,
                path,
                reason,
            } => {
                let problem = Problem::SourceMissing {
                    source: source.clone(),
                    path: path.clone(),
                    reason: reason.clone(),
                };
                problems.sources.insert(source.clone(), problem);
            }
            RunEvent::Scanned { source, scan } if scan.problems > 0 => {
                let problem = Problem::Unreadable {
                    source: source.clone(),
                    count: scan.problems,
                };
                problems.sources.insert(source.clone(), problem);
            }
            RunEvent::Scanned { source, .. } => {
                problems.sources.remove(source);
            }
            RunEvent::Requeued { failure, .. } | RunEvent::SlowedDown { failure, .. }
                if matches!(
                    failure.class,
                    ErrorClass::Network | ErrorClass::Server | ErrorClass::RateLimited
                ) =>
            {
                problems.last_failure.clone_from(&failure.message);
            }
            _ => {}
        }
    }

    fn problems(&self) -> MutexGuard<'_, Problems> {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Tally {
    fn on_event(&self, event: &RunEvent) {
        let counter = match event {
            RunEvent::Done { .. } | RunEvent::SetAside { .. } => Some(&self.done),
            RunEvent::Warned { .. } => Some(&self.warned),
            RunEvent::Skipped { .. } => Some(&self.excluded),
            RunEvent::Failed { .. } => Some(&self.failed),
            _ => None,
        };
        if let Some(counter) = counter {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        self.record_problem(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::event::ScanSummary;

    #[test]
    fn a_source_that_is_back_is_no_problem() {
        let tally = Tally::default();
        let source = "talks".to_owned();
        let scanned = |problems| RunEvent::Scanned {
            source: source.clone(),
            scan: ScanSummary {
                problems,
                ..ScanSummary::default()
            },
        };
        tally.on_event(&RunEvent::SourceMissing {
            source: source.clone(),
            path: "/talks".into(),
            reason: "gone".to_owned(),
        });
        assert_eq!(tally.source_problems()[0].kind(), "source_missing");
        tally.on_event(&scanned(2));
        assert_eq!(tally.source_problems()[0].kind(), "unreadable");
        tally.on_event(&scanned(0));
        assert!(tally.source_problems().is_empty());
    }
}
