//! What is written at this moment, which nothing that is begun beside it may touch.

use crate::domain::{JobId, RecordingId};
use crate::store::queue::Received;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The results that are written at this moment.
#[derive(Default)]
pub(super) struct InHand(HashSet<(JobId, RecordingId)>);

impl InHand {
    pub(super) fn take(&mut self, round: &[Received]) {
        self.0
            .extend(round.iter().map(|one| (one.job, one.recording)));
    }

    pub(super) fn leave(&mut self, round: &[(JobId, RecordingId)]) {
        for one in round {
            self.0.remove(one);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the result can be written beside it: not what is written already, nor another result of the same
    /// recording, which replaces the files of the first.
    pub(super) fn allows(&self, other: &Received) -> bool {
        let clashes = |&(job, recording)| job == other.job || recording == other.recording;
        !self.0.iter().any(clashes)
    }
}

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
    pub(super) fn release(&self, jobs: &[(JobId, RecordingId)]) {
        let jobs: HashSet<_> = jobs.iter().map(|(job, _)| job).collect();
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
        names.release(&[(JobId(1), RecordingId(1))]);
        assert!(reserve(2, &["/a.txt"]));
        assert!(!reserve(1, &["/b.txt"]));
    }

    #[test]
    fn what_is_written_and_what_replaces_it_wait() {
        let mut in_hand = InHand::default();
        let results = [1, 2, 3].map(Received::of_job);
        in_hand.take(&results[..1]);
        assert!(!in_hand.allows(&results[0]));
        assert!(in_hand.allows(&results[1]));
        let replacing = Received {
            recording: results[0].recording,
            ..results[2].clone()
        };
        assert!(!in_hand.allows(&replacing));
        in_hand.leave(&[(results[0].job, results[0].recording)]);
        assert!(in_hand.allows(&results[0]) && in_hand.allows(&replacing));
    }
}
