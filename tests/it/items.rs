//! Commands for items: add, list, show, cancel and retry.

use crate::harness::{TestEnv, settings};
use nightscribe_sandbox::Settings;
use serde_json::Value;
use std::fs;
use std::time::Duration;

#[test]
fn single_files_and_urls_can_be_added() {
    let env = TestEnv::new(settings());
    fs::write(env.path("apart.wav"), crate::harness::wav(5, 8_000)).unwrap();
    env.add_recording("inside.wav", 6);
    let add = env.run(&[
        "add",
        "apart.wav",
        "recordings/inside.wav",
        "https://example.org/a/talk%20one.mp3?t=1",
    ]);
    assert_eq!(add.code, 0, "{}", add.stderr);
    assert_eq!(add.stdout.lines().count(), 3);
    assert!(add.stdout.starts_with("apart.wav: queued (1)\n"));
    assert!(
        env.run(&["add", "apart.wav"])
            .stdout
            .contains("already recorded")
    );
    env.run_once(0);
    assert_eq!(env.count("done"), 3);
    let names = env.file_names("transcripts/talks");
    assert!(
        names.contains(&"talk one.txt".to_owned()) && names.contains(&"apart.srt".to_owned()),
        "{names:?}"
    );
    assert_eq!(
        env.item("talk one.mp3")["path"],
        "https://example.org/a/talk%20one.mp3?t=1"
    );
    for wrong in [
        &["add", "missing.wav"][..],
        &["add", "ftp://x/y.mp3"],
        &["add", "recordings"],
        &["add", "--source", "talk", "apart.wav"],
    ] {
        assert_eq!(env.run(wrong).code, 2, "{wrong:?}");
    }
    assert!(
        env.run(&["add", "--source", "talk", "apart.wav"])
            .stderr
            .contains("did you mean `talks`?")
    );
}

#[test]
fn list_filters_and_show_accepts_ids_and_paths() {
    let env = TestEnv::with_recordings(settings(), 3);
    fs::write(env.path("recordings/bad.wav"), "text").unwrap();
    env.run_once(1);
    let line_count = |args: &[&str]| env.run(args).stdout.lines().count();
    assert_eq!(line_count(&["list", "--json"]), 4);
    assert_eq!(line_count(&["list", "--json", "--state", "done"]), 3);
    assert_eq!(
        line_count(&[
            "list", "--json", "--state", "done", "--state", "failed", "--limit", "2"
        ]),
        2
    );
    assert_eq!(line_count(&["list", "--json", "--source", "other"]), 0);
    assert_eq!(line_count(&["list"]), 5);
    let item = env.item("0.wav");
    for key in [
        "id",
        "source",
        "path",
        "state",
        "model",
        "attempts",
        "generation_id",
        "duration_s",
        "error",
        "outputs",
        "created_at",
        "updated_at",
    ] {
        assert!(item.get(key).is_some(), "{key}");
    }
    assert_eq!(
        (item["duration_s"].as_f64(), item["error"].is_null()),
        (Some(1.0), true)
    );
    assert_eq!(item["outputs"].as_array().unwrap().len(), 4);
    for argument in [
        "1",
        "recordings/0.wav",
        env.path("recordings/0.wav").to_str().unwrap(),
    ] {
        let item: Value =
            serde_json::from_str(&env.run(&["show", argument, "--json"]).stdout).unwrap();
        assert_eq!(item["id"], 1);
        assert_eq!(item["history"].as_array().unwrap().len(), 1);
    }
    let bad = env.item("bad.wav");
    assert_eq!(
        bad["error"]["message"],
        "the file is not a recording: it looks like text"
    );
    assert_eq!(env.run(&["show", "99"]).code, 2);
}

#[test]
fn items_can_be_cancelled_and_requeued() {
    let env = TestEnv::with_recordings(
        Settings {
            delay: Duration::from_secs(3600),
            ..settings()
        },
        2,
    );
    env.run(&["scan"]);
    assert_eq!(env.run(&["cancel", "1"]).stdout, "1 item cancelled\n");
    let again = env.run(&["cancel", "1", "99"]);
    assert_eq!(again.code, 2);
    assert!(
        again.stderr.contains("item 1 is cancelled")
            && again.stderr.contains("there is no item `99`")
    );
    let mut child = env.start(&["run", "--once"]);
    env.wait_until("pending", |env| env.count("pending") == 1);
    env.run(&["cancel", "2"]);
    assert_eq!(child.wait(), 0);
    assert_eq!(env.count("cancelled"), 2);
    assert_eq!(env.run(&["retry", "1"]).stdout, "1 item requeued\n");
    assert_eq!(env.run(&["retry", "1"]).code, 2);
}

#[test]
fn retry_filters_by_error_and_source() {
    let env = TestEnv::new(settings());
    fs::write(env.path("recordings/text.wav"), "text").unwrap();
    fs::write(env.path("recordings/empty.wav"), "").unwrap();
    env.run_once(1);
    let retry = |args: &[&str]| env.run(args).stdout;
    assert_eq!(
        retry(&["retry", "--error", "network"]),
        "0 items requeued\n"
    );
    assert_eq!(
        retry(&["retry", "--error", "unsupported"]),
        "1 item requeued\n"
    );
    assert_eq!(retry(&["retry", "--failed"]), "1 item requeued\n");
    assert_eq!(env.run(&["retry", "--error", "nonsense"]).code, 2);
}
