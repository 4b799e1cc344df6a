//! A daemon that looks only once an hour by itself: what comes into its folders is noticed all the same.

use crate::harness::{RunningCommand, TestEnv, set_mtime, settings, wav};
use std::fs::{self, File};
use std::io::Write;
use std::time::Instant;

const LOG: &str = "log";

/// A daemon with sources as given, which has looked through them once.
fn daemon(env: &TestEnv, sources: &str) -> RunningCommand {
    env.configure_with("", sources);
    let mut command = env.command(&["-vv", "--log-format", "json", "run"]);
    command.env("NIGHTSCRIBE__SCHEDULE__SCAN_EVERY", "1h");
    let running = env.start_logged(&mut command, LOG);
    env.wait_until("the first look", |env| !looks(env, "talks").is_empty());
    running
}

fn source(settle: &str) -> String {
    format!("[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = '{settle}'\n")
}

/// What the daemon logged of each look through a source so far.
fn looks(env: &TestEnv, source: &str) -> Vec<serde_json::Value> {
    let lines = env.log_lines(LOG).into_iter();
    let lines = lines.filter_map(|line| serde_json::from_str::<serde_json::Value>(&line).ok());
    lines
        .filter(|line| {
            let message = line["message"].as_str().unwrap_or_default();
            message.starts_with("scanned") && line["source"] == source
        })
        .collect()
}

fn stop(mut daemon: RunningCommand) {
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), 0);
}

#[test]
fn a_file_dropped_in_is_submitted_long_before_the_next_regular_look() {
    let env = TestEnv::new(settings());
    let daemon = daemon(&env, &source("0s"));
    env.add_recording("a.wav", 1);
    env.wait_until("its transcript", |env| env.count("done") == 1);
    env.add_recording("b.wav", 2);
    env.wait_until("the next one", |env| env.count("done") == 2);
    stop(daemon);
}

#[test]
fn a_file_is_taken_when_it_stands_still_and_not_at_the_next_regular_look() {
    let env = TestEnv::new(settings());
    let daemon = daemon(&env, &source("1500ms"));
    env.add_recording("a.wav", 1);
    env.wait_until("its transcript", |env| env.count("done") == 1);
    stop(daemon);
}

#[test]
fn a_file_that_grows_is_left_until_it_stands_still() {
    let env = TestEnv::new(settings());
    let daemon = daemon(&env, &source("1h"));
    let whole = wav(1, 8_000);
    let mut file = File::create(env.path("recordings/a.wav")).unwrap();
    file.write_all(&whole[..5_000]).unwrap();
    env.wait_until("a look that leaves it", |env| {
        looks(env, "talks")
            .iter()
            .any(|look| look["unsettled"] == 1)
    });
    file.write_all(&whole[5_000..]).unwrap();
    drop(file);
    assert_eq!(env.items().len(), 0);
    // It stood still for an hour.
    set_mtime(&env.path("recordings/a.wav"), 1000);
    env.wait_until("its transcript", |env| env.count("done") == 1);
    assert_eq!(env.sandbox().ledger().generations.len(), 1);
    stop(daemon);
}

#[test]
fn two_thousand_files_at_once_are_a_few_looks() {
    let env = TestEnv::new(settings());
    env.run(&["pause"]);
    let daemon = daemon(&env, &source("0s"));
    let began = Instant::now();
    for number in 0..2000 {
        let name = format!("recordings/{number}.wav");
        fs::write(env.path(name), wav(number, 800)).unwrap();
    }
    env.wait_until("all in the queue", |env| env.count("queued") == 2000);
    let looks = looks(&env, "talks").len() as u64;
    // Two seconds lie between two looks; the first was before the files came.
    assert!(looks <= 2 + began.elapsed().as_secs() / 2, "{looks} looks");
    stop(daemon);
}

#[test]
fn a_file_that_is_renamed_into_the_folder_is_noticed() {
    let env = TestEnv::new(settings());
    let daemon = daemon(&env, &source("30s"));
    fs::write(env.path("elsewhere"), wav(1, 8_000)).unwrap();
    set_mtime(&env.path("elsewhere"), 1000);
    fs::rename(env.path("elsewhere"), env.path("recordings/a.wav")).unwrap();
    env.wait_until("its transcript", |env| env.count("done") == 1);
    stop(daemon);
}

#[test]
fn folders_that_appear_are_looked_through_and_watched() {
    let env = TestEnv::new(settings());
    let daemon = daemon(&env, &source("0s"));
    env.add_recording("a/b/c/1.wav", 1);
    env.wait_until("the first", |env| env.count("done") == 1);
    env.add_recording("a/b/c/2.wav", 2);
    env.wait_until("one in a folder that was made", |env| {
        env.count("done") == 2
    });
    fs::create_dir_all(env.path("elsewhere/x")).unwrap();
    fs::rename(env.path("elsewhere"), env.path("recordings/d")).unwrap();
    env.add_recording("d/x/3.wav", 3);
    env.wait_until("one in a folder that was moved", |env| {
        env.count("done") == 3
    });
    stop(daemon);
}

#[test]
fn only_the_source_that_something_happened_in_is_looked_through() {
    let env = TestEnv::new(settings());
    fs::create_dir(env.path("others")).unwrap();
    let other = "[[source]]\nname = 'others'\npath = 'others'\nsettle = '0s'\n";
    let daemon = daemon(&env, &(source("0s") + other));
    env.wait_until("the other's first look", |env| {
        !looks(env, "others").is_empty()
    });
    env.add_recording("a.wav", 1);
    env.wait_until("its transcript", |env| env.count("done") == 1);
    stop(daemon);
    assert_eq!(looks(&env, "others").len(), 1);
}

#[test]
fn transcripts_beside_their_recordings_ask_for_no_look() {
    let env = TestEnv::new(settings());
    env.configure_with("", &source("0s"));
    let config = fs::read_to_string(env.path("nightscribe.toml")).unwrap();
    let config = config.replace("[output]\n", "[output]\nlayout = 'beside'\n");
    fs::write(env.path("nightscribe.toml"), config).unwrap();
    let mut command = env.command(&["-vv", "run"]);
    command.env("NIGHTSCRIBE__SCHEDULE__SCAN_EVERY", "1h");
    let daemon = env.start_logged(&mut command, LOG);
    env.wait_until("the first look", |env| {
        env.log_lines(LOG)
            .iter()
            .any(|line| line.contains("scanned"))
    });
    env.add_recording("a.wav", 1);
    env.wait_until("its transcript", |env| env.count("done") == 1);
    // Ticks come a second apart, looks that something asks for within two seconds of the last.
    let idle = |env: &TestEnv| {
        let log = env.log_lines(LOG);
        let last = log
            .iter()
            .rposition(|line| line.contains("scanned"))
            .unwrap();
        log[last..]
            .iter()
            .filter(|line| line.contains("alive"))
            .count()
    };
    env.wait_until("five seconds without a look", |env| idle(env) >= 5);
    let looks = env
        .log_lines(LOG)
        .iter()
        .filter(|line| line.contains("scanned"))
        .count();
    // The first, and one or two for the file, as it is written after it appeared.
    assert!(looks <= 3, "{looks} looks");
    assert!(env.path("recordings/a.txt").exists());
    stop(daemon);
}

#[test]
fn a_folder_that_vanishes_and_comes_back_is_watched_again() {
    let env = TestEnv::new(settings());
    let daemon = daemon(&env, &source("0s"));
    fs::rename(env.path("recordings"), env.path("gone")).unwrap();
    env.wait_until("the look at nothing", |env| {
        env.log_lines(LOG)
            .iter()
            .any(|line| line.contains("the source folder is missing"))
    });
    fs::create_dir(env.path("recordings")).unwrap();
    env.add_recording("a.wav", 1);
    env.wait_until("what came with it", |env| env.count("done") == 1);
    env.add_recording("b.wav", 2);
    env.wait_until("what came later", |env| env.count("done") == 2);
    stop(daemon);
}
