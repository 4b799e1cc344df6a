//! The command channel, and the content of the messages.

use super::{messages, notify, with_command};
use crate::harness::{KEY, TestEnv, settings};
use crate::os_faults::with_ulimit;
use nightscribe_sandbox::{Faults, Settings};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

#[test]
fn a_run_sends_one_summary() {
    let env = with_command(TestEnv::with_recordings(settings(), 2));
    fs::write(env.path("recordings/no.wav"), "text").unwrap();
    env.run_once(1);
    let messages = messages(&env);
    assert_eq!(messages.len(), 1, "{messages:?}");
    let message = &messages[0];
    assert_eq!(message["version"], 1);
    assert_eq!(message["kind"], "summary");
    assert_eq!(
        (&message["done"], &message["failed"]),
        (&2.into(), &1.into())
    );
    assert_eq!(message["audio_s"], 2.0);
    assert_eq!(message["holds"].as_array().unwrap().len(), 0);
    let failures = message["failures"].as_array().unwrap();
    assert_eq!(failures.len(), 1);
    let item = env.item("no.wav");
    assert_eq!(failures[0]["id"], item["id"]);
    assert_eq!(failures[0]["path"], item["path"]);
    assert_eq!(failures[0]["class"], item["error"]["class"]);
    assert_eq!(failures[0]["message"], item["error"]["message"]);
    assert!(failures[0]["advice"].as_str().unwrap().ends_with('.'));
    assert_eq!(message["id"].as_str().unwrap().len(), 32);
}

#[test]
fn a_run_without_work_sends_no_summary() {
    let env = with_command(TestEnv::with_recordings(settings(), 1));
    env.run_once(0);
    env.run_once(0);
    assert_eq!(messages(&env).len(), 1);
    env.add_recording("new.wav", 9);
    env.run_once(0);
    let messages = messages(&env);
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[1]["done"], 1);
    assert_eq!(messages[1]["run"]["since"], messages[0]["run"]["until"]);
    assert_ne!(messages[1]["id"], messages[0]["id"]);
}

#[test]
fn the_summary_after_a_crash_includes_earlier_work() {
    let env = with_command(TestEnv::with_recordings(settings(), 3));
    let mut daemon = env.start(&["run"]);
    env.wait_until("all are done", |env| env.count("done") == 3);
    daemon.signal("KILL");
    daemon.wait();
    assert_eq!(messages(&env).len(), 0);
    env.run_once(0);
    let messages = messages(&env);
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0]["done"], 3);
}

#[test]
fn a_stopped_daemon_sends_a_summary() {
    let env = with_command(TestEnv::with_recordings(settings(), 2));
    let mut daemon = env.start(&["run"]);
    env.wait_until("all are done", |env| env.count("done") == 2);
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), 0);
    let messages = messages(&env);
    assert_eq!(messages.len(), 1);
    assert_eq!(
        (&messages[0]["kind"], &messages[0]["done"]),
        (&"summary".into(), &2.into())
    );
}

#[test]
fn a_rejected_key_is_reported_immediately_and_once() {
    let faults: Faults = "unauthorized=1".parse().unwrap();
    let settings = Settings {
        faults,
        ..settings()
    };
    let env = with_command(TestEnv::with_recordings(settings, 1));
    let mut daemon = env.start(&["run"]);
    env.wait_until("the message", |env| !messages(env).is_empty());
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), 0);
    env.run_once(3);
    let messages = messages(&env);
    let kinds: Vec<_> = messages
        .iter()
        .map(|message| message["kind"].clone())
        .collect();
    assert_eq!(kinds, ["attention", "summary", "summary"]);
    for message in &messages {
        assert_eq!(message["holds"][0]["kind"], "auth");
    }
    assert_eq!(messages[0]["audio_s"], Value::Null);
}

#[test]
fn a_full_disk_is_reported_without_the_outbox() {
    let env = with_command(TestEnv::with_recordings(settings(), 40));
    // Large enough for the queue, too small for the rest of the run.
    let mut daemon = with_ulimit(&env, "-f 2000", "run");
    let mut daemon = daemon.stderr(Stdio::null()).spawn().unwrap();
    env.wait_until("the message", |env| !messages(env).is_empty());
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    let messages = messages(&env);
    assert_eq!(messages[0]["kind"], "attention");
    assert_eq!(messages[0]["holds"][0]["kind"], "disk");
}

#[test]
fn a_pause_appears_only_in_the_summary() {
    let env = with_command(TestEnv::with_recordings(settings(), 1));
    env.run(&["pause"]);
    env.run_once(3);
    let messages = messages(&env);
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0]["kind"], "summary");
    assert_eq!(messages[0]["holds"][0]["kind"], "operator");
}

#[test]
fn a_failed_command_gets_the_same_message_again() {
    let env = TestEnv::with_recordings(settings(), 1);
    let script = "cat >> messages; echo >> messages; test -e once || { : > once; echo no line >&2; exit 1; }";
    env.configure(&notify(&format!("command = ['/bin/sh', '-c', '{script}']")));
    let result = env.run_once(0);
    assert!(
        result.stderr.contains("exit status 1: no line"),
        "{}",
        result.stderr
    );
    let first_run = messages(&env);
    assert_eq!(first_run.len(), 2);
    assert_eq!(first_run[0], first_run[1]);
    env.run_once(0);
    assert_eq!(messages(&env).len(), 2);
}

#[test]
fn a_command_interrupted_by_a_crash_is_repeated() {
    let env = TestEnv::with_recordings(settings(), 1);
    let status = Command::new("mkfifo")
        .arg(env.path("pipe"))
        .status()
        .unwrap();
    assert!(status.success());
    let mut pipe = fs::File::options();
    let mut pipe = pipe.read(true).write(true).open(env.path("pipe")).unwrap();
    let script =
        "cat >> messages; echo >> messages; test -e once || { : > once; read line < pipe; }";
    env.configure(&notify(&format!("command = ['/bin/sh', '-c', '{script}']")));
    let mut run = env.start(&["run", "--once"]);
    env.wait_until("the command has started", |env| env.path("once").exists());
    run.signal("KILL");
    assert_eq!(run.wait(), -1);
    pipe.write_all(b"\n").unwrap();
    env.run_once(0);
    let messages = messages(&env);
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0], messages[1]);
}

#[test]
fn a_command_inherits_no_secret() {
    let env = TestEnv::with_recordings(settings(), 1);
    env.configure(&notify(
        "command = ['/usr/bin/env', 'sh', '-c', 'env > environment']",
    ));
    env.run_once(0);
    let environment = fs::read_to_string(env.path("environment")).unwrap();
    assert!(environment.contains("PWD="), "{environment}");
    assert!(!environment.contains(KEY), "{environment}");
}

#[test]
fn a_missing_secret_stops_the_run_before_submission() {
    let env = TestEnv::with_recordings(settings(), 1);
    env.configure(&notify(
        "webhook = 'http://127.0.0.1:9/'\nwebhook_secret_env = 'WEBHOOK_SECRET'",
    ));
    let result = env.run(&["run", "--once"]);
    assert_eq!(result.code, 2);
    assert!(
        result
            .stderr
            .contains("the environment variable `WEBHOOK_SECRET` is not set"),
        "{}",
        result.stderr
    );
    assert_eq!(env.sandbox().ledger().generations.len(), 0);
}

#[test]
fn check_reports_each_channel() {
    let env = TestEnv::new(settings());
    env.configure(
        "[notify]\ncommand = ['/bin/sh']\nwebhook = 'https://example.org/secret-path'\nwebhook_secret_file = 'gone'\n\
         [notify.email]\nto = ['me@example.org']\nfrom = 'n@example.org'\nserver = 'smtp://localhost:9'\n\
         [hooks]\non_done = ['no-such-program']\n",
    );
    let check = env.run(&["check"]);
    assert_eq!(check.code, 2);
    let line = |label: &str| {
        let mut lines = check.stdout.lines();
        let line = lines.find(|line| line.get(6..).is_some_and(|rest| rest.starts_with(label)));
        line.unwrap_or_else(|| panic!("{label}: {}", check.stdout))
            .to_owned()
    };
    assert_eq!(line("command"), "ok    command       /bin/sh");
    assert!(line("webhook").starts_with("FAIL"), "{}", check.stdout);
    assert!(line("webhook").contains("gone"), "{}", check.stdout);
    assert!(
        line("e-mail").starts_with("FAIL  e-mail        mail server: "),
        "{}",
        check.stdout
    );
    assert_eq!(
        line("hook"),
        "FAIL  hook          `no-such-program` is not an executable program"
    );
    assert!(
        !check.stdout.contains("/secret-path"),
        "the path of a webhook may be secret"
    );
}
