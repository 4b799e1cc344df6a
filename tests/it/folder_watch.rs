//! Folder watching. The regular scan runs once an hour, so the daemon must notice changes between scans.

use crate::harness::{RunningCommand, TestEnv, set_mtime, settings, wav};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::time::{Duration, Instant};

const LOG: &str = "log";

/// Starts a daemon with these sources and waits for its first scan.
fn daemon(env: &TestEnv, sources: &str) -> RunningCommand {
    env.configure_with("", sources);
    let mut command = env.command(&["-vv", "--log-format", "json", "run"]);
    command.env("NIGHTSCRIBE__SCHEDULE__SCAN_EVERY", "1h");
    let running = env.start_logged(&mut command, LOG);
    env.wait_until("the first scan", |env| !scans(env, "talks").is_empty());
    running
}

fn source(settle: &str) -> String {
    format!("[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = '{settle}'\n")
}

/// Returns the log records of the scans of a source so far.
fn scans(env: &TestEnv, source: &str) -> Vec<serde_json::Value> {
    let lines = env.log_lines(LOG).into_iter();
    lines
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(&line).ok())
        .filter(|record| {
            let message = record["message"].as_str().unwrap_or_default();
            message.starts_with("scanned") && record["source"] == source
        })
        .collect()
}

fn stop(mut daemon: RunningCommand) {
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), 0);
}

#[test]
fn a_new_file_is_submitted_before_the_regular_scan() {
    let env = TestEnv::new(settings());
    let daemon = daemon(&env, &source("0s"));
    env.add_recording("a.wav", 1);
    env.wait_until("the transcript", |env| env.count("done") == 1);
    env.add_recording("b.wav", 2);
    env.wait_until("the second transcript", |env| env.count("done") == 2);
    stop(daemon);
}

#[test]
fn a_file_is_submitted_when_it_settles() {
    let env = TestEnv::new(settings());
    let daemon = daemon(&env, &source("1500ms"));
    env.add_recording("a.wav", 1);
    env.wait_until("the transcript", |env| env.count("done") == 1);
    stop(daemon);
}

#[test]
fn a_growing_file_waits_until_it_is_closed() {
    let env = TestEnv::new(settings());
    let daemon = daemon(&env, &source("1s"));
    let content = wav(1, 8_000);
    let mut file = File::create(env.path("recordings/a.wav")).unwrap();
    file.write_all(&content[..5_000]).unwrap();
    // The date proves nothing while the file is open.
    set_mtime(&env.path("recordings/a.wav"), 1000);
    env.wait_until("a scan that skips the file", |env| {
        scans(env, "talks")
            .iter()
            .any(|scan| scan["unsettled"] == 1)
    });
    file.write_all(&content[5_000..]).unwrap();
    assert_eq!(env.items().len(), 0);
    drop(file);
    env.wait_until("the transcript", |env| env.count("done") == 1);
    assert_eq!(env.sandbox().ledger().generations.len(), 1);
    stop(daemon);
}

#[test]
fn two_thousand_new_files_cause_few_scans() {
    let env = TestEnv::new(settings());
    env.run(&["pause"]);
    let daemon = daemon(&env, &source("0s"));
    let started = Instant::now();
    for number in 0..2000 {
        let name = format!("recordings/{number}.wav");
        fs::write(env.path(name), wav(number, 800)).unwrap();
    }
    env.wait_until("all files in the queue", |env| env.count("queued") == 2000);
    let scans = scans(&env, "talks").len() as u64;
    // Scans are two seconds apart. The first ran before the files were created.
    assert!(
        scans <= 2 + started.elapsed().as_secs() / 2,
        "{scans} scans"
    );
    stop(daemon);
}

#[test]
fn a_file_renamed_into_the_folder_is_noticed() {
    let env = TestEnv::new(settings());
    let daemon = daemon(&env, &source("1s"));
    fs::write(env.path("elsewhere"), wav(1, 8_000)).unwrap();
    set_mtime(&env.path("elsewhere"), 1000);
    fs::rename(env.path("elsewhere"), env.path("recordings/a.wav")).unwrap();
    env.wait_until("the transcript", |env| env.count("done") == 1);
    stop(daemon);
}

#[test]
fn new_folders_are_scanned_and_watched() {
    let env = TestEnv::new(settings());
    let daemon = daemon(&env, &source("0s"));
    env.add_recording("a/b/c/1.wav", 1);
    env.wait_until("the first transcript", |env| env.count("done") == 1);
    env.add_recording("a/b/c/2.wav", 2);
    env.wait_until("the transcript from a created folder", |env| {
        env.count("done") == 2
    });
    fs::create_dir_all(env.path("elsewhere/x")).unwrap();
    fs::rename(env.path("elsewhere"), env.path("recordings/d")).unwrap();
    env.add_recording("d/x/3.wav", 3);
    env.wait_until("the transcript from a moved folder", |env| {
        env.count("done") == 3
    });
    stop(daemon);
}

#[test]
fn only_the_changed_source_is_scanned() {
    let env = TestEnv::new(settings());
    fs::create_dir(env.path("others")).unwrap();
    let other = "[[source]]\nname = 'others'\npath = 'others'\nsettle = '0s'\n";
    let daemon = daemon(&env, &(source("0s") + other));
    env.wait_until("the first scan of the other source", |env| {
        !scans(env, "others").is_empty()
    });
    env.add_recording("a.wav", 1);
    env.wait_until("the transcript", |env| env.count("done") == 1);
    stop(daemon);
    assert_eq!(scans(&env, "others").len(), 1);
}

#[test]
fn transcripts_next_to_recordings_cause_no_scan() {
    let env = TestEnv::new(settings());
    env.configure_with("", &source("0s"));
    let config = fs::read_to_string(env.path("nightscribe.toml")).unwrap();
    let config = config.replace("[output]\n", "[output]\nlayout = 'beside'\n");
    fs::write(env.path("nightscribe.toml"), config).unwrap();
    let mut command = env.command(&["-vv", "run"]);
    command.env("NIGHTSCRIBE__SCHEDULE__SCAN_EVERY", "1h");
    let daemon = env.start_logged(&mut command, LOG);
    env.wait_until("the first scan", |env| {
        env.log_lines(LOG)
            .iter()
            .any(|line| line.contains("scanned"))
    });
    env.add_recording("a.wav", 1);
    env.wait_until("the transcript", |env| env.count("done") == 1);
    // A tick runs every second. A requested scan starts within two seconds of the previous one.
    let ticks_since_last_scan = |env: &TestEnv| {
        let log = env.log_lines(LOG);
        let last = log
            .iter()
            .rposition(|line| line.contains("scanned"))
            .unwrap();
        log[last..]
            .iter()
            .filter(|line| line.contains("alive"))
            .count()
    };
    env.wait_until("five seconds without a scan", |env| {
        ticks_since_last_scan(env) >= 5
    });
    let scans = env
        .log_lines(LOG)
        .iter()
        .filter(|line| line.contains("scanned"))
        .count();
    // The first scan, and one or two for the file, which is created and then written.
    assert!(scans <= 3, "{scans} scans");
    assert!(env.path("recordings/a.txt").exists());
    stop(daemon);
}

#[test]
fn a_folder_that_reappears_is_watched_again() {
    let env = TestEnv::new(settings());
    let daemon = daemon(&env, &source("0s"));
    fs::rename(env.path("recordings"), env.path("renamed")).unwrap();
    env.wait_until("the warning about the missing folder", |env| {
        env.log_lines(LOG)
            .iter()
            .any(|line| line.contains("the source folder is missing"))
    });
    fs::create_dir(env.path("recordings")).unwrap();
    env.add_recording("a.wav", 1);
    env.wait_until("the transcript from the new folder", |env| {
        env.count("done") == 1
    });
    env.add_recording("b.wav", 2);
    env.wait_until("the transcript of a later file", |env| {
        env.count("done") == 2
    });
    stop(daemon);
}

/// Returns how often each thread of a process has waited.
#[cfg(target_os = "linux")]
fn waits(daemon: &RunningCommand) -> BTreeMap<OsString, u64> {
    let tasks = fs::read_dir(format!("/proc/{}/task", daemon.id())).unwrap();
    let waits_of = |task: fs::DirEntry| {
        // A thread may end meanwhile.
        let status = fs::read_to_string(task.path().join("status")).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        Some((task.file_name(), line?.trim().parse().unwrap()))
    };
    tasks.filter_map(|task| waits_of(task.unwrap())).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn an_idle_daemon_seldom_wakes() {
    const SECONDS: u64 = 12;
    let env = TestEnv::new(settings());
    let daemon = daemon(&env, &source("0s"));
    env.add_recording("a.wav", 1);
    env.wait_until("the transcript", |env| env.count("done") == 1);
    // The connection to the service is closed, and the checks find that nothing changes.
    std::thread::sleep(Duration::from_secs(6));
    let before = waits(&daemon);
    std::thread::sleep(Duration::from_secs(SECONDS));
    let woken: u64 = waits(&daemon)
        .iter()
        .map(|(thread, waits)| waits - before.get(thread).unwrap_or(&0))
        .sum();
    assert!(
        woken <= SECONDS * 3 / 2,
        "{woken} times in {SECONDS} seconds"
    );
    stop(daemon);
}
