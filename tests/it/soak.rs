//! Soak test: kills the daemon at random times while the sandbox injects all faults. Then runs without faults and checks
//! the exactly-once guarantees. `scripts/soak SECONDS` runs it longer.

use crate::exactly_once;
use crate::harness::{TestEnv, settings};
use nightscribe_sandbox::{FAULTS, Faults, Settings};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Environment variable with the duration of the kills, in seconds.
const VARIABLE: &str = "NIGHTSCRIBE_SOAK_SECONDS";
/// Default duration of the kills, in seconds.
const DEFAULT_SECONDS: u64 = 15;
/// Probability of each fault.
const PROBABILITY: f64 = 0.05;
/// Maximum lifetime of a process, in milliseconds.
const MAX_LIFETIME_MS: u64 = 1_200;
/// Maximum number of new recordings per process.
const MAX_NEW_RECORDINGS: u32 = 6;
/// Number of runs without faults. More than one, because jobs whose attempts were spent by faults need `retry`.
const RECOVERY_RUNS: usize = 3;

fn faults() -> Faults {
    FAULTS
        .iter()
        .map(|(name, _)| format!("{name}={PROBABILITY}").parse::<Faults>().unwrap())
        .collect()
}

/// Runs a daemon for `lifetime` and kills it.
///
/// # Panics
///
/// If the daemon exits before the kill.
fn run_and_kill(env: &TestEnv, lifetime: Duration) {
    let log = env.path("log");
    let mut daemon = env
        .command(&["run"])
        .stdout(Stdio::null())
        .stderr(File::create(&log).unwrap())
        .spawn()
        .unwrap();
    std::thread::sleep(lifetime);
    daemon.kill().unwrap();
    let status = daemon.wait().unwrap();
    let stderr = || fs::read_to_string(&log).unwrap();
    assert_eq!(status.signal(), Some(9), "{status}: {}", stderr());
}

#[test]
fn random_kills_and_faults_lose_nothing() {
    let seconds =
        std::env::var(VARIABLE).map_or(DEFAULT_SECONDS, |seconds| seconds.parse().unwrap());
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
        for _ in 0..rng.random_range(0..=MAX_NEW_RECORDINGS) {
            env.add_recording(format!("{recordings}.wav"), recordings);
            recordings += 1;
        }
        run_and_kill(
            &env,
            Duration::from_millis(rng.random_range(0..MAX_LIFETIME_MS)),
        );
        kills += 1;
    }
    env.sandbox().set_faults(Faults::default());
    let done_before = env.count("done");
    for _ in 0..RECOVERY_RUNS {
        env.run(&["retry", "--failed"]);
        env.run(&["run", "--once"]);
    }
    let audit = exactly_once::audit(&env, &[]);
    let ledger = env.sandbox().ledger();
    println!(
        "{kills} kills, {recordings} recordings ({done_before} done during the kills), {} requests rejected or cut, {} polls, \
         {} paid, {} of them duplicates, {} counted as perhaps paid, {} violations",
        ledger.refused.values().sum::<u64>() + ledger.cut,
        ledger.polls,
        ledger.paid,
        audit.duplicate_payments,
        audit.perhaps_paid,
        audit.violations.len()
    );
    assert_eq!(env.items().len(), recordings as usize);
    assert!(audit.violations.is_empty(), "{:#?}", audit.violations);
}
