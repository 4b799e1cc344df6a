//! `status --watch` and the reasons of `list`, through the real binary.

use crate::harness::{TestEnv, settings};
use nightscribe::sandbox::Settings;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

fn slow() -> Settings {
    Settings {
        delay: Duration::from_secs(3600),
        ..settings()
    }
}

/// What `list` and `list --json` say of each item, newest first.
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
fn every_item_that_is_not_done_says_why() {
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
    env.wait_until("both at the service", |env| env.count("pending") == 2);
    for reason in reasons(&env) {
        assert!(reason.starts_with("pending since "), "{reason}");
        assert!(reason.contains(", expires "), "{reason}");
    }
    let shown = env.run(&["show", "1"]).stdout;
    assert!(shown.contains("\nwaiting     pending since "), "{shown}");
    child.signal("TERM");
    assert_eq!(child.wait(), 0);
}

#[test]
fn an_equal_recording_names_the_one_it_waits_for() {
    let env = TestEnv::new(slow());
    env.add_recording("a.wav", 1);
    let mut child = env.start(&["run"]);
    env.wait_until("the first", |env| env.count("pending") == 1);
    env.add_recording("b.wav", 1);
    env.wait_until("the second", |env| {
        env.items().len() == 2
            && env.item("b.wav")["waits_for"] == "same audio as item 1, which is in flight"
    });
    child.signal("TERM");
    assert_eq!(child.wait(), 0);
}

#[test]
fn what_is_done_waits_for_nothing() {
    let env = TestEnv::with_recordings(settings(), 1);
    env.run_once(0);
    assert!(env.item("0.wav")["waits_for"].is_null());
    assert!(reasons(&env).is_empty());
}

/// `status --watch` in a pipe, up to the first line that says so.
fn watched(env: &TestEnv, until: &str) -> Vec<String> {
    let mut child = env
        .command(&["status", "--watch"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut seen = Vec::new();
    for line in lines.map(Result::unwrap) {
        seen.push(line);
        if seen.last().unwrap().contains(until) {
            break;
        }
    }
    crate::harness::signal(&child, "INT");
    assert!(child.wait().unwrap().success());
    assert!(seen.last().unwrap().contains(until), "{seen:?}");
    seen
}

#[test]
fn in_a_pipe_the_view_comes_in_plain_blocks() {
    let env = TestEnv::with_recordings(settings(), 3);
    let seen = watched(&env, "0 queued");
    assert_eq!(seen.last().unwrap(), "0 queued · 0 pending · 0 done");
    fs::write(env.path("recordings/bad.wav"), "text").unwrap();
    env.run(&["scan"]);
    env.run(&["pause"]);
    let seen = watched(&env, "held: paused");
    assert!(seen[0].starts_with("nightscribe "), "{seen:?}");
    assert!(
        seen.iter()
            .any(|line| line == "4 queued · 0 pending · 0 done")
    );
    assert_eq!(seen.last().unwrap(), "       4  held: paused");
    env.run(&["resume"]);
    env.run_once(1);
    let seen = watched(&env, "bad.wav");
    assert!(seen.last().unwrap().contains("unsupported"), "{seen:?}");
    assert!(seen.iter().all(|line| !line.contains('\u{1b}')));
}
