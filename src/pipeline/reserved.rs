//! The names that are given to files at this moment, which nothing that is begun beside them may take.

use crate::domain::JobId;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The paths that are written at this moment: two results may come to the same name by the template of the configuration,
/// and neither sees the other's file before it is there.
#[derive(Default)]
pub(super) struct Reserved(Mutex<HashMap<PathBuf, JobId>>);

impl Reserved {
    /// All of the paths for this job, or none of them.
    pub(super) fn reserve(&self, job: JobId, paths: &[PathBuf]) -> bool {
        let mut taken = self.taken();
        let is_taken = |path: &PathBuf| taken.get(path).is_some_and(|other| *other != job);
        if paths.iter().any(is_taken) {
            return false;
        }
        taken.extend(paths.iter().map(|path| (path.clone(), job)));
        true
    }

    /// The paths of these jobs are theirs in the database by now, or nobody's.
    pub(super) fn release(&self, jobs: &HashSet<JobId>) {
        self.taken().retain(|_, job| !jobs.contains(job));
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<PathBuf, JobId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_reserve_all_of_their_paths_or_none_until_they_are_saved() {
        let names = Reserved::default();
        let reserve = |job, paths: &[&str]| {
            let paths: Vec<_> = paths.iter().map(PathBuf::from).collect();
            names.reserve(JobId(job), &paths)
        };
        assert!(reserve(1, &["/a.txt", "/a.json"]));
        assert!(!reserve(2, &["/b.txt", "/a.json"]));
        assert!(reserve(3, &["/b.txt"]), "what is refused reserves nothing");
        assert!(reserve(1, &["/a.txt", "/c.txt"]), "its own are no obstacle");
        names.release(&HashSet::from([JobId(1)]));
        assert!(reserve(2, &["/a.txt"]));
        assert!(!reserve(1, &["/b.txt"]));
    }
}
