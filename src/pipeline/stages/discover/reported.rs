//! Problems of scans, reported once until they change. A daemon scans every few minutes.

use crate::pipeline::event::{Observer, RunEvent};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// Problems of the scans of each source.
#[derive(Debug, Default)]
pub struct ReportedProblems(Mutex<BTreeMap<String, ScanProblems>>);

/// Paths that cannot be read, each with the reason.
type UnreadablePaths = BTreeSet<(PathBuf, String)>;

#[derive(Debug, Default)]
struct ScanProblems {
    /// Problems of the last scan that has ended.
    last: UnreadablePaths,
    /// Problems of the scan in progress.
    current: UnreadablePaths,
}

impl ReportedProblems {
    /// Records the event of a scan. Returns whether the last scan did not report the same.
    fn record(&self, event: &RunEvent) -> bool {
        let mut sources = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            RunEvent::ScanProblem {
                source,
                path,
                reason,
            } => {
                let problems = sources.entry(source.clone()).or_default();
                let problem = (path.clone(), reason.clone());
                let is_new = !problems.last.contains(&problem);
                problems.current.insert(problem);
                is_new
            }
            RunEvent::SourceMissing {
                source,
                path,
                reason,
            } => {
                let problems = sources.entry(source.clone()).or_default();
                problems.current.clear();
                let missing = BTreeSet::from([(path.clone(), reason.clone())]);
                std::mem::replace(&mut problems.last, missing.clone()) != missing
            }
            RunEvent::Scanned { source, .. } => {
                if let Some(problems) = sources.get_mut(source) {
                    problems.last = std::mem::take(&mut problems.current);
                }
                true
            }
            _ => true,
        }
    }
}

/// Passes the events of a scan on, without problems that the last scan has reported.
pub(super) struct NewProblems<'a> {
    /// Problems of earlier scans.
    pub reported: &'a ReportedProblems,
    /// Receiver of the events.
    pub observer: &'a dyn Observer,
}

impl Observer for NewProblems<'_> {
    fn on_event(&self, event: &RunEvent) {
        if self.reported.record(event) {
            self.observer.on_event(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::event::ScanSummary;

    fn problem(path: &str) -> RunEvent {
        RunEvent::ScanProblem {
            source: "a".to_owned(),
            path: path.into(),
            reason: "denied".to_owned(),
        }
    }

    fn scanned() -> RunEvent {
        RunEvent::Scanned {
            source: "a".to_owned(),
            scan: ScanSummary::default(),
        }
    }

    fn missing() -> RunEvent {
        RunEvent::SourceMissing {
            source: "a".to_owned(),
            path: "/a".into(),
            reason: "gone".to_owned(),
        }
    }

    #[test]
    fn a_problem_is_reported_again_only_after_it_was_gone() {
        let reported = ReportedProblems::default();
        let scan = |events: &[RunEvent]| {
            let new: Vec<_> = events.iter().map(|event| reported.record(event)).collect();
            reported.record(&scanned());
            new
        };
        assert_eq!(scan(&[problem("x"), problem("y")]), [true, true]);
        assert_eq!(scan(&[problem("x"), problem("z")]), [false, true]);
        assert_eq!(scan(&[problem("y")]), [true]);
    }

    #[test]
    fn a_missing_source_is_reported_once_until_it_is_back() {
        let reported = ReportedProblems::default();
        assert!(reported.record(&missing()));
        assert!(!reported.record(&missing()));
        assert!(reported.record(&scanned()));
        assert!(reported.record(&missing()));
    }
}
