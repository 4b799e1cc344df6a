//! Reservations of output paths, so that results written at the same time do not overwrite each other.

use crate::domain::JobId;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Output paths reserved by the jobs whose files are being written. The file name template may give two results the
/// same path, and neither sees the file of the other until it is renamed into place.
#[derive(Default)]
pub(crate) struct Reservations(Mutex<HashMap<PathBuf, JobId>>);

impl Reservations {
    /// Reserves all of `paths` for `job`, or none. Returns whether they were reserved.
    pub(crate) fn reserve(&self, job: JobId, paths: &[PathBuf]) -> bool {
        let mut reserved = self.paths();
        let is_taken = |path: &PathBuf| reserved.get(path).is_some_and(|other| *other != job);
        if paths.iter().any(is_taken) {
            return false;
        }
        reserved.extend(paths.iter().map(|path| (path.clone(), job)));
        true
    }

    /// Releases the paths of `jobs`. Call it after the written files are recorded in the database.
    pub(crate) fn release(&self, jobs: &HashSet<JobId>) {
        self.paths().retain(|_, job| !jobs.contains(job));
    }

    fn paths(&self) -> MutexGuard<'_, HashMap<PathBuf, JobId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_paths_or_none_are_reserved_until_released() {
        let reservations = Reservations::default();
        let reserve = |job, paths: &[&str]| {
            let paths: Vec<_> = paths.iter().map(PathBuf::from).collect();
            reservations.reserve(JobId(job), &paths)
        };
        assert!(reserve(1, &["/a.txt", "/a.json"]));
        assert!(!reserve(2, &["/b.txt", "/a.json"]));
        assert!(
            reserve(3, &["/b.txt"]),
            "a refused reservation reserves nothing"
        );
        assert!(
            reserve(1, &["/a.txt", "/c.txt"]),
            "a job may reserve its own paths again"
        );
        reservations.release(&HashSet::from([JobId(1)]));
        assert!(reserve(2, &["/a.txt"]));
        assert!(!reserve(1, &["/b.txt"]));
    }
}
