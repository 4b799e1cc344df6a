//! `-q`: exactly what needs a person, so that cron sends mail only then.

use crate::harness::{CommandResult, TestEnv, settings};
use nightscribe_sandbox::Settings;
use serde_json::Value;
use std::fs;
use std::time::Duration;

fn run_quietly(env: &TestEnv) -> CommandResult {
    env.run(&["-q", "run", "--once"])
}

/// Asserts the exit code and the number of lines, and returns the text.
fn assert_lines(run: &CommandResult, code: i32, lines: usize) -> &str {
    assert_eq!(run.code, code, "{}", run.stderr);
    assert_eq!(run.stderr.lines().count(), lines, "{}", run.stderr);
    assert_eq!(run.stdout, "");
    &run.stderr
}

/// Adds a command that appends each notification to the file `messages`.
fn notify_to_file(env: &TestEnv, extra: &str, source: &str) {
    let command = "[notify]\ncommand = ['/bin/sh', '-c', 'cat >> messages; echo >> messages']\n";
    env.configure_with(&format!("{extra}{command}"), source);
}

fn messages(env: &TestEnv) -> Vec<Value> {
    let text = fs::read_to_string(env.path("messages")).unwrap();
    let lines = text.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().unwrap()
}

const SOURCE: &str = "[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = '0s'\n";

#[test]
fn an_unreachable_service_is_one_line_and_one_message() {
    let mut env = TestEnv::with_recordings(settings(), 1);
    notify_to_file(&env, "", SOURCE);
    env.stop_sandbox();
    let run = run_quietly(&env);
    let line = assert_lines(&run, 1, 1);
    assert!(
        line.contains("the service could not be reached: "),
        "{line}"
    );
    assert_eq!(env.count("queued"), 1);
    let messages = messages(&env);
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0]["problems"][0]["kind"], "unreachable");
}

#[test]
fn a_missing_source_is_one_line_and_one_message() {
    let env = TestEnv::with_recordings(settings(), 1);
    let missing = format!("{SOURCE}[[source]]\nname = 'gone'\npath = 'nowhere'\n");
    notify_to_file(&env, "", &missing);
    let run = run_quietly(&env);
    let line = assert_lines(&run, 1, 1);
    assert!(
        line.contains("source=\"gone\"") || line.contains("gone"),
        "{line}"
    );
    assert_eq!(env.count("done"), 1);
    let messages = messages(&env);
    let problem = &messages[0]["problems"][0];
    assert_eq!(problem["kind"], "source_missing");
    assert!(problem["message"].as_str().unwrap().contains("nowhere"));
}

#[test]
fn an_invalid_rules_file_is_one_line_and_exit_code_1() {
    let env = TestEnv::with_recordings(settings(), 1);
    fs::create_dir(env.path("recordings/bad")).unwrap();
    fs::write(env.path("recordings/bad/.nightscribe.toml"), "mdel = 'x'").unwrap();
    let run = run_quietly(&env);
    let line = assert_lines(&run, 1, 1);
    assert!(line.contains(".nightscribe.toml"), "{line}");
}

#[test]
fn a_refused_key_is_one_line() {
    let env = TestEnv::with_recordings(settings(), 3);
    let mut command = env.command(&["-q", "run", "--once"]);
    command.env("AIMLAPI_KEY", "sk-wrong");
    let run = crate::harness::run_command(&mut command);
    let line = assert_lines(&run, 3, 1);
    assert!(line.contains("Set a valid API key"), "{line}");
}

#[test]
fn a_used_up_budget_and_closed_hours_are_no_line() {
    let env = TestEnv::with_recordings(settings(), 2);
    env.configure("[budget]\nhours_per_run = 0.0003\n");
    assert_lines(&run_quietly(&env), 0, 0);
    let now = jiff::Zoned::now();
    let at = |hours: i64| {
        let time = now.checked_add(jiff::ToSpan::hours(hours)).unwrap();
        format!("{:02}:{:02}", time.hour(), time.minute())
    };
    let mut command = env.command(&["-q", "run", "--once"]);
    command.env(
        "NIGHTSCRIBE__SCHEDULE__ACTIVE_HOURS",
        format!("{}-{}", at(2), at(3)),
    );
    assert_lines(&crate::harness::run_command(&mut command), 0, 0);
}

#[test]
fn a_short_outage_is_no_line() {
    let settings = Settings {
        submits_per_minute: Some(2),
        minute: Duration::from_millis(300),
        ..settings()
    };
    let env = TestEnv::with_recordings(settings, 5);
    assert_lines(&run_quietly(&env), 0, 0);
    assert_eq!(env.count("done"), 5);
}

#[test]
fn another_run_is_no_line_for_a_run_of_limited_length() {
    let env = TestEnv::new(settings());
    let mut daemon = env.start(&["run"]);
    env.wait_until("the lock", |env| env.status()["runner"].is_object());
    assert_lines(&run_quietly(&env), 4, 0);
    assert_lines(&env.run(&["-q", "run", "--for", "1h"]), 4, 0);
    assert_lines(&env.run(&["-q", "run"]), 4, 1);
    assert_lines(&env.run(&["run", "--once"]), 4, 1);
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), 0);
}
