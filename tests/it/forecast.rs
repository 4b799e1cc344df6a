//! The time left: in simulated nights, and in a run.

use crate::harness::{TestEnv, settings};
use crate::simulation::dice::Dice;
use nightscribe::policy::forecast::{Progress, ResultTimes, counted_after, time_left};
use nightscribe_sandbox::Settings;
use std::time::{Duration, Instant};

/// A night. All times are in seconds.
struct Night {
    recordings: usize,
    /// Minimum time between two submissions.
    interval: f64,
    /// Concurrent uploads.
    uploads: usize,
    /// Median time of an upload.
    upload: f64,
    /// Maximum number of generations at the service.
    max_pending: usize,
    /// Median time of a transcription.
    latency: f64,
}

/// Submission, acceptance and result of a recording, in seconds since the start.
#[derive(Clone, Copy)]
struct Life {
    submitted: f64,
    accepted: f64,
    result: f64,
}

/// Returns a draw from a log-normal distribution with a sigma of 0.25, as assumed for latencies.
fn around(median: f64, dice: &mut Dice) -> f64 {
    let sum: f64 = (0..12).map(|_| dice.unit()).sum();
    median * (0.25 * (sum - 6.0)).exp()
}

impl Night {
    fn lives(&self, dice: &mut Dice) -> Vec<Life> {
        let mut lives: Vec<Life> = Vec::new();
        for number in 0..self.recordings {
            let mut ends: Vec<f64> = lives.iter().map(|life| life.accepted).collect();
            let mut results: Vec<f64> = lives.iter().map(|life| life.result).collect();
            ends.sort_by(|a, b| b.total_cmp(a));
            results.sort_by(|a, b| b.total_cmp(a));
            let free = |times: &[f64], slots: usize| times.get(slots - 1).copied().unwrap_or(0.0);
            let submitted = (number as f64 * self.interval)
                .max(free(&ends, self.uploads))
                .max(free(&results, self.max_pending));
            let accepted = submitted + around(self.upload, dice);
            let result = accepted + around(self.latency, dice);
            lives.push(Life {
                submitted,
                accepted,
                result,
            });
        }
        lives
    }
}

/// Returns the estimate at a time since the start, in seconds.
fn estimate(lives: &[Life], now: f64) -> Option<f64> {
    let seconds = Duration::from_secs_f64;
    let done = lives.iter().filter(|life| life.result <= now);
    let times = done.map(|life| seconds(life.result - life.submitted));
    let times = ResultTimes::of(times.collect());
    let period = seconds(now) - counted_after(seconds(now), times.map(|times| times.usual));
    let period = period.min(Duration::from_secs(600));
    let since = now - period.as_secs_f64();
    let count = |is: &dyn Fn(&&Life) -> bool| lives.iter().filter(is).count() as u64;
    let accepted = lives.iter().map(|life| life.accepted);
    let last = accepted.filter(|at| *at <= now).fold(0.0, f64::max);
    let left = time_left(&Progress {
        period,
        accepted: count(&|life| since <= life.accepted && life.accepted <= now),
        queued: count(&|life| life.accepted > now),
        pending: count(&|life| life.accepted <= now && life.result > now),
        last_accepted: seconds(now - last),
        slow_result: times.map(|times| times.slow),
    });
    left.map(|left| left.as_secs_f64())
}

#[test]
fn the_time_left_is_right_within_a_fifth() {
    let night = Night {
        recordings: 600,
        interval: 1.0,
        uploads: 4,
        upload: 0.5,
        max_pending: 500,
        latency: 20.0,
    };
    let shapes = [
        ("limited by the rate", Night { ..night }),
        (
            "slow uploads",
            Night {
                upload: 20.0,
                ..night
            },
        ),
        (
            "few at the service",
            Night {
                max_pending: 30,
                latency: 60.0,
                interval: 0.1,
                ..night
            },
        ),
        (
            "a short run",
            Night {
                recordings: 60,
                latency: 3.0,
                ..night
            },
        ),
        (
            "a slow service",
            Night {
                recordings: 1800,
                latency: 90.0,
                ..night
            },
        ),
    ];
    for (name, night) in shapes {
        let (mut good, mut looks) = (0, 0);
        for seed in 0..2 {
            let lives = night.lives(&mut Dice::new(seed));
            let end = lives.iter().map(|life| life.result).fold(0.0, f64::max);
            for look in 10..100 {
                let now = end * f64::from(look) / 100.0;
                let truth = end - now;
                let estimated = estimate(&lives, now);
                looks += 1;
                // Seconds do not matter to anybody.
                let tolerance = (truth / 5.0).max(3.0);
                good += u32::from(estimated.is_some_and(|left| (left - truth).abs() <= tolerance));
            }
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
