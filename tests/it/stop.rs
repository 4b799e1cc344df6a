//! A stop says what waits at the service, and until when.

use crate::harness::{RunningCommand, TestEnv, settings};
use nightscribe_sandbox::Settings;
use serde_json::Value;
use std::fs;
use std::time::Duration;

/// Returns an environment whose transcripts are never ready.
fn slow_env(count: u32) -> TestEnv {
    let settings = Settings {
        delay: Duration::from_secs(3000),
        ..settings()
    };
    TestEnv::with_recordings(settings, count)
}

/// Starts a command with a log, and waits until `count` recordings are pending.
fn start_pending(env: &TestEnv, args: &[&str], count: u64) -> RunningCommand {
    let run = env.start_logged(&mut env.command(args), "log");
    env.wait_until("the submissions", |env| env.count("pending") == count);
    run
}

/// Returns the time of day in an hour, or in the minute before.
fn in_an_hour() -> [String; 2] {
    let hour = jiff::Zoned::now() + Duration::from_secs(3600);
    [hour.clone() - Duration::from_secs(60), hour].map(|time| time.strftime("%H:%M").to_string())
}

#[test]
fn a_stopped_run_says_how_many_wait_and_until_when() {
    for args in [&["-q", "run"][..], &["run", "--once"]] {
        for signal in ["INT", "TERM"] {
            let env = slow_env(3);
            let mut run = start_pending(&env, args, 3);
            run.signal(signal);
            assert_eq!(run.wait(), 0);
            let lines = env.log_lines("log");
            let last = lines.last().unwrap();
            assert!(
                last.contains("WARN 3 paid transcripts wait at the service until "),
                "{last}"
            );
            assert!(
                in_an_hour().iter().any(|time| last.contains(time.as_str())),
                "{last}"
            );
        }
    }
}

#[test]
fn the_log_in_json_and_the_notification_have_the_same_figures() {
    let env = slow_env(2);
    env.configure("[notify]\ncommand = ['/bin/sh', '-c', 'cat >> messages']\n");
    let mut run = start_pending(&env, &["--log-format", "json", "run"], 2);
    let expiry = env.status()["next_expiry"].clone();
    run.signal("TERM");
    assert_eq!(run.wait(), 0);
    let lines = env.log_lines("log");
    let last: Value = serde_json::from_str(lines.last().unwrap()).unwrap();
    assert_eq!(
        (&last["pending"], &last["uncertain"]),
        (&2.into(), &0.into())
    );
    assert!(
        last["first_expiry"].as_str().unwrap().ends_with('Z'),
        "{last}"
    );
    let message = fs::read_to_string(env.path("messages")).unwrap();
    let message: Value = serde_json::from_str(&message).unwrap();
    assert_eq!(message["awaited"]["pending"], 2);
    assert_eq!(message["awaited"]["first_expiry"], last["first_expiry"]);
    assert!(
        expiry.is_null() || expiry == last["first_expiry"],
        "{expiry}"
    );
}

#[test]
fn a_second_signal_says_it_as_well() {
    let env = slow_env(2);
    let mut command = env.command(&["run"]);
    // The notification keeps the stopping run busy until the second signal.
    env.configure("[notify]\ncommand = ['/bin/sleep', '60']\n");
    let mut run = env.start_logged(&mut command, "log");
    env.wait_until("the submissions", |env| env.count("pending") == 2);
    // The display learns of them within a second.
    std::thread::sleep(Duration::from_millis(1200));
    run.signal("INT");
    env.wait_until("the stop", |env| {
        env.log_lines("log")
            .iter()
            .any(|line| line.contains("stopping"))
    });
    run.signal("INT");
    assert_eq!(run.wait(), 130);
    let lines = env.log_lines("log");
    assert!(
        lines.last().unwrap().contains("2 paid transcripts wait"),
        "{lines:?}"
    );
}

#[test]
fn a_run_that_leaves_nothing_says_nothing() {
    let env = TestEnv::with_recordings(settings(), 1);
    let run = env.run_once(0);
    assert!(!run.stderr.contains("at the service"), "{}", run.stderr);
}
