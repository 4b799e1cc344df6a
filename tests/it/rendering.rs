//! Names, replacements and settings of the formats, applied to existing transcripts for nothing.

use crate::harness::{TestEnv, set_mtime, settings};
use serde_json::Value;
use std::fs;
use std::time::SystemTime;

const SOURCE: &str = "
[[source]]
name = 'talks'
path = 'recordings'
settle = '0s'
[source.options]
diarize = true
";

fn with_speakers() -> TestEnv {
    let env = TestEnv::with_recordings(settings(), 1);
    env.configure_with("", SOURCE);
    env.run_once(0);
    env
}

/// Changes the configuration. `extra` belongs to `[output]`.
fn reconfigure(env: &TestEnv, extra: &str) {
    let path = env.path("nightscribe.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(
        path,
        text.replace("[output]\n", &format!("[output]\n{extra}\n")),
    )
    .unwrap();
}

fn modified(env: &TestEnv, name: &str) -> SystemTime {
    let path = env.path("transcripts/talks").join(name);
    fs::metadata(path).unwrap().modified().unwrap()
}

#[test]
fn named_speakers_stay_in_later_transcripts() {
    let env = with_speakers();
    assert!(env.transcript("0.txt").starts_with("Speaker 1: "));
    let list = env.run(&["speakers", "1"]);
    assert_eq!(list.code, 0, "{}", list.stderr);
    assert!(list.stdout.contains("SPEAKER"), "{}", list.stdout);
    let json = modified(&env, "0.json");
    let named = env.run(&["speakers", "1", "0=Anna", "1=Jan de Vries"]);
    assert_eq!(named.code, 0, "{}", named.stderr);
    for name in ["0.txt", "0.srt", "0.vtt"] {
        assert!(named.stdout.contains(name), "{}", named.stdout);
        let text = env.transcript(name);
        assert!(
            text.contains("Anna") && !text.contains("Speaker 1"),
            "{text}"
        );
    }
    assert_eq!(modified(&env, "0.json"), json, "it has no names");
    assert!(env.run(&["speakers", "1"]).stdout.contains("Jan de Vries"));
    // A touched recording is transcribed from the stored result.
    set_mtime(&env.path("recordings/0.wav"), 1_000_000);
    env.run_once(0);
    assert_eq!(env.items().len(), 2);
    assert!(env.transcript("0.txt").starts_with("Anna: "));
    assert_eq!(env.sandbox().ledger().accepted, 1);
    assert_eq!(env.run(&["speakers", "2", "0="]).code, 0);
    assert!(env.transcript("0.txt").starts_with("Speaker 1: "));
}

#[test]
fn names_for_unknown_speakers_are_rejected() {
    let env = with_speakers();
    for (arguments, message) in [
        (
            ["speakers", "1", "9=Anna"],
            "speaker `9`: there is no such speaker; the transcript has 0",
        ),
        (["speakers", "7", "0=Anna"], "there is no item `7`"),
        (["speakers", "1", "Anna"], "as in 0=Anna"),
    ] {
        let result = env.run(&arguments);
        assert_eq!(result.code, 2);
        assert!(result.stderr.contains(message), "{}", result.stderr);
    }
    assert!(env.transcript("0.txt").starts_with("Speaker 1: "));
}

#[test]
fn changed_rules_reach_existing_transcripts() {
    let env = with_speakers();
    let word = env
        .transcript("0.txt")
        .split_whitespace()
        .nth(2)
        .unwrap()
        .to_owned();
    let word = word
        .trim_matches(|char: char| !char.is_alphanumeric())
        .to_owned();
    let rules = format!("[speakers]\n0 = 'Anna'\n[replace]\n'{word}' = 'Kubernetes'\n");
    fs::write(env.path("recordings/.nightscribe.toml"), rules).unwrap();
    let changed = env.run(&["export", "--changed"]);
    assert_eq!(changed.code, 0, "{}", changed.stderr);
    assert_eq!(changed.stdout.lines().count(), 3, "{}", changed.stdout);
    for name in ["0.txt", "0.srt", "0.vtt"] {
        let text = env.transcript(name);
        assert!(
            text.contains("Anna") && text.contains("Kubernetes"),
            "{text}"
        );
    }
    assert!(!env.transcript("0.json").contains("Kubernetes"));
    let again = env.run(&["export", "--changed"]);
    assert_eq!(
        (again.code, again.stdout.as_str()),
        (0, ""),
        "{}",
        again.stderr
    );
    assert_eq!(env.sandbox().ledger().accepted, 1);
    fs::write(
        env.path("recordings/.nightscribe.toml"),
        "[replace]\n'/(/' = ''\n",
    )
    .unwrap();
    let refused = env.run(&["export", "--changed"]);
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("is not a valid pattern"),
        "{}",
        refused.stderr
    );
    assert!(env.transcript("0.txt").contains("Anna"));
}

#[test]
fn changed_settings_leave_edited_transcripts() {
    let env = with_speakers();
    fs::write(env.path("transcripts/talks/0.txt"), "corrected by hand\n").unwrap();
    let srt = modified(&env, "0.srt");
    reconfigure(&env, "txt = { timestamps = true }");
    let changed = env.run(&["export", "--changed"]);
    assert_eq!(changed.code, 0, "{}", changed.stderr);
    assert_eq!(env.transcript("0.txt"), "corrected by hand\n");
    assert!(
        env.transcript("0.new.txt")
            .starts_with("[00:00:00] Speaker 1: ")
    );
    assert_eq!(modified(&env, "0.srt"), srt);
    let again = env.run(&["export", "--changed"]);
    assert_eq!(again.stdout, "", "{}", again.stderr);
    reconfigure(&env, "subtitles = { max_chars = 20 }");
    let changed = env.run(&["export", "--changed"]);
    assert!(changed.stdout.contains("0.srt"), "{}", changed.stdout);
    assert!(!changed.stdout.contains("0.new.txt"), "{}", changed.stdout);
}

#[test]
fn the_quality_of_a_transcript_is_shown() {
    let env = with_speakers();
    let show = env.run(&["show", "1"]).stdout;
    assert!(show.contains("quality     confidence 0.99"), "{show}");
    let item: Value = serde_json::from_str(&env.run(&["show", "1", "--json"]).stdout).unwrap();
    assert_eq!(item["quality"]["confidence"], 0.99);
    let report = env.run(&["report", "--quality"]);
    assert_eq!(report.code, 0, "{}", report.stderr);
    let line = report.stdout.lines().find(|line| line.contains("talks"));
    assert!(
        line.is_some_and(|line| line.contains("0.99")),
        "{}",
        report.stdout
    );
    let json: Value =
        serde_json::from_str(&env.run(&["report", "--quality", "--json"]).stdout).unwrap();
    assert_eq!(json["lines"][0]["transcripts"], 1);
}
