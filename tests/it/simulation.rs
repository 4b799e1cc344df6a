//! A simulated night: the product's own decisions and state machine over a virtual clock and a scripted service, with
//! outages, a withdrawn model, a model under maintenance, storms of 429, slow generations, two hours of sleep, a clock set
//! back by an hour, and holds.

mod answers;
mod checks;
mod desk;
pub mod dice;
mod machine;
mod script;
mod service;
mod stages;

use desk::Desk;
use dice::Dice;
use machine::{Limits, MIDNIGHT, Machine, WallClock, gate};
use nightscribe::domain::Timestamp;
use script::Script;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Result of a night.
#[derive(Debug, PartialEq)]
struct Night {
    digest: u64,
    events: u64,
    violations: BTreeMap<&'static str, usize>,
    paid: usize,
    /// Submissions paid again because the request log did not answer.
    paid_uncertain: usize,
    /// Lost answers that were found.
    recovered: usize,
    too_many: u64,
    hours: f64,
    held: usize,
}

/// A night of so many recordings, with limits that give them all a place in eight hours.
fn night(seed: u64, jobs: usize) -> Night {
    life(seed, jobs, 0)
}

/// The same where they come one by one, `every` so many milliseconds.
fn life(seed: u64, jobs: usize, every: i64) -> Night {
    let submits_per_minute = (jobs / 150).max(1) as u32;
    let limits = Limits {
        submits_per_minute,
        polls_per_minute: submits_per_minute * 5,
        max_uploads: (submits_per_minute as usize / 10).clamp(4, 64),
        capacity: (jobs / 50).max(10),
    };
    let script = Script::new(&mut Dice::new(!seed), submits_per_minute as usize);
    let wall = Arc::new(WallClock::default());
    let gate = gate(&limits, wall.clone());
    let desk = Desk::new(jobs, Timestamp::from_millis(MIDNIGHT), every);
    let mut machine = Machine::new(seed, desk, &limits, &script, &gate, wall);
    machine.run();
    Night {
        digest: machine.checks.digest,
        events: machine.checks.events,
        paid: machine.service.generations.len(),
        paid_uncertain: machine.service.paid_uncertain,
        recovered: machine.recovered,
        too_many: machine.checks.too_many,
        hours: machine.at as f64 / script::HOUR as f64,
        held: machine.held(),
        violations: machine.checks.violations,
    }
}

#[test]
fn nights_of_many_seeds_keep_every_promise() {
    let (seeds, jobs) = (100, 2_000);
    let nights: Vec<_> = (0..seeds).map(|seed| night(seed, jobs)).collect();
    let events: u64 = nights.iter().map(|night| night.events).sum();
    let violated: Vec<_> = (0..seeds)
        .zip(&nights)
        .filter(|(_, night)| !night.violations.is_empty())
        .collect();
    let (nights, violations) = (nights.len(), violated.len());
    println!("{nights} seeds, {jobs} recordings each, {events} events, violated in {violations}");
    assert!(violated.is_empty(), "{violated:#?}");
}

#[test]
fn a_night_of_a_hundred_thousand_recordings_keeps_every_promise() {
    let night = night(2026, 100_000);
    println!("1 seed, 100000 recordings, {night:?}");
    assert!(night.violations.is_empty(), "{night:?}");
}

#[test]
fn a_day_of_a_daemon_leaves_nothing_behind() {
    let day = life(1, 20_000, 24 * script::HOUR / 20_000);
    println!("1 seed, 20000 recordings in 24 hours, {day:?}");
    assert!(day.hours >= 21.0, "{day:?}");
    assert!(day.violations.is_empty(), "{day:?}");
    assert_eq!(day.held, 0, "{day:?}");
}

#[test]
fn the_same_seed_gives_the_same_night_and_another_seed_another() {
    let first = night(7, 1_000);
    assert_eq!(first, night(7, 1_000));
    assert_ne!(first.digest, night(8, 1_000).digest);
}
