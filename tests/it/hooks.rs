//! Hooks: one command per transcript, with limited concurrency, whose failure does not affect the recording.

use crate::harness::{TestEnv, settings, signal};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

/// Configures `script` as the `on_done` hook. `extra` adds keys to `[hooks]`.
fn configure_hook(env: &TestEnv, script: &str, extra: &str) {
    env.configure(&format!(
        "[hooks]\non_done = ['/bin/sh', '-c', '{script}', 'hook', '{{id}}', '{{source}}', '{{recording}}', '{{dir}}', '{{txt}}', '{{json}}']\n{extra}\n"
    ));
}

/// Returns the lines of a file, or none if it does not exist.
fn read_lines(env: &TestEnv, name: &str) -> Vec<String> {
    let text = fs::read_to_string(env.path(name)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Returns the hook result of an item from `show --json`.
fn hook_result(env: &TestEnv, id: u32) -> Value {
    let text = env.run(&["show", &id.to_string(), "--json"]).stdout;
    serde_json::from_str::<Value>(&text).unwrap()["hook"].clone()
}

/// Returns the line on the hook of item 1 from `show`.
fn hook_line(env: &TestEnv) -> String {
    let text = env.run(&["show", "1"]).stdout;
    let line = text.lines().find(|line| line.starts_with("hook "));
    line.unwrap_or_default().to_owned()
}

#[test]
fn a_hook_runs_once_per_transcript() {
    let env = TestEnv::new(settings());
    env.add_recording("a b$(touch no).wav", 1);
    configure_hook(&env, r#"for one in "$@"; do echo "$one" >> ran; done"#, "");
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
    assert_eq!(read_lines(&env, "ran"), expected);
    assert!(!env.path("no").exists());
    let hook = hook_result(&env, 1);
    assert_eq!((&hook["status"], &hook["error"]), (&0.into(), &Value::Null));
    assert!(hook["ended_at"].is_string());
    assert!(
        hook_line(&env).starts_with("hook        exit status 0 at 2"),
        "{}",
        hook_line(&env)
    );
    env.run_once(0);
    assert_eq!(read_lines(&env, "ran").len(), 6);
}

#[test]
fn a_failed_hook_is_not_retried() {
    let env = TestEnv::with_recordings(settings(), 1);
    configure_hook(&env, "echo x >> ran; echo no room >&2; exit 3", "");
    env.run_once(0);
    env.run_once(0);
    assert_eq!(read_lines(&env, "ran").len(), 1);
    assert_eq!(env.count("done"), 1);
    let hook = hook_result(&env, 1);
    assert_eq!(
        (&hook["status"], &hook["error"]),
        (&3.into(), &"exit status 3: no room".into())
    );
    assert!(hook_line(&env).starts_with("hook        exit status 3: no room at 2"));
}

#[test]
fn a_hook_that_cannot_start_fails_no_recording() {
    let env = TestEnv::with_recordings(settings(), 1);
    env.configure("[hooks]\non_done = ['./no-such-program']\n");
    env.run_once(0);
    let error = hook_result(&env, 1)["error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("cannot start `"), "{error}");
    assert!(error.contains("no-such-program`: "), "{error}");
}

#[test]
fn a_slow_hook_is_killed() {
    let env = TestEnv::with_recordings(settings(), 1);
    let _pipe = create_pipe(&env);
    configure_hook(&env, "read line < pipe", "timeout = \"200ms\"");
    env.run_once(0);
    let hook = hook_result(&env, 1);
    let error = "timed out after 200ms and was killed";
    assert_eq!(
        (&hook["status"], &hook["error"]),
        (&Value::Null, &error.into())
    );
}

#[test]
fn hook_concurrency_is_limited() {
    let env = TestEnv::with_recordings(settings(), 6);
    let script = "echo begin >> log; while test $(grep -c begin log) -lt 2; do sleep 0.01; done; echo end >> log";
    configure_hook(&env, script, "concurrency = 2");
    env.run_once(0);
    let log = read_lines(&env, "log");
    assert_eq!(log.len(), 12);
    let (mut running, mut maximum) = (0, 0);
    for line in log {
        running += if line == "begin" { 1 } else { -1 };
        maximum = maximum.max(running);
    }
    assert_eq!(maximum, 2);
}

#[test]
fn unfinished_hooks_run_again_after_a_crash() {
    let env = TestEnv::with_recordings(settings(), 3);
    let mut pipe = create_pipe(&env);
    configure_hook(
        &env,
        "echo $1 >> begun; read line < pipe; echo $1 >> ended",
        "",
    );
    let mut run = env.start(&["run", "--once"]);
    env.wait_until("two running hooks", |env| {
        read_lines(env, "begun").len() == 2
    });
    env.wait_until("all transcripts", |env| env.count("done") == 3);
    assert!(
        hook_line(&env).starts_with("hook        waiting"),
        "{}",
        hook_line(&env)
    );
    run.signal("KILL");
    run.wait();
    pipe.write_all(b"\n\n\n\n\n").unwrap();
    env.run_once(0);
    let mut begun = read_lines(&env, "begun");
    begun.sort();
    begun.dedup();
    assert_eq!(begun, ["1", "2", "3"]);
    for id in 1..=3 {
        assert_eq!(hook_result(&env, id)["status"], 0);
    }
    assert_eq!(env.sandbox().ledger().generations.len(), 3);
}

#[test]
fn waiting_hooks_run_at_the_next_start() {
    let env = TestEnv::with_recordings(settings(), 3);
    let mut pipe = create_pipe(&env);
    configure_hook(
        &env,
        "echo $1 >> begun; read line < pipe",
        "concurrency = 1",
    );
    let mut daemon = env.command(&["run"]);
    let mut daemon = daemon.stderr(Stdio::piped()).spawn().unwrap();
    env.wait_until("one running hook", |env| {
        read_lines(env, "begun").len() == 1
    });
    env.wait_until("all transcripts", |env| env.count("done") == 3);
    signal(&daemon, "TERM");
    let mut log = BufReader::new(daemon.stderr.take().unwrap()).lines();
    assert!(log.any(|line| line.unwrap().contains("stopping")));
    // The daemon waits for a running hook.
    pipe.write_all(b"\n").unwrap();
    assert!(daemon.wait().unwrap().success());
    assert_eq!(read_lines(&env, "begun").len(), 1);
    pipe.write_all(b"\n\n\n").unwrap();
    env.run_once(0);
    for id in 1..=3 {
        assert_eq!(hook_result(&env, id)["status"], 0);
    }
}

#[test]
fn an_unknown_or_unavailable_placeholder_is_rejected() {
    let env = TestEnv::with_recordings(settings(), 1);
    for (argument, expected) in [
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
        let result = env.run(&["run", "--once"]);
        assert_eq!(result.code, 2);
        assert!(result.stderr.contains(expected), "{}", result.stderr);
    }
}

/// Creates the named pipe `pipe` and opens it.
///
/// Hooks block on it until a line is written. The pipe is opened for reading too, so that lines stay available after
/// a reader has exited.
fn create_pipe(env: &TestEnv) -> fs::File {
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
