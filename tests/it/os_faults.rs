//! Faults of the operating system: a full disk, no file descriptors, a locked database.
//!
//! nightscribe waits until each fault is over. No recording fails or is paid for twice.

use crate::harness::{TestEnv, settings};
use nightscribe_sandbox::Settings;
use sqlx::{ConnectOptions, Connection, Executor};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Returns a command of the binary under a `ulimit`.
///
/// `SIGXFSZ` is ignored, so that a write beyond the file size limit fails with an error.
pub fn with_ulimit(env: &TestEnv, limit: &str, args: &str) -> Command {
    let mut command = Command::new("sh");
    let line = format!("trap '' XFSZ; ulimit {limit}; exec \"$0\" {args}");
    command
        .args(["-c", &line, env!("CARGO_BIN_EXE_nightscribe")])
        .current_dir(env.path(""));
    command
        .env("AIMLAPI_KEY", crate::harness::KEY)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

#[test]
fn too_few_file_descriptors_fail_no_recording() {
    let env = TestEnv::with_recordings(settings(), 12);
    let mut command = with_ulimit(&env, "-n 40", "run --once");
    command.env("NIGHTSCRIBE__LIMITS__MAX_UPLOADS", "16");
    let result = crate::harness::run_command(&mut command);
    assert_eq!(env.count("failed"), 0, "{}", result.stderr);
    env.run_once(0);
    assert_eq!(env.count("done"), 12);
    assert_eq!(env.sandbox().ledger().generations.len(), 12);
    assert!(env.items().iter().all(|item| item["attempts"] == 1));
}

#[test]
fn a_full_database_disk_loses_nothing() {
    let env = TestEnv::with_recordings(settings(), 40);
    // Enough for the queue, but not for the rest of the run.
    let mut child = with_ulimit(&env, "-f 2000", "run")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = BufReader::new(child.stderr.take().unwrap());
    let retrying = log
        .lines()
        .map(Result::unwrap)
        .find(|line| line.contains("cannot write to the database; retrying"));
    assert!(retrying.is_some());
    child.kill().unwrap();
    child.wait().unwrap();
    env.run_once(0);
    assert_eq!(env.count("done"), 40);
    assert_eq!(env.sandbox().ledger().generations.len(), 40);
}

/// Writes a recording of this many hours, as a sparse file with 1,000 samples per second.
///
/// The transcript of twelve hours has several megabytes.
fn add_long_recording(env: &TestEnv, name: &str, hours: u32) {
    const RATE: u32 = 1000;
    let size = hours * 3600 * RATE;
    let mut head = Vec::from(*b"RIFF");
    head.extend((36 + size).to_le_bytes());
    head.extend(b"WAVEfmt ");
    for number in [16, 0x0001_0001, RATE, RATE, 0x0008_0001] {
        head.extend(u32::to_le_bytes(number));
    }
    head.extend(b"data");
    head.extend(size.to_le_bytes());
    let path = env.path("recordings").join(name);
    fs::write(&path, &head).unwrap();
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(u64::from(size) + head.len() as u64).unwrap();
}

#[test]
fn a_full_output_disk_keeps_the_result() {
    let env = TestEnv::with_recordings(settings(), 3);
    add_long_recording(&env, "long.wav", 12);
    // Enough for the database, which stores the result compressed, but not for the transcript.
    let mut child = with_ulimit(&env, "-f 3000", "run")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = BufReader::new(child.stderr.take().unwrap());
    let mut lines = log.lines().map(Result::unwrap);
    let failure = lines.find(|line| line.contains("cannot write the transcript"));
    assert!(failure.unwrap().contains("the result is stored"));
    env.wait_until("the others", |env| env.count("done") == 3);
    assert_eq!(env.item("long.wav")["state"], "received");
    assert_eq!(env.file_names("transcripts").len(), 12);
    child.kill().unwrap();
    child.wait().unwrap();
    env.run_once(0);
    assert_eq!(env.count("done"), 4);
    assert_eq!(env.sandbox().ledger().generations.len(), 4);
}

#[test]
fn a_locked_database_only_delays_the_run() {
    let env = TestEnv::with_recordings(
        Settings {
            delay: Duration::from_millis(100),
            ..settings()
        },
        5,
    );
    env.run(&["scan"]);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let options =
        sqlx::sqlite::SqliteConnectOptions::new().filename(env.path("state/nightscribe.db"));
    let mut other = runtime.block_on(options.connect()).unwrap();
    let mut child = env
        .command(&["run", "--once"])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    env.wait_until("the run", |env| env.status()["runner"]["pid"] == child.id());
    runtime.block_on(other.execute("BEGIN IMMEDIATE")).unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap);
    assert!(log.any(|line| line.contains("cannot write to the database")));
    runtime.block_on(other.execute("ROLLBACK")).unwrap();
    runtime.block_on(other.close()).unwrap();
    assert!(log.any(|line| line.contains("submissions resumed")));
    assert!(log.last().unwrap().contains("5 done, 0 failed"));
    assert!(child.wait().unwrap().success());
    assert_eq!(env.sandbox().ledger().generations.len(), 5);
}
