//! When a transcript is asked for.

use crate::harness::{TestEnv, settings};
use crate::simulation::dice::Dice;
use nightscribe::domain::Timestamp;
use nightscribe::policy::latency::LatencyEstimator;
use nightscribe::policy::polling::PollPolicy;
use sqlx::{ConnectOptions, Connection, Executor};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// Makes everything pending twenty minutes older.
fn age(env: &TestEnv) {
    let options =
        sqlx::sqlite::SqliteConnectOptions::new().filename(env.path("state/nightscribe.db"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut database = options.connect().await.unwrap();
        let older = "UPDATE jobs SET accepted_at = accepted_at - 1200000, expires_at = expires_at - 1200000";
        database.execute(older).await.unwrap();
        database.close().await.unwrap();
    });
}

#[test]
fn what_was_pending_over_a_restart_tells_nothing_of_how_long_the_service_takes() {
    let env = TestEnv::with_recordings(settings(), 1);
    let mut killed = env.command(&["run"]);
    killed
        .env("NIGHTSCRIBE__POLLING__INTERVAL", "1h")
        .env("NIGHTSCRIBE__POLLING__MAX_INTERVAL", "1h");
    let mut killed = killed.spawn().unwrap();
    env.wait_until("the submission", |env| env.count("pending") == 1);
    killed.kill().unwrap();
    killed.wait().unwrap();
    age(&env);
    let mut daemon = env.start(&["run"]);
    env.wait_until("the first", |env| env.count("done") == 1);
    env.add_recording("later.wav", 2);
    env.wait_until("the second", |env| env.count("done") == 2);
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), 0);
}

const POLLING: PollPolicy = PollPolicy {
    interval: Duration::from_secs(10),
    max_interval: Duration::from_secs(60),
    retention: Duration::from_secs(3600),
};

/// A recording at the service.
struct Asked {
    length_s: f64,
    accepted: Timestamp,
    takes: Duration,
    polls: u32,
    unfinished: Duration,
    is_expected: bool,
}

impl Asked {
    /// 5 s for a minute of audio, 10 min for three hours, and a scatter around that, as `scripts/bench frugal` has it.
    fn new(accepted: Timestamp, times_longer: f64, dice: &mut Dice) -> Self {
        let length_s = 60.0 * 180_f64.powf(dice.unit());
        let median = 5.0 * 120_f64.powf((length_s / 60.0).ln() / 180_f64.ln());
        // Twelve uniform draws make a normal one.
        let normal = (0..12).map(|_| dice.unit()).sum::<f64>() - 6.0;
        Self {
            length_s,
            accepted,
            takes: Duration::from_secs_f64(times_longer * median * (0.25 * normal).exp()),
            polls: 0,
            unfinished: Duration::ZERO,
            is_expected: false,
        }
    }

    /// When it is asked for first, or again after it was found unfinished at `now`.
    fn next(&mut self, now: Timestamp, times: &LatencyEstimator) -> Timestamp {
        let waited = now.since(self.accepted);
        if !self.is_expected {
            let expected = times.expected("m", Some(self.length_s));
            let first = POLLING.first_poll(self.accepted, expected);
            self.is_expected = expected.is_some();
            if self.polls == 0 || self.is_expected && first > now {
                return first;
            }
        }
        let waited = self.is_expected.then_some(waited);
        let expires = self.accepted.after(POLLING.retention);
        POLLING.next_poll(now, self.polls, waited, Duration::ZERO, expires)
    }
}

/// What a night comes to.
struct Night {
    /// For each recording.
    polls: f64,
    /// In per mille of the time an answer took, the median.
    late: u128,
}

/// A thousand recordings, one accepted each second; the answers to the second half take so many times longer.
fn night(seed: u64, times_longer: f64) -> Night {
    const RECORDINGS: usize = 1000;
    let (mut dice, mut times) = (Dice::new(seed), LatencyEstimator::default());
    let mut asked: Vec<_> = (0..RECORDINGS)
        .map(|second| {
            let accepted = Timestamp::from_millis(second as i64 * 1000);
            let times_longer = if second < RECORDINGS / 2 {
                1.0
            } else {
                times_longer
            };
            Asked::new(accepted, times_longer, &mut dice)
        })
        .collect();
    // At first each when it is accepted, then when it is asked for.
    let mut due: BinaryHeap<_> = (0..)
        .zip(&asked)
        .map(|(place, one)| Reverse((one.accepted, place)))
        .collect();
    let (mut polls, mut late) = (0, Vec::new());
    while let Some(Reverse((now, place))) = due.pop() {
        let one: &mut Asked = &mut asked[place];
        let waited = now.since(one.accepted);
        if !waited.is_zero() {
            one.polls += 1;
            if waited >= one.takes {
                polls += one.polls;
                late.push((waited - one.takes).as_micros() * 1000 / one.takes.as_micros());
                times.record("m", Some(one.length_s), (one.unfinished, waited), now);
                continue;
            }
            one.unfinished = waited;
        }
        due.push(Reverse((one.next(now, &times), place)));
    }
    late.sort_unstable();
    Night {
        polls: f64::from(polls) / late.len() as f64,
        late: late[late.len() / 2],
    }
}

#[test]
fn two_or_three_polls_find_an_answer_and_half_of_them_within_a_tenth_of_its_time() {
    let nights: Vec<_> = (0..20).map(|seed| night(seed, 1.0)).collect();
    for Night { polls, late } in &nights {
        assert!(
            *polls <= 2.5 && *late <= 105,
            "{polls} polls each, {late} per mille late"
        );
    }
    let late = nights.iter().map(|night| night.late).sum::<u128>() / 20;
    assert!(late <= 95, "{late} per mille late");
}

#[test]
fn a_service_that_becomes_slower_or_faster_is_soon_asked_as_seldom_and_as_early() {
    for seed in 0..10 {
        let slower = night(seed, 3.0);
        assert!(slower.polls <= 6.0, "{} polls each", slower.polls);
        let faster = night(seed, 1.0 / 3.0);
        assert!(faster.late <= 300, "{} per mille late", faster.late);
    }
}
