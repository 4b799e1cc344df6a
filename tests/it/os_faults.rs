//! Faults of the machine: no room, no file descriptors, a locked database. Each is waited out, and costs nothing.

use crate::harness::{TestEnv, settings};
use nightscribe::sandbox::Settings;
use sqlx::{ConnectOptions, Connection, Executor};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The binary under a limit of the shell's `ulimit`, with the signal for too large a file ignored.
pub fn limited(env: &TestEnv, limit: &str, args: &str) -> Command {
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
fn a_machine_without_file_descriptors_fails_no_recording() {
    let env = TestEnv::with_recordings(settings(), 12);
    let mut command = limited(&env, "-n 40", "run --once");
    command.env("NIGHTSCRIBE__LIMITS__MAX_UPLOADS", "16");
    let ended = crate::harness::run_command(&mut command);
    assert_eq!(env.count("failed"), 0, "{}", ended.stderr);
    env.run_once(0);
    assert_eq!(env.count("done"), 12);
    assert_eq!(env.sandbox().ledger().generations.len(), 12);
    assert!(env.items().iter().all(|item| item["attempts"] == 1));
}

#[test]
fn a_database_without_room_holds_and_loses_nothing() {
    let env = TestEnv::with_recordings(settings(), 40);
    // Enough for the queue, not for all that follows.
    let mut child = limited(&env, "-f 2000", "run")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = BufReader::new(child.stderr.take().unwrap());
    let held = log
        .lines()
        .map(Result::unwrap)
        .find(|line| line.contains("cannot write to the database; retrying"));
    assert!(held.is_some());
    child.kill().unwrap();
    child.wait().unwrap();
    env.run_once(0);
    assert_eq!(env.count("done"), 40);
    assert_eq!(env.sandbox().ledger().generations.len(), 40);
}

/// A recording of so many hours, of the smallest kind of audio, whose transcript takes megabytes.
fn record_hours(env: &TestEnv, name: &str, hours: u32) {
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
fn an_output_without_room_keeps_the_result_and_pays_once() {
    let env = TestEnv::with_recordings(settings(), 3);
    record_hours(&env, "long.wav", 12);
    // Enough for the database, which keeps the result packed, but not for the transcript.
    let mut child = limited(&env, "-f 3000", "run")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = BufReader::new(child.stderr.take().unwrap());
    let mut lines = log.lines().map(Result::unwrap);
    let refused = lines.find(|line| line.contains("cannot write the transcript"));
    assert!(refused.unwrap().contains("the result is stored"));
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
fn a_database_that_another_process_locks_is_waited_for() {
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
