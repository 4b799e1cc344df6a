//! When a transcript is asked for.

use crate::house::{House, settings};
use crate::night::dice::Dice;
use nightscribe::domain::Timestamp;
use nightscribe::policy::expectation::ServiceTimes;
use nightscribe::policy::polling::Polling;
use sqlx::{ConnectOptions, Connection, Executor};
use std::time::Duration;

/// Makes everything pending twenty minutes older.
fn age(house: &House) {
    let options =
        sqlx::sqlite::SqliteConnectOptions::new().filename(house.path("state/nightscribe.db"));
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
    let house = House::with_recordings(settings(), 1);
    let mut killed = house.command(&["run"]);
    killed
        .env("NIGHTSCRIBE__POLLING__INTERVAL", "1h")
        .env("NIGHTSCRIBE__POLLING__MAX_INTERVAL", "1h");
    let mut killed = killed.spawn().unwrap();
    house.wait_until("the submission", |house| house.count("pending") == 1);
    killed.kill().unwrap();
    killed.wait().unwrap();
    age(&house);
    let mut daemon = house.start(&["run"]);
    house.wait_until("the first", |house| house.count("done") == 1);
    house.record("later.wav", 2);
    house.wait_until("the second", |house| house.count("done") == 2);
    daemon.signal("TERM");
    assert_eq!(daemon.code(), 0);
}

/// 5 s for a minute of audio, 10 min for three hours, and a scatter around that, as `scripts/bench frugal` has it.
fn service_time(length_s: f64, dice: &mut Dice) -> Duration {
    let median = 5.0 * 120_f64.powf((length_s / 60.0).ln() / 180_f64.ln());
    // Twelve uniform draws make a normal one.
    let normal = (0..12).map(|_| dice.unit()).sum::<f64>() - 6.0;
    Duration::from_secs_f64(median * (0.25 * normal).exp())
}

/// When polls find the answer that takes so long, and how many.
fn asked_for(
    polling: &Polling,
    expected: Option<Duration>,
    takes: Duration,
) -> (Duration, Duration, u32) {
    let (accepted, mut polls) = (Timestamp::from_millis(0), 1);
    let expires = accepted.after(polling.retention);
    let (mut before, mut now) = (accepted, polling.first(accepted, expected));
    while now.since(accepted) < takes {
        let waited = expected.map(|_| now.since(accepted));
        (before, now) = (
            now,
            polling.next(now, polls, waited, Duration::ZERO, expires),
        );
        polls += 1;
    }
    (before.since(accepted), now.since(accepted), polls)
}

#[test]
fn two_or_three_polls_find_an_answer_and_half_of_them_within_a_tenth_of_its_time() {
    let polling = Polling {
        interval: Duration::from_secs(10),
        max_interval: Duration::from_secs(60),
        retention: Duration::from_secs(3600),
    };
    let (nights, recordings) = (20, 400);
    let (mut polls, mut late) = (0, Vec::new());
    for seed in 0..nights {
        let (mut dice, mut times) = (Dice::new(seed), ServiceTimes::default());
        for second in 0..recordings {
            let length_s = 60.0 * 180_f64.powf(dice.unit());
            let takes = service_time(length_s, &mut dice);
            let expected = times.expected("m", Some(length_s));
            let (before, at, count) = asked_for(&polling, expected, takes);
            times.learn(
                "m",
                Some(length_s),
                (before, at),
                Timestamp::from_millis(second * 1000),
            );
            polls += count;
            late.push((at.as_secs_f64() / takes.as_secs_f64() * 1000.0) as u32 - 1000);
        }
    }
    late.sort_unstable();
    let each = f64::from(polls) / late.len() as f64;
    let median = late[late.len() / 2];
    assert!(
        each <= 2.5 && median <= 100,
        "{each} polls each, {median} per mille late"
    );
}
