//! Conditions that hold at every moment of a night.

use super::script::{MINUTE, Script};
use super::service::{RETENTION, Service, WITHDRAWN, is_bad, model_of};
use nightscribe::domain::JobState;
use std::collections::{BTreeMap, VecDeque};

/// Before its end a transcript is kept for so long, in which it must be read if so much of it on end is given.
const LAST_STRETCH: i64 = RETENTION / 2;
const LONG_ENOUGH: i64 = RETENTION / 10;

/// At most so many in any minute.
struct Window {
    limit: usize,
    calls: VecDeque<i64>,
}

impl Window {
    fn call(&mut self, now: i64) -> bool {
        while self.calls.front().is_some_and(|at| now - at >= MINUTE) {
            self.calls.pop_front();
        }
        self.calls.push_back(now);
        self.calls.len() <= self.limit
    }
}

pub struct Checks {
    pub violations: BTreeMap<&'static str, usize>,
    pub events: u64,
    /// Of everything that happened, in its order.
    pub digest: u64,
    pub too_many: u64,
    submits: Window,
    polls: Window,
}

impl Checks {
    pub fn new(submits_per_minute: usize, polls_per_minute: usize) -> Self {
        let window = |limit| Window {
            limit,
            calls: VecDeque::new(),
        };
        Self {
            violations: BTreeMap::new(),
            events: 0,
            digest: 0xcbf2_9ce4_8422_2325,
            too_many: 0,
            submits: window(submits_per_minute),
            polls: window(polls_per_minute),
        }
    }

    pub fn must(&mut self, holds: bool, what: &'static str) {
        if !holds {
            *self.violations.entry(what).or_default() += 1;
        }
    }

    pub fn submission_leaves(&mut self, now: i64) {
        let held = self.submits.call(now);
        self.must(held, "submissions in a minute");
    }

    pub fn poll_leaves(&mut self, now: i64) {
        let held = self.polls.call(now);
        self.must(held, "polls in a minute");
    }

    pub fn log(&mut self, now: i64, job: usize, what: &str) {
        self.events += 1;
        let number = (now as u64).to_le_bytes().into_iter();
        let bytes = number.chain((job as u64).to_le_bytes()).chain(what.bytes());
        for byte in bytes {
            self.digest = (self.digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// At the end of the night.
    pub fn end(&mut self, script: &Script, service: &Service, states: &[JobState]) {
        for (job, state) in states.iter().enumerate() {
            let right = if is_bad(job) || model_of(job) == WITHDRAWN {
                JobState::Failed
            } else {
                JobState::Done
            };
            self.must(*state == right, "done, or failed for a permanent cause");
        }
        self.must(service.paid_twice == 0, "nothing is paid twice");
        let lost = service.generations.iter().filter(|it| {
            !it.read && !it.orphan && !it.fails && {
                let from = it
                    .ready_at
                    .max(it.known_at)
                    .max(it.expires_at - LAST_STRETCH);
                script.readable(from, it.expires_at) >= LONG_ENOUGH
            }
        });
        let lost = lost.count();
        if lost > 0 {
            self.violations
                .insert("a transcript that could be read expired", lost);
        }
    }
}
