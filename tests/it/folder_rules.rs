//! Folder rules: `.nightscribe.toml` and `.nightscribe-skip` in the folders of a source.

use crate::harness::{TestEnv, settings};
use serde_json::Value;
use std::fs;

const MEETING: &str = "model = '#g1_nova-2-meeting'\n[options]\nlanguage = 'de'\n";

/// Writes a file below `recordings`.
fn write_file(env: &TestEnv, name: &str, text: &str) {
    let path = env.path("recordings").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Returns the model and the language of an item.
fn requested(env: &TestEnv, name: &str) -> (String, Value) {
    let item = env.item(name);
    let show = env.run(&["show", &item["id"].to_string(), "--json"]);
    let item: Value = serde_json::from_str(&show.stdout).unwrap();
    let model = item["model"].as_str().unwrap().to_owned();
    (model, item["options"]["language"].clone())
}

fn meeting() -> (String, Value) {
    ("#g1_nova-2-meeting".to_owned(), Value::from("de"))
}

fn general() -> (String, Value) {
    ("#g1_nova-2-general".to_owned(), Value::Null)
}

/// Creates an environment with four recordings, three of them in folders.
fn env_with_folders() -> TestEnv {
    let env = TestEnv::new(settings());
    for (seed, name) in (0..).zip(["a/1.wav", "a/b/2.wav", "a-b/3.wav", "4.wav"]) {
        env.add_recording(name, seed);
    }
    env
}

#[test]
fn folder_rules_override_source_and_parent_folders() {
    let env = env_with_folders();
    write_file(&env, "a/.nightscribe.toml", MEETING);
    write_file(
        &env,
        "a/b/.nightscribe.toml",
        "[options]\nlanguage = 'fr'\n",
    );
    env.run_once(0);
    assert_eq!(requested(&env, "a/1.wav"), meeting());
    assert_eq!(requested(&env, "a/b/2.wav").1, "fr");
    assert_eq!(requested(&env, "a/b/2.wav").0, meeting().0);
    assert_eq!(requested(&env, "a-b/3.wav"), general());
    assert_eq!(requested(&env, "4.wav"), general());
    let ledger = env.sandbox().ledger();
    let meetings = ledger
        .generations
        .iter()
        .filter(|row| row.model == meeting().0);
    assert_eq!(meetings.count(), 2);
}

#[test]
fn changed_rules_apply_only_to_queued_items() {
    let env = env_with_folders();
    env.run(&["scan"]);
    write_file(&env, "a/.nightscribe.toml", MEETING);
    env.run(&["scan"]);
    assert_eq!(requested(&env, "a/1.wav"), meeting());
    assert_eq!(requested(&env, "a/b/2.wav"), meeting());
    assert_eq!(requested(&env, "a-b/3.wav"), general());
    write_file(
        &env,
        "a/b/.nightscribe.toml",
        "model = '#g1_nova-2-phonecall'\n",
    );
    env.run(&["scan"]);
    assert_eq!(requested(&env, "a/1.wav"), meeting());
    assert_eq!(requested(&env, "a/b/2.wav").0, "#g1_nova-2-phonecall");
    fs::remove_file(env.path("recordings/a/.nightscribe.toml")).unwrap();
    env.run(&["scan"]);
    assert_eq!(requested(&env, "a/1.wav"), general());
    assert_eq!(
        requested(&env, "a/b/2.wav"),
        ("#g1_nova-2-phonecall".to_owned(), Value::Null)
    );
    env.run_once(0);
    env.add_recording("5.wav", 5);
    env.run(&["scan"]);
    assert_eq!(requested(&env, "5.wav"), general());
    write_file(&env, ".nightscribe.toml", MEETING);
    env.run(&["scan"]);
    assert_eq!(requested(&env, "a/1.wav"), general());
    assert_eq!(requested(&env, "5.wav"), meeting());
}

#[test]
fn queued_items_keep_the_rules_of_missing_folders() {
    let env = env_with_folders();
    write_file(&env, "a/.nightscribe.toml", MEETING);
    env.run(&["scan"]);
    let moved = env.path("away");
    fs::rename(env.path("recordings/a"), &moved).unwrap();
    // The folder and its rules are missing during this run.
    env.run_once(1);
    fs::rename(&moved, env.path("recordings/a")).unwrap();
    env.run(&["retry", "--failed"]);
    assert_eq!(requested(&env, "a/1.wav"), meeting());
    assert_eq!(requested(&env, "a/b/2.wav"), meeting());
}

#[test]
fn a_changed_configuration_is_merged_with_folder_rules() {
    let env = TestEnv::new(settings());
    for number in 0..20 {
        env.add_recording(format!("a/{number}.wav"), number);
    }
    write_file(&env, "a/.nightscribe.toml", "[options]\nlanguage = 'de'\n");
    env.run(&["scan"]);
    let source = "[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = '0s'\n";
    env.configure_with("", &format!("{source}model = '#g1_nova-2-meeting'\n"));
    env.run_once(0);
    let generations = env.sandbox().ledger().generations;
    assert_eq!(generations.len(), 20);
    assert!(generations.iter().all(|row| row.model == meeting().0));
    assert_eq!(requested(&env, "a/7.wav"), meeting());
}

#[test]
fn invalid_rules_affect_only_their_folder() {
    let env = env_with_folders();
    write_file(&env, "a/.nightscribe.toml", "\n[options]\nlanguag = 'de'\n");
    let run = env.run_once(1);
    assert_eq!(env.count("done"), 2);
    assert_eq!(env.items().len(), 2);
    let expected = "a/.nightscribe.toml:3:1: folder rules: option `languag` is not supported by the service; did you mean `language`?";
    assert_eq!(run.stderr.matches(expected).count(), 1, "{}", run.stderr);
    write_file(&env, "a/.nightscribe.toml", MEETING);
    env.run_once(0);
    assert_eq!(env.count("done"), 4);
    assert_eq!(requested(&env, "a/b/2.wav"), meeting());
}

#[test]
fn a_folder_with_a_skip_file_is_excluded() {
    let env = env_with_folders();
    write_file(&env, "a/.nightscribe-skip", "");
    env.run_once(0);
    let names: Vec<_> = env
        .items()
        .iter()
        .map(|item| item["relative"].clone())
        .collect();
    assert_eq!(names, ["4.wav", "a-b/3.wav"]);
    fs::remove_file(env.path("recordings/a/.nightscribe-skip")).unwrap();
    env.run_once(0);
    assert_eq!(env.count("done"), 4);
}
