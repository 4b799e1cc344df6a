//! Folders that say what is asked for their recordings, or that they are left out.

use crate::harness::{TestEnv, settings};
use serde_json::Value;
use std::fs;

const MEETING: &str = "model = '#g1_nova-2-meeting'\n[options]\nlanguage = 'de'\n";

fn mark(env: &TestEnv, name: &str, text: &str) {
    let path = env.path("recordings").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Model and language of an item.
fn asked(env: &TestEnv, name: &str) -> (String, Value) {
    let item = env.item(name);
    let show = env.run(&["show", &item["id"].to_string(), "--json"]);
    let shown: Value = serde_json::from_str(&show.stdout).unwrap();
    let model = shown["model"].as_str().unwrap().to_owned();
    (model, shown["options"]["language"].clone())
}

fn meeting() -> (String, Value) {
    ("#g1_nova-2-meeting".to_owned(), Value::from("de"))
}

fn general() -> (String, Value) {
    ("#g1_nova-2-general".to_owned(), Value::Null)
}

fn env() -> TestEnv {
    let env = TestEnv::new(settings());
    for (seed, name) in (0..).zip(["a/1.wav", "a/b/2.wav", "a-b/3.wav", "4.wav"]) {
        env.add_recording(name, seed);
    }
    env
}

#[test]
fn a_folder_s_rules_go_over_those_of_its_source_and_of_the_folders_above() {
    let env = env();
    mark(&env, "a/.nightscribe.toml", MEETING);
    mark(
        &env,
        "a/b/.nightscribe.toml",
        "[options]\nlanguage = 'fr'\n",
    );
    env.run_once(0);
    assert_eq!(asked(&env, "a/1.wav"), meeting());
    assert_eq!(asked(&env, "a/b/2.wav").1, "fr");
    assert_eq!(asked(&env, "a/b/2.wav").0, meeting().0);
    assert_eq!(asked(&env, "a-b/3.wav"), general());
    assert_eq!(asked(&env, "4.wav"), general());
    let ledger = env.sandbox().ledger();
    let meetings = ledger
        .generations
        .iter()
        .filter(|row| row.model == meeting().0);
    assert_eq!(meetings.count(), 2);
}

#[test]
fn rules_that_changed_hold_for_what_is_queued_and_not_for_what_is_done() {
    let env = env();
    env.run(&["scan"]);
    mark(&env, "a/.nightscribe.toml", MEETING);
    env.run(&["scan"]);
    assert_eq!(asked(&env, "a/1.wav"), meeting());
    assert_eq!(asked(&env, "a/b/2.wav"), meeting());
    assert_eq!(asked(&env, "a-b/3.wav"), general());
    mark(
        &env,
        "a/b/.nightscribe.toml",
        "model = '#g1_nova-2-phonecall'\n",
    );
    env.run(&["scan"]);
    assert_eq!(asked(&env, "a/1.wav"), meeting());
    assert_eq!(asked(&env, "a/b/2.wav").0, "#g1_nova-2-phonecall");
    fs::remove_file(env.path("recordings/a/.nightscribe.toml")).unwrap();
    env.run(&["scan"]);
    assert_eq!(asked(&env, "a/1.wav"), general());
    assert_eq!(
        asked(&env, "a/b/2.wav"),
        ("#g1_nova-2-phonecall".to_owned(), Value::Null)
    );
    env.run_once(0);
    env.add_recording("5.wav", 5);
    env.run(&["scan"]);
    assert_eq!(asked(&env, "5.wav"), general());
    mark(&env, ".nightscribe.toml", MEETING);
    env.run(&["scan"]);
    assert_eq!(asked(&env, "a/1.wav"), general());
    assert_eq!(asked(&env, "5.wav"), meeting());
}

#[test]
fn a_start_leaves_what_is_queued_to_its_folder_s_rules() {
    let env = env();
    mark(&env, "a/.nightscribe.toml", MEETING);
    env.run(&["scan"]);
    let hidden = env.path("away");
    fs::rename(env.path("recordings/a"), &hidden).unwrap();
    // The folder is away while the start and its scan go by, and so are its rules.
    env.run_once(1);
    fs::rename(&hidden, env.path("recordings/a")).unwrap();
    env.run(&["retry", "--failed"]);
    assert_eq!(asked(&env, "a/1.wav"), meeting());
    assert_eq!(asked(&env, "a/b/2.wav"), meeting());
}

#[test]
fn a_corrected_configuration_counts_below_a_folder_s_rules_before_anything_is_sent() {
    let env = TestEnv::new(settings());
    for number in 0..20 {
        env.add_recording(format!("a/{number}.wav"), number);
    }
    mark(&env, "a/.nightscribe.toml", "[options]\nlanguage = 'de'\n");
    env.run(&["scan"]);
    let source = "[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = '0s'\n";
    env.configure_with("", &format!("{source}model = '#g1_nova-2-meeting'\n"));
    env.run_once(0);
    let generations = env.sandbox().ledger().generations;
    assert_eq!(generations.len(), 20);
    assert!(generations.iter().all(|row| row.model == meeting().0));
    assert_eq!(asked(&env, "a/7.wav"), meeting());
}

#[test]
fn bad_rules_are_reported_with_their_line_and_stop_nothing_else() {
    let env = env();
    mark(&env, "a/.nightscribe.toml", "\n[options]\nlanguag = 'de'\n");
    let run = env.run_once(0);
    assert_eq!(env.count("done"), 2);
    assert_eq!(env.items().len(), 2);
    let refusal = "a/.nightscribe.toml:3:1: folder rules: option `languag` is not supported by the service; did you mean `language`?";
    assert_eq!(run.stderr.matches(refusal).count(), 1, "{}", run.stderr);
    mark(&env, "a/.nightscribe.toml", MEETING);
    env.run_once(0);
    assert_eq!(env.count("done"), 4);
    assert_eq!(asked(&env, "a/b/2.wav"), meeting());
}

#[test]
fn a_marked_folder_is_left_out() {
    let env = env();
    mark(&env, "a/.nightscribe-skip", "");
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
