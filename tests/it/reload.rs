//! SIGHUP: a daemon reads its configuration, key and secrets again.

use crate::harness::{KEY, RunningCommand, TestEnv, settings};
use std::fs;

const SOURCE: &str = "[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = '0s'\n";

/// Starts a daemon with a log, and waits until `done` recordings are done.
fn start(env: &TestEnv, args: &[&str], done: u64) -> RunningCommand {
    let daemon = env.start_logged(&mut env.command(args), "log");
    env.wait_until("the daemon", |env| env.count("done") == done);
    daemon
}

fn count(env: &TestEnv, part: &str) -> usize {
    let lines = env.log_lines("log").into_iter();
    lines.filter(|line| line.contains(part)).count()
}

/// Sends SIGHUP, and waits for the `number`th log line that contains `part`.
fn hang_up(env: &TestEnv, daemon: &RunningCommand, part: &str, number: usize) {
    daemon.signal("HUP");
    env.wait_until(part, |env| count(env, part) >= number);
}

fn stop(env: &TestEnv, daemon: &mut RunningCommand) {
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), 0, "{:?}", env.log_lines("log"));
}

#[test]
fn a_daemon_goes_on_with_the_new_configuration() {
    let env = TestEnv::with_recordings(settings(), 1);
    let mut daemon = start(&env, &["run"], 1);
    fs::create_dir(env.path("more")).unwrap();
    fs::write(env.path("more/new.wav"), crate::harness::wav(9, 8_000)).unwrap();
    let more = format!("{SOURCE}[[source]]\nname = 'more'\npath = 'more'\nsettle = '0s'\n");
    env.configure_with("", &more);
    hang_up(&env, &daemon, "the configuration was read again", 1);
    env.wait_until("the new source", |env| env.count("done") == 2);
    hang_up(&env, &daemon, "the configuration was read again", 2);
    stop(&env, &mut daemon);
    assert_eq!(
        count(&env, "2 done, 0 failed"),
        1,
        "{:?}",
        env.log_lines("log")
    );
    assert_eq!(env.sandbox().ledger().paid, 2);
}

#[test]
fn a_broken_configuration_changes_nothing() {
    let env = TestEnv::with_recordings(settings(), 1);
    let mut daemon = start(&env, &["run"], 1);
    let text = fs::read_to_string(env.path("nightscribe.toml")).unwrap();
    let refused = "the earlier one stays in force";
    let broken = [
        "[polling]\nintervall = '1s'\n".to_owned(),
        format!("{text}[budget]\ncost_per_day = 1\n"),
        text.replace("[limits]", "[state]\ndir = 'other'\n[limits]"),
        text.replace("[api]", "[api]\nkey_file = 'nowhere'"),
        format!("{text}[notify]\nwebhook = 'http://127.0.0.1:9'\nwebhook_secret_env = 'NONE'\n"),
    ];
    for (number, text) in broken.iter().enumerate() {
        fs::write(env.path("nightscribe.toml"), text).unwrap();
        hang_up(&env, &daemon, refused, number + 1);
    }
    fs::remove_file(env.path("nightscribe.toml")).unwrap();
    hang_up(&env, &daemon, refused, broken.len() + 1);
    env.configure("");
    env.add_recording("new.wav", 9);
    env.wait_until("the new recording", |env| env.count("done") == 2);
    assert!(!env.path("other").exists());
    stop(&env, &mut daemon);
}

#[test]
fn a_reload_keeps_the_limit_of_the_run() {
    let env = TestEnv::with_recordings(settings(), 3);
    let mut daemon = start(&env, &["run", "--limit", "2"], 2);
    hang_up(&env, &daemon, "the configuration was read again", 1);
    env.wait_until("the hold", |env| count(env, "submissions held") >= 2);
    stop(&env, &mut daemon);
    assert_eq!(env.sandbox().ledger().paid, 2);
}

#[test]
fn a_reload_reads_the_key_again() {
    let env = TestEnv::with_recordings(settings(), 1);
    fs::write(env.path("key"), "sk-wrong").unwrap();
    let text = fs::read_to_string(env.path("nightscribe.toml")).unwrap();
    fs::write(
        env.path("nightscribe.toml"),
        text.replace("[api]", "[api]\nkey_file = 'key'"),
    )
    .unwrap();
    let mut daemon = env.start_logged(&mut env.command(&["run"]), "log");
    env.wait_until("the hold", |env| count(env, "submissions held") == 1);
    fs::write(env.path("key"), KEY).unwrap();
    daemon.signal("HUP");
    env.wait_until("the recording", |env| env.count("done") == 1);
    stop(&env, &mut daemon);
}

#[test]
fn no_summary_is_sent_for_a_reload() {
    let env = TestEnv::with_recordings(settings(), 1);
    env.configure("[notify]\ncommand = ['/bin/sh', '-c', 'cat >> messages; echo >> messages']\n");
    let mut daemon = start(&env, &["run"], 1);
    hang_up(&env, &daemon, "the configuration was read again", 1);
    env.add_recording("new.wav", 9);
    env.wait_until("the new recording", |env| env.count("done") == 2);
    assert!(!env.path("messages").exists());
    stop(&env, &mut daemon);
    let messages = fs::read_to_string(env.path("messages")).unwrap();
    assert_eq!(messages.lines().count(), 1);
    assert!(messages.contains("\"done\":2"), "{messages}");
}

#[test]
fn a_single_run_ignores_a_hangup() {
    let settings = nightscribe_sandbox::Settings {
        delay: std::time::Duration::from_secs(1),
        ..settings()
    };
    let env = TestEnv::with_recordings(settings, 1);
    let mut run = env.start_logged(&mut env.command(&["run", "--once"]), "log");
    env.wait_until("the submission", |env| env.count("pending") == 1);
    hang_up(&env, &run, "SIGHUP ignored", 1);
    assert_eq!(run.wait(), 0);
    assert_eq!(env.count("done"), 1);
}

#[test]
fn a_reload_lifts_a_budget() {
    let env = TestEnv::new(settings());
    env.configure("[budget]\nhours_per_day = 0.0015\n");
    for (name, seconds) in [("long.wav", 9), ("short.wav", 2)] {
        let recording = crate::harness::wav(seconds, seconds * 8_000);
        fs::write(env.path("recordings").join(name), recording).unwrap();
    }
    let mut daemon = start(&env, &["run"], 1);
    env.wait_until("the wait", |env| env.status()["over_budget"] == 1);
    env.configure("");
    hang_up(&env, &daemon, "the configuration was read again", 1);
    env.wait_until("the long recording", |env| env.count("done") == 2);
    assert_eq!(env.status()["over_budget"], 0);
    stop(&env, &mut daemon);
}

#[test]
fn a_reload_applies_the_limits_of_a_source() {
    let env = TestEnv::new(settings());
    env.configure_with("", &format!("{SOURCE}min_duration = '5s'\n"));
    for (name, seconds) in [("long.wav", 9), ("short.wav", 2)] {
        let recording = crate::harness::wav(seconds, seconds * 8_000);
        fs::write(env.path("recordings").join(name), recording).unwrap();
    }
    let mut daemon = start(&env, &["run"], 1);
    env.wait_until("the exclusion", |env| env.count("excluded") == 1);
    env.configure_with("", &format!("{SOURCE}min_duration = '1s'\n"));
    hang_up(&env, &daemon, "the configuration was read again", 1);
    env.wait_until("the short recording", |env| env.count("done") == 2);
    assert_eq!(env.count("excluded"), 0);
    stop(&env, &mut daemon);
    let summary = "2 done, 0 failed, 1 excluded";
    assert_eq!(count(&env, summary), 1, "{:?}", env.log_lines("log"));
}
