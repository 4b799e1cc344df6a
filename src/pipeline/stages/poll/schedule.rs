//! In-memory schedule of polls. A pure data structure: the caller passes `now`.
//!
//! All times are of the steady clock. A system clock that is set therefore changes neither when a generation is polled nor
//! how old it is.

use crate::domain::{AttemptId, Timestamp};
use crate::policy::outcome::{Answer, Call, EarlierAnswers, Poll};
use crate::runtime::clock::Reading;
use crate::store::sqlite::queue::PendingJob;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

/// Maximum delay of a poll that still measures the latency of the service.
const MAX_POLL_DELAY: Duration = Duration::from_secs(10);

/// A pending generation and its polls so far. Its times are of the steady clock.
#[derive(Debug, Clone)]
pub struct PolledGeneration {
    /// Its row in the store, with `accepted_at` and `expires_at` of the system clock.
    pub pending: PendingJob,
    /// When the service accepted it.
    pub accepted_at: Timestamp,
    /// When the service deletes its transcription.
    pub expires_at: Timestamp,
    /// When this run began to poll it.
    pub watched_since: Timestamp,
    /// Number of polls so far.
    pub polls: u32,
    /// Whether the first poll was scheduled by the expected latency.
    pub has_expected_latency: bool,
    /// Time of acceptance, or start of the last poll that found it unfinished. `None` if it was not polled in time
    /// since: the answer may have been available long before the next poll.
    pub last_unfinished_at: Option<Timestamp>,
    /// Time of acceptance, or start of the last poll that found it. `None` if this run has not polled it since.
    pub found_at: Option<Timestamp>,
    /// Answers to earlier polls.
    pub earlier: EarlierAnswers,
    /// Start of the first of the polls that were answered 404 without another answer between.
    pub missing_since: Option<Timestamp>,
    /// Checksum of the last answer that was kept because it could not be used.
    pub kept_answer: Option<[u8; 8]>,
    /// Amount that the service charged in US dollars, if a response said it.
    pub usd_spent: Option<f64>,
}

impl PolledGeneration {
    /// Creates a generation that was just accepted. `has_expected_latency` is whether its expected latency is known.
    #[must_use]
    pub fn new(pending: PendingJob, has_expected_latency: bool, clocks: Reading) -> Self {
        let resumed = Self::resumed(pending, clocks);
        Self {
            has_expected_latency,
            last_unfinished_at: Some(resumed.accepted_at),
            found_at: Some(resumed.accepted_at),
            ..resumed
        }
    }

    /// Creates a generation that was accepted earlier, for example by an earlier run.
    #[must_use]
    pub fn resumed(pending: PendingJob, clocks: Reading) -> Self {
        Self {
            accepted_at: clocks.to_steady(pending.accepted_at),
            expires_at: clocks.to_steady(pending.expires_at),
            watched_since: clocks.steady,
            earlier: EarlierAnswers {
                unusable: pending.has_unusable_answer,
                ..EarlierAnswers::NONE
            },
            pending,
            polls: 0,
            has_expected_latency: false,
            last_unfinished_at: None,
            found_at: None,
            missing_since: None,
            kept_answer: None,
            usd_spent: None,
        }
    }

    /// Returns the poll that is answered at `now`.
    #[must_use]
    pub fn call(&self, now: Timestamp) -> Call {
        let since = |time| now.since(time);
        Call::Poll(Poll {
            age: since(self.accepted_at),
            watched: since(self.watched_since),
            missing: self.missing_since.map_or(Duration::ZERO, since),
            earlier: self.earlier,
        })
    }

    /// Records the answer to a poll that was started at `started_at`, after the decision about it.
    pub fn record(&mut self, answer: Answer, started_at: Timestamp) {
        self.earlier.record(answer);
        match answer {
            Answer::NotFound => _ = self.missing_since.get_or_insert(started_at),
            Answer::InProgress => {
                self.missing_since = None;
                self.found_at = Some(started_at);
            }
            _ => {}
        }
    }

    /// Returns the time between the last poll that found it, or its acceptance, and the first one that did not. `None` if
    /// one of them is not known.
    #[must_use]
    pub fn gap(&self) -> Option<Duration> {
        Some(self.missing_since?.since(self.found_at?))
    }

    /// Returns the time since acceptance if the first poll was scheduled by the expected latency.
    #[must_use]
    pub fn waited(&self, now: Timestamp) -> Option<Duration> {
        self.has_expected_latency
            .then(|| now.since(self.accepted_at))
    }

    /// Returns the lower and upper bound of the latency of an answer found at `now`, measured from acceptance. `None`
    /// if the lower bound is not known.
    #[must_use]
    pub fn latency_bounds(&self, now: Timestamp) -> Option<(Duration, Duration)> {
        let not_before = self.last_unfinished_at?.since(self.accepted_at);
        Some((not_before, now.since(self.accepted_at)))
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
    pub fn advance_to(&mut self, now: Timestamp) {
        self.advanced_at = now;
        while let Some(&(due, attempt)) = self.waiting.first().filter(|(due, _)| *due <= now) {
            self.waiting.remove(&(due, attempt));
            if let Some((generation, _)) = self.generations.get(&attempt) {
                self.due_by_expiry.insert((generation.expires_at, attempt));
                self.due_by_time.insert((due, attempt));
            }
        }
    }

    /// Removes the due generation that expires first. It counts as in flight until [`finish`](Self::finish).
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
    use crate::domain::JobId;

    const CLOCKS: Reading = Reading {
        now: Timestamp::from_millis(0),
        steady: Timestamp::from_millis(0),
    };

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn generation(job: i64, expires: i64) -> PolledGeneration {
        PolledGeneration::new(PendingJob::for_job(job, at(expires)), false, CLOCKS)
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
        let resumed = PolledGeneration::resumed(new().pending, CLOCKS);
        assert_eq!(latency(resumed, 60 * second, 61 * second), None);
    }

    #[test]
    fn a_clock_that_was_set_changes_no_age() {
        let clocks = Reading {
            now: at(10_800_000),
            steady: at(5000),
        };
        let pending = PendingJob {
            accepted_at: at(10_799_000),
            expires_at: at(14_399_000),
            ..generation(1, 0).pending
        };
        let generation = PolledGeneration::resumed(pending, clocks);
        assert_eq!(generation.accepted_at, at(4000));
        assert_eq!(generation.expires_at, at(3_604_000));
        let Call::Poll(poll) = generation.call(at(6000)) else {
            panic!("a poll");
        };
        assert_eq!(poll.age, Duration::from_secs(2));
        assert_eq!(poll.watched, Duration::from_secs(1));
    }

    #[test]
    fn the_first_404_of_a_row_counts() {
        let mut generation = generation(1, 900);
        let missing = |generation: &PolledGeneration, now| match generation.call(at(now)) {
            Call::Poll(poll) => (poll.missing.as_millis(), poll.earlier.found),
            _ => panic!("a poll"),
        };
        generation.record(Answer::NotFound, at(10));
        generation.record(Answer::Unreachable, at(15));
        generation.record(Answer::NotFound, at(20));
        assert_eq!(missing(&generation, 25), (15, false));
        generation.record(Answer::InProgress, at(30));
        assert_eq!(missing(&generation, 40), (0, true));
        generation.record(Answer::NotFound, at(50));
        assert_eq!(missing(&generation, 52), (2, true));
    }

    #[test]
    fn the_gap_begins_at_the_last_poll_that_found_it() {
        let mut new = generation(1, 900);
        assert_eq!(new.gap(), None);
        new.record(Answer::NotFound, at(10));
        assert_eq!(new.gap(), Some(Duration::from_millis(10)));
        new.record(Answer::InProgress, at(30));
        new.record(Answer::NotFound, at(50));
        new.record(Answer::NotFound, at(70));
        assert_eq!(new.gap(), Some(Duration::from_millis(20)));
        let mut resumed = PolledGeneration::resumed(new.pending, CLOCKS);
        resumed.record(Answer::NotFound, at(80));
        assert_eq!(resumed.gap(), None);
    }
}
