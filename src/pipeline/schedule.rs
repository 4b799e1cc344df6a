//! What is pending, in memory: by due time, and what is due by expiry. Plain data; `now` is passed in.

use crate::domain::{AttemptId, Timestamp};
use crate::store::queue::Pending;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

/// A clock set back by less than this only makes a poll late by as much.
const SET_BACK: Duration = Duration::from_secs(1);

/// A poll that leaves so much after it was due tells nothing of how long the service took.
const LATE: Duration = Duration::from_secs(10);

/// A generation in hand.
#[derive(Debug, Clone)]
pub struct Generation {
    /// What the store says of it.
    pub pending: Pending,
    /// How often it was asked for.
    pub polls: u32,
    /// Whether its first poll was planned by how long answers take.
    pub expected: bool,
    /// Its acceptance, or when the last poll left that found it unfinished. Nothing where it was out of sight since: the
    /// next poll finds an answer that may have been there for long.
    pub unfinished_at: Option<Timestamp>,
}

impl Generation {
    /// Accepted just now; `expected` if it is known when an answer is likely.
    #[must_use]
    pub const fn new(pending: Pending, expected: bool) -> Self {
        Self {
            polls: 0,
            expected,
            unfinished_at: Some(pending.accepted_at),
            pending,
        }
    }

    /// Accepted at some time before.
    #[must_use]
    pub const fn resumed(pending: Pending) -> Self {
        Self {
            pending,
            polls: 0,
            expected: false,
            unfinished_at: None,
        }
    }

    /// How long it was waited for at `now`, where that was to be expected.
    #[must_use]
    pub fn waited(&self, now: Timestamp) -> Option<Duration> {
        self.expected.then(|| now.since(self.pending.accepted_at))
    }

    /// Between which times after its acceptance the answer came that was found at `now`, where that is known.
    #[must_use]
    pub fn taken(&self, now: Timestamp) -> Option<(Duration, Duration)> {
        let accepted_at = self.pending.accepted_at;
        let not_before = self.unfinished_at?.since(accepted_at);
        Some((not_before, now.since(accepted_at)))
    }

    /// Its times by a clock that was set back.
    fn set_back(&mut self, by: Duration) {
        let pending = &mut self.pending;
        pending.accepted_at = pending.accepted_at.before(by);
        pending.expires_at = pending.expires_at.before(by);
        self.unfinished_at = self.unfinished_at.map(|time| time.before(by));
    }
}

/// What is pending, by due time; what is due, by expiry. By attempt, not by job: one that was cancelled and accepted
/// again has another generation.
#[derive(Debug)]
pub struct Schedule {
    generations: HashMap<AttemptId, (Generation, Timestamp)>,
    waiting: BTreeSet<(Timestamp, AttemptId)>,
    ripe: BTreeSet<(Timestamp, AttemptId)>,
    ripe_by_due: BTreeSet<(Timestamp, AttemptId)>,
    under_way: HashSet<AttemptId>,
    looked_at: Timestamp,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            generations: HashMap::new(),
            waiting: BTreeSet::new(),
            ripe: BTreeSet::new(),
            ripe_by_due: BTreeSet::new(),
            under_way: HashSet::new(),
            looked_at: Timestamp::from_millis(i64::MIN),
        }
    }
}

impl Schedule {
    /// Takes a generation in hand, to be asked for at `due`.
    pub fn insert(&mut self, generation: Generation, due: Timestamp) {
        let attempt = generation.pending.attempt;
        self.waiting.insert((due, attempt));
        self.generations.insert(attempt, (generation, due));
    }

    /// Finds out what is due at `now`. A clock that was set back takes the times of what is in hand with it: else a
    /// generation would be asked for only when the clock has come back to its time, after the service forgot it.
    pub fn ripen(&mut self, now: Timestamp) {
        let back = self.looked_at.since(now);
        if back >= SET_BACK {
            self.set_back(back);
        }
        self.looked_at = now;
        while let Some(&(due, attempt)) = self.waiting.first().filter(|(due, _)| *due <= now) {
            self.waiting.remove(&(due, attempt));
            if let Some((generation, _)) = self.generations.get(&attempt) {
                self.ripe.insert((generation.pending.expires_at, attempt));
                self.ripe_by_due.insert((due, attempt));
            }
        }
    }

    fn set_back(&mut self, by: Duration) {
        for (generation, due) in self.generations.values_mut() {
            generation.set_back(by);
            *due = due.before(by);
        }
        for set in [&mut self.waiting, &mut self.ripe, &mut self.ripe_by_due] {
            *set = set
                .iter()
                .map(|&(time, attempt)| (time.before(by), attempt))
                .collect();
        }
    }

    /// What is due and expires first; it counts as under way until it is [`returned`](Self::returned).
    pub fn take_nearest_expiry(&mut self) -> Option<Generation> {
        let (_, attempt) = self.ripe.pop_first()?;
        let (mut generation, due) = self.generations.remove(&attempt)?;
        self.ripe_by_due.remove(&(due, attempt));
        if self.looked_at.since(due) > LATE {
            generation.unfinished_at = None;
        }
        self.under_way.insert(attempt);
        Some(generation)
    }

    /// A poll ended. Whether its generation is still to be kept.
    pub fn returned(&mut self, attempt: AttemptId) -> bool {
        self.under_way.remove(&attempt)
    }

    /// Keeps in hand and under way only what `keep` says.
    pub fn retain(&mut self, keep: impl Fn(AttemptId) -> bool) {
        self.generations.retain(|&attempt, _| keep(attempt));
        self.under_way.retain(|&attempt| keep(attempt));
        for set in [&mut self.waiting, &mut self.ripe, &mut self.ripe_by_due] {
            set.retain(|&(_, attempt)| keep(attempt));
        }
    }

    /// Whether it is in hand or under way.
    #[must_use]
    pub fn knows(&self, attempt: AttemptId) -> bool {
        self.generations.contains_key(&attempt) || self.under_way.contains(&attempt)
    }

    /// How many are in hand or under way.
    #[must_use]
    pub fn len(&self) -> usize {
        self.generations.len() + self.under_way.len()
    }

    /// Whether nothing is in hand or under way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many are due.
    #[must_use]
    pub fn ripe(&self) -> usize {
        self.ripe.len()
    }

    /// When the next one is due that is not due yet.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.waiting.first().map(|&(due, _)| due)
    }

    /// Since when the longest waiting of those that are due is due.
    #[must_use]
    pub fn oldest_due(&self) -> Option<Timestamp> {
        self.ripe_by_due.first().map(|&(due, _)| due)
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

    fn generation(job: i64, expires: i64) -> Generation {
        let pending = Pending {
            job: JobId(job),
            attempt: AttemptId(job),
            generation: GenerationId::new(format!("g{job}")).unwrap(),
            accepted_at: at(0),
            expires_at: at(expires),
            attempts: 1,
            model: "m".to_owned(),
            duration_s: None,
            relative: PathBuf::new(),
        };
        Generation::new(pending, false)
    }

    #[test]
    fn of_what_is_due_the_nearest_expiry_comes_first() {
        let mut schedule = Schedule::default();
        schedule.insert(generation(1, 900), at(10));
        schedule.insert(generation(2, 300), at(20));
        schedule.insert(generation(3, 100), at(30));
        schedule.ripen(at(20));
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
    fn what_was_cancelled_is_not_polled_any_more() {
        let mut schedule = Schedule::default();
        schedule.insert(generation(1, 900), at(10));
        schedule.insert(generation(2, 300), at(20));
        schedule.ripen(at(15));
        schedule.retain(|attempt| attempt != AttemptId(1));
        schedule.ripen(at(50));
        assert_eq!(
            schedule.take_nearest_expiry().unwrap().pending.job,
            JobId(2)
        );
        assert_eq!(
            (schedule.len(), schedule.ripe(), schedule.oldest_due()),
            (1, 0, None)
        );
    }

    #[test]
    fn a_generation_under_way_is_known_and_counted() {
        let mut schedule = Schedule::default();
        schedule.insert(generation(1, 900), at(0));
        schedule.ripen(at(0));
        schedule.take_nearest_expiry();
        assert!(schedule.knows(AttemptId(1)));
        assert_eq!(schedule.len(), 1);
        assert!(schedule.returned(AttemptId(1)));
        assert_eq!(schedule.len(), 0);
    }

    #[test]
    fn what_was_cancelled_under_way_is_not_kept() {
        let mut schedule = Schedule::default();
        schedule.insert(generation(1, 900), at(0));
        schedule.ripen(at(0));
        schedule.take_nearest_expiry();
        schedule.retain(|_| false);
        assert!(!schedule.returned(AttemptId(1)));
        assert!(schedule.is_empty());
    }

    #[test]
    fn only_an_answer_that_was_waited_for_tells_how_long_it_took() {
        let second = 1000;
        let asked = |generation: Generation, due: i64, now: i64| {
            let mut schedule = Schedule::default();
            schedule.insert(generation, at(due));
            schedule.ripen(at(now));
            schedule.take_nearest_expiry().unwrap().taken(at(now))
        };
        let between =
            |from: u64, to: u64| Some((Duration::from_secs(from), Duration::from_secs(to)));
        let new = || generation(1, 900 * second);
        assert_eq!(asked(new(), 60 * second, 61 * second), between(0, 61));
        assert_eq!(asked(new(), 60 * second, 71 * second), None);
        let unfinished = Generation {
            unfinished_at: Some(at(50 * second)),
            ..new()
        };
        assert_eq!(asked(unfinished, 60 * second, 61 * second), between(50, 61));
        let resumed = Generation::resumed(new().pending);
        assert_eq!(asked(resumed, 60 * second, 61 * second), None);
    }

    #[test]
    fn a_clock_set_back_takes_what_is_in_hand_with_it() {
        let hour = 3_600_000;
        let mut schedule = Schedule::default();
        schedule.insert(generation(1, hour), at(20_000));
        schedule.insert(generation(2, hour + 1), at(5_000));
        schedule.ripen(at(10_000));
        schedule.ripen(at(10_000 - hour));
        assert_eq!(schedule.next_due(), Some(at(20_000 - hour)));
        assert_eq!(schedule.oldest_due(), Some(at(5_000 - hour)));
        schedule.ripen(at(20_000 - hour));
        let taken = schedule.take_nearest_expiry().unwrap().pending;
        assert_eq!((taken.job, taken.expires_at), (JobId(1), at(0)));
        assert_eq!(taken.accepted_at, at(-hour));
    }
}
