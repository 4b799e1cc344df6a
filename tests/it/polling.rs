//! Poll timing, in a run and in a simulation of the policy.

use crate::harness::{TestEnv, settings};
use crate::simulation::dice::Dice;
use nightscribe::domain::Timestamp;
use nightscribe::policy::latency::LatencyEstimator;
use nightscribe::policy::polling::PollPolicy;
use nightscribe_sandbox::Settings;
use sqlx::{ConnectOptions, Connection, Executor};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// Moves the acceptance of all pending jobs twenty minutes into the past.
fn age_pending_jobs(env: &TestEnv) {
    let options =
        sqlx::sqlite::SqliteConnectOptions::new().filename(env.path("state/nightscribe.db"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut database = options.connect().await.unwrap();
        let update = "UPDATE jobs SET accepted_at = accepted_at - 1200000, expires_at = expires_at - 1200000";
        database.execute(update).await.unwrap();
        database.close().await.unwrap();
    });
}

#[test]
fn jobs_pending_over_a_restart_do_not_affect_polling() {
    let env = TestEnv::with_recordings(settings(), 1);
    let mut command = env.command(&["run"]);
    command
        .env("NIGHTSCRIBE__POLLING__INTERVAL", "1h")
        .env("NIGHTSCRIBE__POLLING__MAX_INTERVAL", "1h");
    let mut daemon = command.spawn().unwrap();
    env.wait_until("the submission", |env| env.count("pending") == 1);
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    age_pending_jobs(&env);
    let mut daemon = env.start(&["run"]);
    env.wait_until("the first transcript", |env| env.count("done") == 1);
    env.add_recording("later.wav", 2);
    env.wait_until("the second transcript", |env| env.count("done") == 2);
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), 0);
}

#[test]
fn a_shorter_retention_than_told_is_learnt() {
    let settings = Settings {
        retention: Duration::from_millis(1500),
        ..settings()
    };
    let env = TestEnv::with_recordings(settings, 6);
    let mut run = env.command(&["run", "--once"]);
    run.env("NIGHTSCRIBE__API__RETENTION", "20s")
        .env("NIGHTSCRIBE__POLLING__INTERVAL", "10s")
        .env("NIGHTSCRIBE__POLLING__MAX_INTERVAL", "10s")
        .env("NIGHTSCRIBE__LIMITS__MAX_PENDING", "1");
    let output = run.output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    assert_eq!(env.count("done"), 6);
    // The first two were gone at their first poll, after two seconds.
    assert_eq!(env.sandbox().ledger().generations.len(), 6 + 2, "{stderr}");
}

const POLLING: PollPolicy = PollPolicy {
    interval: Duration::from_secs(10),
    max_interval: Duration::from_secs(60),
    retention: Duration::from_secs(3600),
};

/// A generation of the simulated service.
struct SimulatedGeneration {
    duration_s: f64,
    accepted_at: Timestamp,
    /// Time from the acceptance to the completion.
    service_time: Duration,
    polls: u32,
    /// Time from the acceptance to the last poll that found it unfinished.
    last_unfinished: Duration,
    /// Whether the polls are scheduled by a latency estimate.
    has_estimate: bool,
}

impl SimulatedGeneration {
    /// Creates a generation with random durations of audio and service, distributed as in `scripts/bench frugal`.
    ///
    /// The median service time is 5 s for a minute of audio and 10 min for three hours. `slowdown` multiplies it.
    fn new(accepted_at: Timestamp, slowdown: f64, dice: &mut Dice) -> Self {
        let duration_s = 60.0 * 180_f64.powf(dice.unit());
        let median = 5.0 * 120_f64.powf((duration_s / 60.0).ln() / 180_f64.ln());
        // The sum of twelve uniform draws is nearly normal, with variance 1.
        let normal = (0..12).map(|_| dice.unit()).sum::<f64>() - 6.0;
        Self {
            duration_s,
            accepted_at,
            service_time: Duration::from_secs_f64(slowdown * median * (0.25 * normal).exp()),
            polls: 0,
            last_unfinished: Duration::ZERO,
            has_estimate: false,
        }
    }

    /// Returns the time of the first poll, or of the next poll after an unfinished one at `now`.
    fn next_poll(&mut self, now: Timestamp, estimator: &LatencyEstimator) -> Timestamp {
        let waited = now.since(self.accepted_at);
        if !self.has_estimate {
            let expected = estimator.expected("m", Some(self.duration_s));
            let first = POLLING.first_poll(self.accepted_at, expected);
            self.has_estimate = expected.is_some();
            if self.polls == 0 || self.has_estimate && first > now {
                return first;
            }
        }
        let waited = self.has_estimate.then_some(waited);
        let expires = self.accepted_at.after(POLLING.retention);
        POLLING.next_poll(now, self.polls, waited, Duration::ZERO, expires)
    }
}

/// Result of a simulation.
struct SimulationResult {
    /// Mean number of polls per recording.
    mean_polls: f64,
    /// Median delay of the poll that finds the transcript, in per mille of the service time.
    median_delay_permille: u128,
}

/// Simulates a thousand recordings, one accepted per second. `slowdown` multiplies the service time of the second half.
fn simulate(seed: u64, slowdown: f64) -> SimulationResult {
    const RECORDINGS: usize = 1000;
    let (mut dice, mut estimator) = (Dice::new(seed), LatencyEstimator::default());
    let mut generations: Vec<_> = (0..RECORDINGS)
        .map(|second| {
            let accepted_at = Timestamp::from_millis(second as i64 * 1000);
            let slowdown = if second < RECORDINGS / 2 {
                1.0
            } else {
                slowdown
            };
            SimulatedGeneration::new(accepted_at, slowdown, &mut dice)
        })
        .collect();
    // Each generation is due at its acceptance, to schedule the first poll, and then at each poll.
    let mut due: BinaryHeap<_> = (0..)
        .zip(&generations)
        .map(|(index, generation)| Reverse((generation.accepted_at, index)))
        .collect();
    let (mut polls, mut delays_permille) = (0, Vec::new());
    while let Some(Reverse((now, index))) = due.pop() {
        let generation: &mut SimulatedGeneration = &mut generations[index];
        let waited = now.since(generation.accepted_at);
        if !waited.is_zero() {
            generation.polls += 1;
            if waited >= generation.service_time {
                polls += generation.polls;
                let delay = waited - generation.service_time;
                delays_permille
                    .push(delay.as_micros() * 1000 / generation.service_time.as_micros());
                let interval = (generation.last_unfinished, waited);
                estimator.record("m", Some(generation.duration_s), interval, now);
                continue;
            }
            generation.last_unfinished = waited;
        }
        due.push(Reverse((generation.next_poll(now, &estimator), index)));
    }
    delays_permille.sort_unstable();
    SimulationResult {
        mean_polls: f64::from(polls) / delays_permille.len() as f64,
        median_delay_permille: delays_permille[delays_permille.len() / 2],
    }
}

#[test]
fn few_polls_find_a_transcript_with_little_delay() {
    let results: Vec<_> = (0..20).map(|seed| simulate(seed, 1.0)).collect();
    for result in &results {
        let (polls, delay) = (result.mean_polls, result.median_delay_permille);
        assert!(
            polls <= 2.5 && delay <= 105,
            "{polls} polls per recording, {delay} per mille delay"
        );
    }
    let delays = results.iter().map(|result| result.median_delay_permille);
    let mean_delay = delays.sum::<u128>() / 20;
    assert!(mean_delay <= 95, "{mean_delay} per mille delay");
}

#[test]
fn polling_adapts_to_a_slower_or_faster_service() {
    for seed in 0..10 {
        let polls = simulate(seed, 3.0).mean_polls;
        assert!(polls <= 6.0, "{polls} polls per recording");
        let delay = simulate(seed, 1.0 / 3.0).median_delay_permille;
        assert!(delay <= 300, "{delay} per mille delay");
    }
}
