//! The queue, in place of the database: every change of state goes through the state machine.

use super::checks::Checks;
use nightscribe::domain::transition::{JobEvent, next};
use nightscribe::domain::{JobState, Timestamp};
use std::collections::BTreeSet;

pub struct Desk {
    pub states: Vec<JobState>,
    pub attempts: Vec<u32>,
    queue: BTreeSet<(Timestamp, usize)>,
    /// Jobs that are being sent or are at the service.
    pub out: usize,
    pub open: usize,
}

impl Desk {
    /// A queue of so many jobs, one more `every` milliseconds from `begin`.
    pub fn new(jobs: usize, begin: Timestamp, every: i64) -> Self {
        let due = |job| Timestamp::from_millis(begin.millis() + job as i64 * every);
        Self {
            states: vec![JobState::Queued; jobs],
            attempts: vec![0; jobs],
            queue: (0..jobs).map(|job| (due(job), job)).collect(),
            out: 0,
            open: jobs,
        }
    }

    /// The next job that is due; it is in hand until it is claimed or given back.
    pub fn take(&mut self, now: Timestamp) -> Option<usize> {
        let &(due, job) = self.queue.first()?;
        (due <= now).then(|| {
            self.queue.pop_first();
            job
        })
    }

    pub fn next_due(&self) -> Option<Timestamp> {
        self.queue.first().map(|&(due, _)| due)
    }

    /// Back among those that wait.
    pub fn enqueue(&mut self, job: usize, due: Timestamp) {
        self.queue.insert((due, job));
    }

    pub fn apply(&mut self, checks: &mut Checks, at: i64, job: usize, event: JobEvent) {
        let before = self.states[job];
        let after = next(before, event);
        checks.must(after.is_ok(), "a state changes only as it may");
        let Ok(after) = after else { return };
        checks.log(at, job, after.as_str());
        self.states[job] = after;
        let is_out = |state| matches!(state, JobState::Submitting | JobState::Pending);
        self.out = self.out + usize::from(is_out(after)) - usize::from(is_out(before));
        self.open -= usize::from(after.is_terminal());
    }
}
