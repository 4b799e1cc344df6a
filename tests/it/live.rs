//! `status --watch`, and the reasons that `list` gives for waiting items.

use crate::harness::{TestEnv, settings};
use nightscribe_sandbox::Settings;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

/// Returns sandbox settings under which no transcription completes.
fn slow() -> Settings {
    Settings {
        delay: Duration::from_secs(3600),
        ..settings()
    }
}

/// Returns the `waits_for` of each item, oldest first. Asserts that `list` shows it too.
fn reasons(env: &TestEnv) -> Vec<String> {
    let items = env.items();
    let text = env.run(&["list"]).stdout;
    let reason = |item: &serde_json::Value| item["waits_for"].as_str().map(str::to_owned);
    let reasons: Vec<_> = items.iter().filter_map(reason).collect();
    for reason in &reasons {
        assert!(text.contains(reason), "{reason}: {text}");
    }
    reasons
}

#[test]
fn every_unfinished_item_has_a_reason() {
    let env = TestEnv::with_recordings(slow(), 2);
    env.run(&["scan"]);
    assert_eq!(reasons(&env), ["waiting for the next run"; 2]);
    env.run(&["pause"]);
    assert_eq!(reasons(&env), ["held: paused"; 2]);
    fs::rename(env.path("recordings"), env.path("gone")).unwrap();
    assert_eq!(reasons(&env), ["its folder is missing"; 2]);
    fs::rename(env.path("gone"), env.path("recordings")).unwrap();
    env.run(&["resume"]);
    let mut child = env.start(&["run"]);
    env.wait_until("both pending", |env| env.count("pending") == 2);
    for reason in reasons(&env) {
        assert!(reason.starts_with("pending since "), "{reason}");
        assert!(reason.contains(", expires "), "{reason}");
    }
    let text = env.run(&["show", "1"]).stdout;
    assert!(text.contains("\nwaiting     pending since "), "{text}");
    child.signal("TERM");
    assert_eq!(child.wait(), 0);
}

#[test]
fn a_duplicate_names_the_item_it_waits_for() {
    let env = TestEnv::new(slow());
    env.add_recording("a.wav", 1);
    let mut child = env.start(&["run"]);
    env.wait_until("the first pending", |env| env.count("pending") == 1);
    env.add_recording("b.wav", 1);
    env.wait_until("the second waiting", |env| {
        env.items().len() == 2
            && env.item("b.wav")["waits_for"] == "same audio as item 1, which is in flight"
    });
    child.signal("TERM");
    assert_eq!(child.wait(), 0);
}

#[test]
fn a_done_item_has_no_reason() {
    let env = TestEnv::with_recordings(settings(), 1);
    env.run_once(0);
    assert!(env.item("0.wav")["waits_for"].is_null());
    assert!(reasons(&env).is_empty());
}

/// Runs `status --watch` into a pipe. Returns its lines up to the first that contains `until`.
fn watch_until(env: &TestEnv, until: &str) -> Vec<String> {
    let mut child = env
        .command(&["status", "--watch"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut lines = Vec::new();
    for line in output.map(Result::unwrap) {
        lines.push(line);
        if lines.last().unwrap().contains(until) {
            break;
        }
    }
    crate::harness::signal(&child, "INT");
    assert!(child.wait().unwrap().success());
    assert!(lines.last().unwrap().contains(until), "{lines:?}");
    lines
}

#[test]
fn watch_prints_plain_blocks_to_a_pipe() {
    let env = TestEnv::with_recordings(settings(), 3);
    let lines = watch_until(&env, "0 queued");
    assert_eq!(lines.last().unwrap(), "0 queued · 0 pending · 0 done");
    fs::write(env.path("recordings/bad.wav"), "text").unwrap();
    env.run(&["scan"]);
    env.run(&["pause"]);
    let lines = watch_until(&env, "held: paused");
    assert!(lines[0].starts_with("nightscribe "), "{lines:?}");
    assert!(
        lines
            .iter()
            .any(|line| line == "4 queued · 0 pending · 0 done")
    );
    assert_eq!(lines.last().unwrap(), "       4  held: paused");
    env.run(&["resume"]);
    env.run_once(1);
    let lines = watch_until(&env, "bad.wav");
    assert!(lines.last().unwrap().contains("unsupported"), "{lines:?}");
    assert!(lines.iter().all(|line| !line.contains('\u{1b}')));
}
