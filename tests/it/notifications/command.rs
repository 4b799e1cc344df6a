//! The program, and what the messages say.

use super::{notify, told, with_command};
use crate::harness::{KEY, TestEnv, settings};
use crate::os_faults::with_ulimit;
use nightscribe_sandbox::{Faults, Settings};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

#[test]
fn a_run_tells_what_it_came_to_in_one_message() {
    let env = with_command(TestEnv::with_recordings(settings(), 2));
    fs::write(env.path("recordings/no.wav"), "text").unwrap();
    env.run_once(1);
    let told = told(&env);
    assert_eq!(told.len(), 1, "{told:?}");
    let message = &told[0];
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
fn a_run_with_nothing_to_tell_tells_nothing_and_the_next_begins_where_the_last_ended() {
    let env = with_command(TestEnv::with_recordings(settings(), 1));
    env.run_once(0);
    env.run_once(0);
    assert_eq!(told(&env).len(), 1);
    env.add_recording("new.wav", 9);
    env.run_once(0);
    let told = told(&env);
    assert_eq!(told.len(), 2);
    assert_eq!(told[1]["done"], 1);
    assert_eq!(told[1]["run"]["since"], told[0]["run"]["until"]);
    assert_ne!(told[1]["id"], told[0]["id"]);
}

#[test]
fn what_was_done_before_a_crash_is_in_the_next_summary() {
    let env = with_command(TestEnv::with_recordings(settings(), 3));
    let mut daemon = env.start(&["run"]);
    env.wait_until("all are done", |env| env.count("done") == 3);
    daemon.signal("KILL");
    daemon.wait();
    assert_eq!(told(&env).len(), 0);
    env.run_once(0);
    let told = told(&env);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["done"], 3);
}

#[test]
fn a_daemon_that_is_stopped_tells_what_it_came_to() {
    let env = with_command(TestEnv::with_recordings(settings(), 2));
    let mut daemon = env.start(&["run"]);
    env.wait_until("all are done", |env| env.count("done") == 2);
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), 0);
    let told = told(&env);
    assert_eq!(told.len(), 1);
    assert_eq!(
        (&told[0]["kind"], &told[0]["done"]),
        (&"summary".into(), &2.into())
    );
}

#[test]
fn a_refused_key_is_told_at_once_and_once() {
    let faults: Faults = "unauthorized=1".parse().unwrap();
    let settings = Settings {
        faults,
        ..settings()
    };
    let env = with_command(TestEnv::with_recordings(settings, 1));
    let mut daemon = env.start(&["run"]);
    env.wait_until("it is told", |env| !told(env).is_empty());
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), 0);
    env.run_once(3);
    let told = told(&env);
    let kinds: Vec<_> = told.iter().map(|message| message["kind"].clone()).collect();
    assert_eq!(kinds, ["attention", "summary", "summary"]);
    for message in &told {
        assert_eq!(message["holds"][0]["kind"], "auth");
    }
    assert_eq!(told[0]["audio_s"], Value::Null);
}

#[test]
fn a_database_without_room_is_told_though_it_cannot_keep_the_message() {
    let env = with_command(TestEnv::with_recordings(settings(), 40));
    // Enough for the queue, not for all that follows.
    let mut daemon = with_ulimit(&env, "-f 2000", "run");
    let mut daemon = daemon.stderr(Stdio::null()).spawn().unwrap();
    env.wait_until("it is told", |env| !told(env).is_empty());
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    let told = told(&env);
    assert_eq!(told[0]["kind"], "attention");
    assert_eq!(told[0]["holds"][0]["kind"], "disk");
}

#[test]
fn a_pause_needs_nobody_but_is_in_the_summary() {
    let env = with_command(TestEnv::with_recordings(settings(), 1));
    env.run(&["pause"]);
    env.run_once(3);
    let told = told(&env);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["kind"], "summary");
    assert_eq!(told[0]["holds"][0]["kind"], "operator");
}

#[test]
fn a_program_that_fails_gets_the_same_message_again() {
    let env = TestEnv::with_recordings(settings(), 1);
    let script =
        "cat >> told; echo >> told; test -e once || { : > once; echo no line >&2; exit 1; }";
    env.configure(&notify(&format!("command = ['/bin/sh', '-c', '{script}']")));
    let ended = env.run_once(0);
    assert!(
        ended.stderr.contains("exit status 1: no line"),
        "{}",
        ended.stderr
    );
    let first = told(&env);
    assert_eq!(first.len(), 2);
    assert_eq!(first[0], first[1]);
    env.run_once(0);
    assert_eq!(told(&env).len(), 2);
}

#[test]
fn a_program_under_way_at_a_crash_gets_the_same_message_again() {
    let env = TestEnv::with_recordings(settings(), 1);
    let made = Command::new("mkfifo")
        .arg(env.path("pipe"))
        .status()
        .unwrap();
    assert!(made.success());
    let mut pipe = fs::File::options();
    let mut pipe = pipe.read(true).write(true).open(env.path("pipe")).unwrap();
    let script = "cat >> told; echo >> told; test -e once || { : > once; read line < pipe; }";
    env.configure(&notify(&format!("command = ['/bin/sh', '-c', '{script}']")));
    let mut run = env.start(&["run", "--once"]);
    env.wait_until("it is being told", |env| env.path("once").exists());
    run.signal("KILL");
    assert_eq!(run.wait(), -1);
    pipe.write_all(b"\n").unwrap();
    env.run_once(0);
    let told = told(&env);
    assert_eq!(told.len(), 2);
    assert_eq!(told[0], told[1]);
}

#[test]
fn a_program_gets_no_secret() {
    let env = TestEnv::with_recordings(settings(), 1);
    env.configure(&notify(
        "command = ['/usr/bin/env', 'sh', '-c', 'env > seen']",
    ));
    env.run_once(0);
    let seen = fs::read_to_string(env.path("seen")).unwrap();
    assert!(seen.contains("PWD="), "{seen}");
    assert!(!seen.contains(KEY), "{seen}");
}

#[test]
fn a_secret_that_is_not_there_stops_a_run_before_anything_is_paid() {
    let env = TestEnv::with_recordings(settings(), 1);
    env.configure(&notify(
        "webhook = 'http://127.0.0.1:9/'\nwebhook_secret_env = 'HUSH'",
    ));
    let ended = env.run(&["run", "--once"]);
    assert_eq!(ended.code, 2);
    assert!(
        ended
            .stderr
            .contains("the environment variable `HUSH` is not set"),
        "{}",
        ended.stderr
    );
    assert_eq!(env.sandbox().ledger().generations.len(), 0);
}

#[test]
fn check_says_of_each_channel_whether_it_could_work() {
    let env = TestEnv::new(settings());
    env.configure(
        "[notify]\ncommand = ['/bin/sh']\nwebhook = 'https://example.org/hush'\nwebhook_secret_file = 'gone'\n\
         [notify.email]\nto = ['me@example.org']\nfrom = 'n@example.org'\nserver = 'smtp://localhost'\n\
         [hooks]\non_done = ['no-such-program']\n",
    );
    let check = env.run(&["check"]);
    assert_eq!(check.code, 2);
    let line = |what: &str| {
        let mut lines = check.stdout.lines();
        let line = lines.find(|line| line.get(6..).is_some_and(|rest| rest.starts_with(what)));
        line.unwrap_or_else(|| panic!("{what}: {}", check.stdout))
            .to_owned()
    };
    assert_eq!(line("command"), "ok    command       /bin/sh");
    assert!(line("webhook").starts_with("FAIL"), "{}", check.stdout);
    assert!(line("webhook").contains("gone"), "{}", check.stdout);
    assert_eq!(
        line("e-mail"),
        "ok    e-mail        to me@example.org through localhost"
    );
    assert_eq!(
        line("hook"),
        "FAIL  hook          `no-such-program` is not an executable program"
    );
    assert!(!check.stdout.contains("/hush"), "its path may be a secret");
}
