//! What is run for each transcript: once, a few at once, and never in the way.

use crate::harness::{TestEnv, settings, signal};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

fn hooks(env: &TestEnv, script: &str, rest: &str) {
    env.configure(&format!(
        "[hooks]\non_done = ['/bin/sh', '-c', '{script}', 'hook', '{{id}}', '{{source}}', '{{recording}}', '{{dir}}', '{{txt}}', '{{json}}']\n{rest}\n"
    ));
}

fn lines(env: &TestEnv, name: &str) -> Vec<String> {
    let text = fs::read_to_string(env.path(name)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn hook(env: &TestEnv, id: u32) -> Value {
    let shown = env.run(&["show", &id.to_string(), "--json"]).stdout;
    serde_json::from_str::<Value>(&shown).unwrap()["hook"].clone()
}

fn shown(env: &TestEnv) -> String {
    let shown = env.run(&["show", "1"]).stdout;
    let line = shown.lines().find(|line| line.starts_with("hook "));
    line.unwrap_or_default().to_owned()
}

#[test]
fn a_hook_is_run_for_each_transcript_with_its_files_as_arguments() {
    let env = TestEnv::new(settings());
    env.add_recording("a b$(touch no).wav", 1);
    hooks(&env, r#"for one in "$@"; do echo "$one" >> ran; done"#, "");
    env.run_once(0);
    let item = env.item("a b$(touch no).wav");
    let folder = env.path("transcripts/talks").canonicalize().unwrap();
    let file = |ending: &str| {
        folder
            .join(format!("a b$(touch no).{ending}"))
            .display()
            .to_string()
    };
    let expected = [
        "1".to_owned(),
        "talks".to_owned(),
        item["path"].as_str().unwrap().to_owned(),
        folder.display().to_string(),
        file("txt"),
        file("json"),
    ];
    assert_eq!(lines(&env, "ran"), expected);
    assert!(!env.path("no").exists());
    let hook = hook(&env, 1);
    assert_eq!((&hook["status"], &hook["error"]), (&0.into(), &Value::Null));
    assert!(hook["ended_at"].is_string());
    assert!(
        shown(&env).starts_with("hook        exit status 0 at 2"),
        "{}",
        shown(&env)
    );
    env.run_once(0);
    assert_eq!(lines(&env, "ran").len(), 6);
}

#[test]
fn a_hook_that_fails_fails_nothing_and_is_not_run_again() {
    let env = TestEnv::with_recordings(settings(), 1);
    hooks(&env, "echo x >> ran; echo no room >&2; exit 3", "");
    env.run_once(0);
    env.run_once(0);
    assert_eq!(lines(&env, "ran").len(), 1);
    assert_eq!(env.count("done"), 1);
    let hook = hook(&env, 1);
    assert_eq!(
        (&hook["status"], &hook["error"]),
        (&3.into(), &"exit status 3: no room".into())
    );
    assert!(shown(&env).starts_with("hook        exit status 3: no room at 2"));
}

#[test]
fn a_hook_that_cannot_be_started_fails_nothing() {
    let env = TestEnv::with_recordings(settings(), 1);
    env.configure("[hooks]\non_done = ['./no-such-program']\n");
    env.run_once(0);
    let error = hook(&env, 1)["error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("cannot start `"), "{error}");
    assert!(error.contains("no-such-program`: "), "{error}");
}

#[test]
fn a_hook_that_takes_too_long_is_killed() {
    let env = TestEnv::with_recordings(settings(), 1);
    let _gate = gate(&env);
    hooks(&env, "read line < pipe", "timeout = \"200ms\"");
    env.run_once(0);
    let hook = hook(&env, 1);
    let error = "timed out after 200ms and was killed";
    assert_eq!(
        (&hook["status"], &hook["error"]),
        (&Value::Null, &error.into())
    );
}

#[test]
fn as_many_hooks_run_at_once_as_are_allowed_and_no_more() {
    let env = TestEnv::with_recordings(settings(), 6);
    let script = "echo begin >> log; while test $(grep -c begin log) -lt 2; do sleep 0.01; done; echo end >> log";
    hooks(&env, script, "concurrency = 2");
    env.run_once(0);
    let log = lines(&env, "log");
    assert_eq!(log.len(), 12);
    let (mut running, mut most) = (0, 0);
    for line in log {
        running += if line == "begin" { 1 } else { -1 };
        most = most.max(running);
    }
    assert_eq!(most, 2);
}

#[test]
fn hooks_that_did_not_end_before_a_crash_are_run_at_the_next_start() {
    let env = TestEnv::with_recordings(settings(), 3);
    let mut gate = gate(&env);
    hooks(
        &env,
        "echo $1 >> begun; read line < pipe; echo $1 >> ended",
        "",
    );
    let mut run = env.start(&["run", "--once"]);
    env.wait_until("two run", |env| lines(env, "begun").len() == 2);
    env.wait_until("all are done", |env| env.count("done") == 3);
    assert!(
        shown(&env).starts_with("hook        waiting"),
        "{}",
        shown(&env)
    );
    run.signal("KILL");
    run.wait();
    gate.write_all(b"\n\n\n\n\n").unwrap();
    env.run_once(0);
    let mut begun = lines(&env, "begun");
    begun.sort();
    begun.dedup();
    assert_eq!(begun, ["1", "2", "3"]);
    for id in 1..=3 {
        assert_eq!(hook(&env, id)["status"], 0);
    }
    assert_eq!(env.sandbox().ledger().generations.len(), 3);
}

#[test]
fn a_daemon_that_is_stopped_leaves_hooks_that_wait_for_the_next_start() {
    let env = TestEnv::with_recordings(settings(), 3);
    let mut gate = gate(&env);
    hooks(
        &env,
        "echo $1 >> begun; read line < pipe",
        "concurrency = 1",
    );
    let mut daemon = env.command(&["run"]);
    let mut daemon = daemon.stderr(Stdio::piped()).spawn().unwrap();
    env.wait_until("one runs", |env| lines(env, "begun").len() == 1);
    env.wait_until("all are done", |env| env.count("done") == 3);
    signal(&daemon, "TERM");
    let mut log = BufReader::new(daemon.stderr.take().unwrap()).lines();
    assert!(log.any(|line| line.unwrap().contains("stopping")));
    // What runs is let end.
    gate.write_all(b"\n").unwrap();
    assert!(daemon.wait().unwrap().success());
    assert_eq!(lines(&env, "begun").len(), 1);
    gate.write_all(b"\n\n\n").unwrap();
    env.run_once(0);
    for id in 1..=3 {
        assert_eq!(hook(&env, id)["status"], 0);
    }
}

#[test]
fn a_placeholder_that_there_is_not_is_refused() {
    let env = TestEnv::with_recordings(settings(), 1);
    for (argument, said) in [
        (
            "{recoding}",
            "unknown placeholder `{recoding}`; did you mean `recording`?",
        ),
        (
            "{md}",
            "`{md}` is never written: add \"md\" to `output.formats`",
        ),
    ] {
        env.configure(&format!("[hooks]\non_done = ['/bin/sh', '{argument}']\n"));
        let ended = env.run(&["run", "--once"]);
        assert_eq!(ended.code, 2);
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
}

/// A pipe on which hooks wait, held open, so that what is written to it is there for whoever reads.
fn gate(env: &TestEnv) -> fs::File {
    let pipe = env.path("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    fs::File::options()
        .read(true)
        .write(true)
        .open(pipe)
        .unwrap()
}
