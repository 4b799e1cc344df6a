//! Output for programs: `run --events`, and `--json` of each command.

use crate::harness::{TestEnv, settings};
use serde_json::Value;
use std::fs;

fn objects(text: &str) -> Vec<Value> {
    let lines = text.lines().map(serde_json::from_str);
    lines
        .collect::<Result<_, _>>()
        .unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn a_run_prints_an_object_per_event_and_the_summary_last() {
    let env = TestEnv::with_recordings(settings(), 2);
    fs::write(env.path("recordings/empty.wav"), "").unwrap();
    let run = env.run(&["-q", "run", "--once", "--events"]);
    assert_eq!(run.code, 1);
    let events = objects(&run.stdout);
    for (line, event) in run.stdout.lines().zip(&events) {
        assert!(
            line.starts_with("{\"event\":\"") && event["at"].is_string(),
            "{line}"
        );
    }
    let names: Vec<_> = events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    assert_eq!(names[0], "started");
    for name in [
        "scanned",
        "uploading",
        "accepted",
        "received",
        "done",
        "failed",
        "stopping",
    ] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    let summary = events.last().unwrap();
    assert_eq!(summary["event"], "summary");
    assert_eq!(
        (&summary["done"], &summary["failed"]),
        (&2.into(), &1.into())
    );
    assert_eq!(summary["submitted_s"], 2.0);
    assert!(summary["seconds"].as_f64().unwrap() > 0.0 && summary["cost"].is_number());
    let done = events
        .iter()
        .find(|event| event["event"] == "done")
        .unwrap();
    assert!(
        done["item"].is_number() && done["files"][0].is_string(),
        "{done}"
    );
}

#[test]
fn each_command_has_json() {
    let env = TestEnv::with_recordings(settings(), 2);
    let one = |args: &[&str]| {
        let result = env.run(args);
        let objects = objects(&result.stdout);
        assert_eq!(
            objects.len(),
            1,
            "{args:?}: {} {}",
            result.stdout,
            result.stderr
        );
        objects[0].clone()
    };
    assert_eq!(one(&["scan", "--json"])["new"], 2);
    assert_eq!(
        one(&["pause", "--until", "06:00", "--json"])["is_paused"],
        true
    );
    assert!(one(&["status", "--json"])["holds"][0]["ends"].is_string());
    assert_eq!(one(&["resume", "--json"])["is_resumed"], true);
    assert_eq!(one(&["cancel", "1", "--json"])["items"][0], 1);
    assert_eq!(one(&["retry", "1", "--json"])["items"][0], 1);
    assert_eq!(one(&["run", "--dry-run", "--json"])["files"], 2);
    assert_eq!(
        one(&["add", "recordings/0.wav", "--json"])["kind"],
        "already_recorded"
    );
    env.run_once(0);
    let exported = one(&["export", "1", "--format", "srt", "--json"]);
    assert_eq!(
        (&exported["item"], &exported["kind"]),
        (&1.into(), &"written".into())
    );
    assert_eq!(one(&["adopt", "--json"])["results"], 0);
    assert!(objects(&env.run(&["models", "--json"]).stdout).len() > 10);
    assert_eq!(
        objects(&env.run(&["show", "1-2", "--json"]).stdout).len(),
        2
    );
    let service = env.run(&["service", "status", "--user", "--json"]);
    assert!(service.stdout.is_empty() || !objects(&service.stdout).is_empty());
}
