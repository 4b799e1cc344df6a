//! Random kills for a bounded time, against a service with all of its faults on; then a run in peace, and the
//! promise. Longer by hand: `scripts/soak SECONDS`.

use crate::exactly_once;
use crate::harness::{TestEnv, settings};
use nightscribe_sandbox::{FAULTS, Faults, Settings};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Says for how many seconds.
const VARIABLE: &str = "NIGHTSCRIBE_SOAK_SECONDS";
const SECONDS: u64 = 15;
/// How often each fault happens.
const PROBABILITY: f64 = 0.05;
/// The longest a process lives, in milliseconds.
const LIFE: u64 = 1_200;
/// New recordings for each process, at most.
const NEW: u32 = 6;
/// Runs in peace until everything is done: faults spend attempts, and `retry` gives them back.
const RUNS: usize = 3;

fn faults() -> Faults {
    FAULTS
        .iter()
        .map(|(name, _)| format!("{name}={PROBABILITY}").parse::<Faults>().unwrap())
        .collect()
}

/// A daemon, for so long. It must be alive when it is killed.
fn live(env: &TestEnv, life: Duration) {
    let log = env.path("log");
    let mut daemon = env
        .command(&["run"])
        .stdout(Stdio::null())
        .stderr(File::create(&log).unwrap())
        .spawn()
        .unwrap();
    std::thread::sleep(life);
    daemon.kill().unwrap();
    let status = daemon.wait().unwrap();
    let said = || fs::read_to_string(&log).unwrap();
    assert_eq!(status.signal(), Some(9), "{status}: {}", said());
}

#[test]
fn soak_of_random_kills_and_every_fault_loses_nothing() {
    let seconds = std::env::var(VARIABLE).map_or(SECONDS, |seconds| seconds.parse().unwrap());
    let seed: u64 = rand::random();
    println!("{VARIABLE}={seconds}, seed {seed}");
    let env = TestEnv::new(Settings {
        delay: Duration::from_millis(50),
        faults: faults(),
        seed,
        ..settings()
    });
    let mut rng = StdRng::seed_from_u64(seed);
    let (mut recordings, mut kills) = (0, 0);
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end {
        for _ in 0..rng.random_range(0..=NEW) {
            env.add_recording(format!("{recordings}.wav"), recordings);
            recordings += 1;
        }
        live(&env, Duration::from_millis(rng.random_range(0..LIFE)));
        kills += 1;
    }
    env.sandbox().set_faults(Faults::default());
    let done_before = env.count("done");
    for _ in 0..RUNS {
        env.run(&["retry", "--failed"]);
        env.run(&["run", "--once"]);
    }
    let account = exactly_once::account(&env, &[]);
    let ledger = env.sandbox().ledger();
    println!(
        "{kills} kills, {recordings} recordings ({done_before} done under fire), {} requests refused or cut, {} polls, \
         {} paid, {} of them again, {} counted as perhaps paid, {} violations",
        ledger.refused.values().sum::<u64>() + ledger.cut,
        ledger.polls,
        ledger.paid,
        account.paid_again,
        account.perhaps_paid,
        account.violations.len()
    );
    assert_eq!(env.items().len(), recordings as usize);
    assert!(account.violations.is_empty(), "{:#?}", account.violations);
}
