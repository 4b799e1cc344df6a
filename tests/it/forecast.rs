//! The time left: in simulated nights, and in a run.

use crate::harness::{TestEnv, settings};
use crate::simulation::dice::Dice;
use nightscribe::domain::Timestamp;
use nightscribe::policy::hours::SubmitWindow;
use nightscribe::policy::time_left::{
    InFlight, MAX_SUBMISSIONS, Progress, RecordingSize, Submission, SubmitLimits, time_left,
};
use nightscribe_sandbox::Settings;
use std::time::{Duration, Instant};

/// A night. All times are in seconds.
#[derive(Clone, Copy)]
struct Night {
    recordings: usize,
    /// Number of the last recordings that are [`LONG`] times as long as the others.
    long_last: usize,
    /// Minimum time between two submissions.
    interval: f64,
    /// Submissions that the service accepts in any minute, if they are fewer.
    accepted_per_minute: Option<usize>,
    /// Concurrent uploads.
    uploads: usize,
    /// Median time of an upload. It is proportional to the length.
    upload: f64,
    /// Maximum number of generations at the service.
    max_pending: usize,
    /// Median time of a transcription.
    latency: f64,
    /// Exponent of the length in the time of a transcription.
    latency_exponent: f64,
}

/// Ratio of the length of the long recordings to that of the others.
const LONG: f64 = 10.0;
/// Length of a recording in seconds.
const LENGTH_S: f64 = 60.0;

/// Submission, acceptance and result of a recording, in seconds since the start.
#[derive(Clone, Copy)]
struct Life {
    length_s: f64,
    submitted: f64,
    accepted: f64,
    result: f64,
}

/// Returns a draw from a log-normal distribution with this sigma.
fn around(median: f64, sigma: f64, dice: &mut Dice) -> f64 {
    let sum: f64 = (0..12).map(|_| dice.unit()).sum();
    median * (sigma * (sum - 6.0)).exp()
}

impl Night {
    fn lives(&self, dice: &mut Dice) -> Vec<Life> {
        let mut lives: Vec<Life> = Vec::new();
        for number in 0..self.recordings {
            let is_long = number >= self.recordings - self.long_last;
            let ratio = if is_long { LONG } else { 1.0 };
            // No two recordings have the same length.
            let ratio = around(ratio, 0.2, dice);
            let mut ends: Vec<f64> = lives.iter().map(|life| life.accepted).collect();
            let mut results: Vec<f64> = lives.iter().map(|life| life.result).collect();
            ends.sort_by(|a, b| b.total_cmp(a));
            results.sort_by(|a, b| b.total_cmp(a));
            let free = |times: &[f64], slots: usize| times.get(slots - 1).copied().unwrap_or(0.0);
            let throttled = self
                .accepted_per_minute
                .and_then(|limit| lives.get(number.checked_sub(limit)?));
            let submitted = (number as f64 * self.interval)
                .max(throttled.map_or(0.0, |life| life.accepted + 60.0))
                .max(free(&ends, self.uploads))
                .max(free(&results, self.max_pending));
            let accepted = submitted + around(self.upload * ratio, 0.1, dice);
            // A sigma of 0.25, as assumed for latencies.
            let latency = self.latency * ratio.powf(self.latency_exponent);
            let result = accepted + around(latency, 0.25, dice);
            lives.push(Life {
                length_s: LENGTH_S * ratio,
                submitted,
                accepted,
                result,
            });
        }
        lives
    }

    /// Returns what a run knows at a time since its start, in seconds.
    fn progress(&self, lives: &[Life], now: f64) -> Progress {
        let seconds = Duration::from_secs_f64;
        let size = |life: &Life| RecordingSize {
            bytes: (life.length_s * 16_000.0) as u64,
            audio_s: life.length_s,
        };
        let sent = lives.iter().filter(|life| life.submitted <= now);
        let (accepted, sending): (Vec<&Life>, Vec<&Life>) =
            sent.partition(|life| life.accepted <= now);
        let mut latest = accepted.clone();
        latest.sort_by(|a, b| b.accepted.total_cmp(&a.accepted));
        let pending = accepted.iter().filter(|life| life.result > now);
        let queued: Vec<_> = lives.iter().filter(|life| life.submitted > now).collect();
        Progress {
            running: Some(seconds(now)),
            limits: SubmitLimits {
                per_minute: (60.0 / self.interval) as u32,
                uploads: self.uploads,
                pending: self.max_pending,
            },
            queued: queued.iter().map(|life| size(life)).collect(),
            queued_total: queued.len() as u64,
            sending: sending
                .iter()
                .map(|life| InFlight {
                    size: size(life),
                    since: seconds(now - life.submitted),
                })
                .collect(),
            pending: pending
                .map(|life| InFlight {
                    size: size(life),
                    since: seconds(now - life.accepted),
                })
                .collect(),
            submissions: latest
                .iter()
                .take(MAX_SUBMISSIONS)
                .map(|life| Submission {
                    size: size(life),
                    accepted: seconds(now - life.accepted),
                    upload: seconds(life.accepted - life.submitted),
                    result: (life.result <= now).then(|| seconds(life.result - life.accepted)),
                })
                .collect(),
        }
    }

    /// Returns the numbers of good and of all looks at a simulated night, from a tenth on.
    fn looks(&self, dice: &mut Dice) -> (u32, u32) {
        let lives = self.lives(dice);
        let end = lives.iter().map(|life| life.result).fold(0.0, f64::max);
        let (mut good, mut looks) = (0, 0);
        for look in 10..100 {
            let now = end * f64::from(look) / 100.0;
            let left = time_left(&self.progress(&lives, now));
            let left = left
                .and_then(|left| left.within(Timestamp::from_millis(0), &SubmitWindow::always()));
            let truth = end - now;
            looks += 1;
            // Seconds do not matter to anybody.
            let tolerance = (truth / 5.0).max(3.0);
            let is_good = |left: Duration| (left.as_secs_f64() - truth).abs() <= tolerance;
            good += u32::from(left.is_some_and(is_good));
        }
        (good, looks)
    }
}

const NIGHT: Night = Night {
    recordings: 600,
    long_last: 0,
    interval: 1.0,
    accepted_per_minute: None,
    uploads: 4,
    upload: 0.5,
    max_pending: 500,
    latency: 20.0,
    latency_exponent: 0.5,
};

const SHAPES: [(&str, Night); 8] = [
    ("limited by the rate", NIGHT),
    (
        "slow uploads",
        Night {
            upload: 20.0,
            ..NIGHT
        },
    ),
    (
        "few at the service",
        Night {
            max_pending: 30,
            latency: 60.0,
            interval: 0.1,
            ..NIGHT
        },
    ),
    (
        "a short run",
        Night {
            recordings: 60,
            latency: 3.0,
            ..NIGHT
        },
    ),
    (
        "a slow service",
        Night {
            recordings: 1800,
            latency: 90.0,
            ..NIGHT
        },
    ),
    (
        "a service that accepts fewer than configured",
        Night {
            accepted_per_minute: Some(40),
            ..NIGHT
        },
    ),
    (
        "long recordings last, slow uploads",
        Night {
            recordings: 200,
            long_last: 16,
            upload: 10.0,
            latency: 5.0,
            ..NIGHT
        },
    ),
    (
        "long recordings last, limited by the rate",
        Night {
            long_last: 16,
            ..NIGHT
        },
    ),
];

const SEEDS: u64 = 2;

#[test]
fn the_time_left_is_right_within_a_fifth() {
    for (name, night) in SHAPES {
        let (mut good, mut looks) = (0, 0);
        for seed in 0..SEEDS {
            let (good_now, looks_now) = night.looks(&mut Dice::new(seed));
            (good, looks) = (good + good_now, looks + looks_now);
        }
        println!("{name}: {good} of {looks}");
        assert!(good * 10 >= looks * 9, "{name}: {good} of {looks}");
    }
}

#[test]
fn status_estimates_a_run_after_an_interrupted_one() {
    let settings = Settings {
        delay: Duration::from_secs(1),
        ..settings()
    };
    let env = TestEnv::with_recordings(settings, 60);
    let run = |once: &[&str]| {
        let mut run = env.command(once);
        run.env("NIGHTSCRIBE__LIMITS__SUBMITS_PER_MINUTE", "240");
        run.spawn().unwrap()
    };
    let mut interrupted = run(&["run"]);
    env.wait_until("a transcript", |env| env.count("done") == 1);
    interrupted.kill().unwrap();
    interrupted.wait().unwrap();
    assert_eq!(env.status()["left_s"], serde_json::Value::Null);
    let mut again = run(&["run", "--once"]);
    let mut looks = Vec::new();
    while again.try_wait().unwrap().is_none() {
        let left = env.status()["left_s"].as_f64();
        looks.push((Instant::now(), left));
        std::thread::sleep(Duration::from_millis(500));
    }
    let end = Instant::now();
    let (mut good, mut all) = (0, 0);
    for (at, left) in looks {
        let truth = (end - at).as_secs_f64();
        // The last seconds are rounded.
        if let Some(left) = left.filter(|_| truth > 3.0) {
            all += 1;
            good += u32::from((left - truth).abs() <= truth / 4.0 + 1.0);
        }
    }
    assert!(all >= 5 && good * 10 >= all * 8, "{good} of {all}");
}
