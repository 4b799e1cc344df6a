//! In-memory schedule of polls. A pure data structure: the caller passes `now`.

use crate::domain::{AttemptId, Timestamp};
use crate::policy::outcome::EarlierAnswers;
use crate::store::sqlite::queue::PendingJob;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

/// Smallest backward clock step that shifts the schedule. A smaller step only delays a poll by as much.
const MIN_CLOCK_STEP: Duration = Duration::from_secs(1);

/// Maximum delay of a poll that still measures the latency of the service.
const MAX_POLL_DELAY: Duration = Duration::from_secs(10);

/// A pending generation and its polls so far.
#[derive(Debug, Clone)]
pub struct PolledGeneration {
    /// Its row in the store.
    pub pending: PendingJob,
    /// Number of polls so far.
    pub polls: u32,
    /// Whether the first poll was scheduled by the expected latency.
    pub has_expected_latency: bool,
    /// Time of acceptance, or start of the last poll that found it unfinished. `None` if it was not polled in time
    /// since: the answer may have been available long before the next poll.
    pub last_unfinished_at: Option<Timestamp>,
    /// Answers to earlier polls of this run.
    pub earlier: EarlierAnswers,
}

impl PolledGeneration {
    /// Creates a generation that was just accepted. `expected` is whether its expected latency is known.
    #[must_use]
    pub const fn new(pending: PendingJob, has_expected_latency: bool) -> Self {
        Self {
            polls: 0,
            has_expected_latency,
            last_unfinished_at: Some(pending.accepted_at),
            earlier: EarlierAnswers::NONE,
            pending,
        }
    }

    /// Creates a generation that was accepted earlier, for example by an earlier run.
    #[must_use]
    pub const fn resumed(pending: PendingJob) -> Self {
        Self {
            pending,
            polls: 0,
            has_expected_latency: false,
            last_unfinished_at: None,
            earlier: EarlierAnswers::NONE,
        }
    }

    /// Returns the time since acceptance if the first poll was scheduled by the expected latency.
    #[must_use]
    pub fn waited(&self, now: Timestamp) -> Option<Duration> {
        self.has_expected_latency
            .then(|| now.since(self.pending.accepted_at))
    }

    /// Returns the lower and upper bound of the latency of an answer found at `now`, measured from acceptance. `None`
    /// if the lower bound is not known.
    #[must_use]
    pub fn latency_bounds(&self, now: Timestamp) -> Option<(Duration, Duration)> {
        let accepted_at = self.pending.accepted_at;
        let not_before = self.last_unfinished_at?.since(accepted_at);
        Some((not_before, now.since(accepted_at)))
    }

    /// Shifts all times back with the clock.
    fn shift_back(&mut self, by: Duration) {
        let pending = &mut self.pending;
        pending.accepted_at = pending.accepted_at.before(by);
        pending.expires_at = pending.expires_at.before(by);
        self.last_unfinished_at = self.last_unfinished_at.map(|time| time.before(by));
    }
}

/// Pending generations by due time, and due ones by expiry.
///
/// Keyed by attempt, because a job that was cancelled and accepted again has a new generation.
#[derive(Debug)]
pub struct PollSchedule {
    generations: HashMap<AttemptId, (PolledGeneration, Timestamp)>,
    waiting: BTreeSet<(Timestamp, AttemptId)>,
    due_by_expiry: BTreeSet<(Timestamp, AttemptId)>,
    due_by_time: BTreeSet<(Timestamp, AttemptId)>,
    in_flight: HashSet<AttemptId>,
    advanced_at: Timestamp,
}

impl Default for PollSchedule {
    fn default() -> Self {
        Self {
            generations: HashMap::new(),
            waiting: BTreeSet::new(),
            due_by_expiry: BTreeSet::new(),
            due_by_time: BTreeSet::new(),
            in_flight: HashSet::new(),
            advanced_at: Timestamp::from_millis(i64::MIN),
        }
    }
}

impl PollSchedule {
    /// Schedules a poll of the generation at `due`.
    pub fn insert(&mut self, generation: PolledGeneration, due: Timestamp) {
        let attempt = generation.pending.attempt;
        self.waiting.insert((due, attempt));
        self.generations.insert(attempt, (generation, due));
    }

    /// Advances the schedule to `now` and marks generations as due.
    ///
    /// If the clock was set back, all scheduled times are shifted with it. Otherwise a generation would be polled only
    /// when the clock reaches its old due time, after the service has deleted it.
    pub fn advance_to(&mut self, now: Timestamp) {
        let step = self.advanced_at.since(now);
        if step >= MIN_CLOCK_STEP {
            self.shift_back(step);
        }
        self.advanced_at = now;
        while let Some(&(due, attempt)) = self.waiting.first().filter(|(due, _)| *due <= now) {
            self.waiting.remove(&(due, attempt));
            if let Some((generation, _)) = self.generations.get(&attempt) {
                self.due_by_expiry
                    .insert((generation.pending.expires_at, attempt));
                self.due_by_time.insert((due, attempt));
            }
        }
    }

    fn shift_back(&mut self, by: Duration) {
        for (generation, due) in self.generations.values_mut() {
            generation.shift_back(by);
            *due = due.before(by);
        }
        for set in [
            &mut self.waiting,
            &mut self.due_by_expiry,
            &mut self.due_by_time,
        ] {
            *set = set
                .iter()
                .map(|&(time, attempt)| (time.before(by), attempt))
                .collect();
        }
    }

    /// Removes the due generation that expires first. It counts as in flight until [`returned`](Self::finish).
    pub fn take_nearest_expiry(&mut self) -> Option<PolledGeneration> {
        let (_, attempt) = self.due_by_expiry.pop_first()?;
        let (mut generation, due) = self.generations.remove(&attempt)?;
        self.due_by_time.remove(&(due, attempt));
        if self.advanced_at.since(due) > MAX_POLL_DELAY {
            generation.last_unfinished_at = None;
        }
        self.in_flight.insert(attempt);
        Some(generation)
    }

    /// Ends the in-flight poll of `attempt`. Returns `false` if it was cancelled in the meantime.
    pub fn finish(&mut self, attempt: AttemptId) -> bool {
        self.in_flight.remove(&attempt)
    }

    /// Drops all scheduled and in-flight generations for which `keep` returns `false`.
    pub fn retain(&mut self, keep: impl Fn(AttemptId) -> bool) {
        self.generations.retain(|&attempt, _| keep(attempt));
        self.in_flight.retain(|&attempt| keep(attempt));
        for set in [
            &mut self.waiting,
            &mut self.due_by_expiry,
            &mut self.due_by_time,
        ] {
            set.retain(|&(_, attempt)| keep(attempt));
        }
    }

    /// Whether the attempt is scheduled or in flight.
    #[must_use]
    pub fn contains(&self, attempt: AttemptId) -> bool {
        self.generations.contains_key(&attempt) || self.in_flight.contains(&attempt)
    }

    /// Number of generations scheduled or in flight.
    #[must_use]
    pub fn len(&self) -> usize {
        self.generations.len() + self.in_flight.len()
    }

    /// Whether no generation is scheduled or in flight.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of due generations.
    #[must_use]
    pub fn due_count(&self) -> usize {
        self.due_by_expiry.len()
    }

    /// Due time of the next generation that is not due yet.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.waiting.first().map(|&(due, _)| due)
    }

    /// Due time of the most overdue generation.
    #[must_use]
    pub fn oldest_due(&self) -> Option<Timestamp> {
        self.due_by_time.first().map(|&(due, _)| due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{GenerationId, JobId};
    use std::path::PathBuf;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn generation(job: i64, expires: i64) -> PolledGeneration {
        let pending = PendingJob {
            job: JobId(job),
            attempt: AttemptId(job),
            generation: GenerationId::new(format!("g{job}")).unwrap(),
            accepted_at: at(0),
            expires_at: at(expires),
            attempts: 1,
            model: "m".to_owned(),
            duration_s: None,
            sha256: None,
            relative: PathBuf::new(),
        };
        PolledGeneration::new(pending, false)
    }

    #[test]
    fn due_generations_are_polled_by_expiry() {
        let mut schedule = PollSchedule::default();
        schedule.insert(generation(1, 900), at(10));
        schedule.insert(generation(2, 300), at(20));
        schedule.insert(generation(3, 100), at(30));
        schedule.advance_to(at(20));
        assert_eq!(schedule.oldest_due(), Some(at(10)));
        assert_eq!(
            schedule.take_nearest_expiry().unwrap().pending.job,
            JobId(2)
        );
        assert_eq!(
            schedule.take_nearest_expiry().unwrap().pending.job,
            JobId(1)
        );
        assert!(schedule.take_nearest_expiry().is_none());
        assert_eq!(
            (schedule.next_due(), schedule.oldest_due()),
            (Some(at(30)), None)
        );
    }

    #[test]
    fn cancelled_generations_are_not_polled() {
        let mut schedule = PollSchedule::default();
        schedule.insert(generation(1, 900), at(10));
        schedule.insert(generation(2, 300), at(20));
        schedule.advance_to(at(15));
        schedule.retain(|attempt| attempt != AttemptId(1));
        schedule.advance_to(at(50));
        assert_eq!(
            schedule.take_nearest_expiry().unwrap().pending.job,
            JobId(2)
        );
        assert_eq!(
            (schedule.len(), schedule.due_count(), schedule.oldest_due()),
            (1, 0, None)
        );
    }

    #[test]
    fn in_flight_generations_are_counted() {
        let mut schedule = PollSchedule::default();
        schedule.insert(generation(1, 900), at(0));
        schedule.advance_to(at(0));
        schedule.take_nearest_expiry();
        assert!(schedule.contains(AttemptId(1)));
        assert_eq!(schedule.len(), 1);
        assert!(schedule.finish(AttemptId(1)));
        assert_eq!(schedule.len(), 0);
    }

    #[test]
    fn generations_cancelled_in_flight_are_dropped() {
        let mut schedule = PollSchedule::default();
        schedule.insert(generation(1, 900), at(0));
        schedule.advance_to(at(0));
        schedule.take_nearest_expiry();
        schedule.retain(|_| false);
        assert!(!schedule.finish(AttemptId(1)));
        assert!(schedule.is_empty());
    }

    #[test]
    fn only_timely_polls_measure_latency() {
        let second = 1000;
        let latency = |generation: PolledGeneration, due: i64, now: i64| {
            let mut schedule = PollSchedule::default();
            schedule.insert(generation, at(due));
            schedule.advance_to(at(now));
            schedule
                .take_nearest_expiry()
                .unwrap()
                .latency_bounds(at(now))
        };
        let between =
            |from: u64, to: u64| Some((Duration::from_secs(from), Duration::from_secs(to)));
        let new = || generation(1, 900 * second);
        assert_eq!(latency(new(), 60 * second, 61 * second), between(0, 61));
        assert_eq!(latency(new(), 60 * second, 71 * second), None);
        let unfinished = PolledGeneration {
            last_unfinished_at: Some(at(50 * second)),
            ..new()
        };
        assert_eq!(
            latency(unfinished, 60 * second, 61 * second),
            between(50, 61)
        );
        let resumed = PolledGeneration::resumed(new().pending);
        assert_eq!(latency(resumed, 60 * second, 61 * second), None);
    }

    #[test]
    fn all_times_shift_when_the_clock_is_set_back() {
        let hour = 3_600_000;
        let mut schedule = PollSchedule::default();
        schedule.insert(generation(1, hour), at(20_000));
        schedule.insert(generation(2, hour + 1), at(5_000));
        schedule.advance_to(at(10_000));
        schedule.advance_to(at(10_000 - hour));
        assert_eq!(schedule.next_due(), Some(at(20_000 - hour)));
        assert_eq!(schedule.oldest_due(), Some(at(5_000 - hour)));
        schedule.advance_to(at(20_000 - hour));
        let taken = schedule.take_nearest_expiry().unwrap().pending;
        assert_eq!((taken.job, taken.expires_at), (JobId(1), at(0)));
        assert_eq!(taken.accepted_at, at(-hour));
    }
}
