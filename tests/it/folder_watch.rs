//! A daemon that looks only once an hour by itself: what comes into its folders is noticed all the same.

use crate::harness::{House, Running, date, settings, wav};
use std::fs::{self, File};
use std::io::Write;
use std::time::Instant;

const LOG: &str = "log";

/// A daemon with sources as given, which has looked through them once.
fn daemon(house: &House, sources: &str) -> Running {
    house.configure_with("", sources);
    let mut command = house.command(&["-vv", "--log-format", "json", "run"]);
    command.env("NIGHTSCRIBE__SCHEDULE__SCAN_EVERY", "1h");
    let running = house.start_logged(&mut command, LOG);
    house.wait_until("the first look", |house| !looks(house, "talks").is_empty());
    running
}

fn source(settle: &str) -> String {
    format!("[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = '{settle}'\n")
}

/// What the daemon logged of each look through a source so far.
fn looks(house: &House, source: &str) -> Vec<serde_json::Value> {
    let lines = house.log(LOG).into_iter();
    let lines = lines.filter_map(|line| serde_json::from_str::<serde_json::Value>(&line).ok());
    lines
        .filter(|line| {
            let message = line["message"].as_str().unwrap_or_default();
            message.starts_with("scanned") && line["source"] == source
        })
        .collect()
}

fn stop(mut daemon: Running) {
    daemon.signal("TERM");
    assert_eq!(daemon.code(), 0);
}

#[test]
fn a_file_dropped_in_is_submitted_long_before_the_next_regular_look() {
    let house = House::new(settings());
    let daemon = daemon(&house, &source("0s"));
    house.record("a.wav", 1);
    house.wait_until("its transcript", |house| house.count("done") == 1);
    house.record("b.wav", 2);
    house.wait_until("the next one", |house| house.count("done") == 2);
    stop(daemon);
}

#[test]
fn a_file_is_taken_when_it_stands_still_and_not_at_the_next_regular_look() {
    let house = House::new(settings());
    let daemon = daemon(&house, &source("1500ms"));
    house.record("a.wav", 1);
    house.wait_until("its transcript", |house| house.count("done") == 1);
    stop(daemon);
}

#[test]
fn a_file_that_grows_is_left_until_it_stands_still() {
    let house = House::new(settings());
    let daemon = daemon(&house, &source("1h"));
    let whole = wav(1, 8_000);
    let mut file = File::create(house.path("recordings/a.wav")).unwrap();
    file.write_all(&whole[..5_000]).unwrap();
    house.wait_until("a look that leaves it", |house| {
        looks(house, "talks")
            .iter()
            .any(|look| look["unsettled"] == 1)
    });
    file.write_all(&whole[5_000..]).unwrap();
    drop(file);
    assert_eq!(house.items().len(), 0);
    // It stood still for an hour.
    date(&house.path("recordings/a.wav"), 1000);
    house.wait_until("its transcript", |house| house.count("done") == 1);
    assert_eq!(house.sandbox().ledger().generations.len(), 1);
    stop(daemon);
}

#[test]
fn two_thousand_files_at_once_are_a_few_looks() {
    let house = House::new(settings());
    house.run(&["pause"]);
    let daemon = daemon(&house, &source("0s"));
    let began = Instant::now();
    for number in 0..2000 {
        let name = format!("recordings/{number}.wav");
        fs::write(house.path(name), wav(number, 800)).unwrap();
    }
    house.wait_until("all in the queue", |house| house.count("queued") == 2000);
    let looks = looks(&house, "talks").len() as u64;
    // Two seconds lie between two looks; the first was before the files came.
    assert!(looks <= 2 + began.elapsed().as_secs() / 2, "{looks} looks");
    stop(daemon);
}

#[test]
fn a_file_that_is_renamed_into_the_folder_is_noticed() {
    let house = House::new(settings());
    let daemon = daemon(&house, &source("30s"));
    fs::write(house.path("elsewhere"), wav(1, 8_000)).unwrap();
    date(&house.path("elsewhere"), 1000);
    fs::rename(house.path("elsewhere"), house.path("recordings/a.wav")).unwrap();
    house.wait_until("its transcript", |house| house.count("done") == 1);
    stop(daemon);
}

#[test]
fn folders_that_appear_are_looked_through_and_watched() {
    let house = House::new(settings());
    let daemon = daemon(&house, &source("0s"));
    house.record("a/b/c/1.wav", 1);
    house.wait_until("the first", |house| house.count("done") == 1);
    house.record("a/b/c/2.wav", 2);
    house.wait_until("one in a folder that was made", |house| {
        house.count("done") == 2
    });
    fs::create_dir_all(house.path("elsewhere/x")).unwrap();
    fs::rename(house.path("elsewhere"), house.path("recordings/d")).unwrap();
    house.record("d/x/3.wav", 3);
    house.wait_until("one in a folder that was moved", |house| {
        house.count("done") == 3
    });
    stop(daemon);
}

#[test]
fn only_the_source_that_something_happened_in_is_looked_through() {
    let house = House::new(settings());
    fs::create_dir(house.path("others")).unwrap();
    let other = "[[source]]\nname = 'others'\npath = 'others'\nsettle = '0s'\n";
    let daemon = daemon(&house, &(source("0s") + other));
    house.wait_until("the other's first look", |house| {
        !looks(house, "others").is_empty()
    });
    house.record("a.wav", 1);
    house.wait_until("its transcript", |house| house.count("done") == 1);
    stop(daemon);
    assert_eq!(looks(&house, "others").len(), 1);
}

#[test]
fn transcripts_beside_their_recordings_ask_for_no_look() {
    let house = House::new(settings());
    house.configure_with("", &source("0s"));
    let config = fs::read_to_string(house.path("nightscribe.toml")).unwrap();
    let config = config.replace("[output]\n", "[output]\nlayout = 'beside'\n");
    fs::write(house.path("nightscribe.toml"), config).unwrap();
    let mut command = house.command(&["-vv", "run"]);
    command.env("NIGHTSCRIBE__SCHEDULE__SCAN_EVERY", "1h");
    let daemon = house.start_logged(&mut command, LOG);
    house.wait_until("the first look", |house| {
        house.log(LOG).iter().any(|line| line.contains("scanned"))
    });
    house.record("a.wav", 1);
    house.wait_until("its transcript", |house| house.count("done") == 1);
    // Ticks come a second apart, looks that something asks for within two seconds of the last.
    let idle = |house: &House| {
        let log = house.log(LOG);
        let last = log
            .iter()
            .rposition(|line| line.contains("scanned"))
            .unwrap();
        log[last..]
            .iter()
            .filter(|line| line.contains("alive"))
            .count()
    };
    house.wait_until("five seconds without a look", |house| idle(house) >= 5);
    let looks = house
        .log(LOG)
        .iter()
        .filter(|line| line.contains("scanned"))
        .count();
    // The first, and one or two for the file, as it is written after it appeared.
    assert!(looks <= 3, "{looks} looks");
    assert!(house.path("recordings/a.txt").exists());
    stop(daemon);
}

#[test]
fn a_folder_that_vanishes_and_comes_back_is_watched_again() {
    let house = House::new(settings());
    let daemon = daemon(&house, &source("0s"));
    fs::rename(house.path("recordings"), house.path("gone")).unwrap();
    house.wait_until("the look at nothing", |house| {
        house
            .log(LOG)
            .iter()
            .any(|line| line.contains("the source folder is missing"))
    });
    fs::create_dir(house.path("recordings")).unwrap();
    house.record("a.wav", 1);
    house.wait_until("what came with it", |house| house.count("done") == 1);
    house.record("b.wav", 2);
    house.wait_until("what came later", |house| house.count("done") == 2);
    stop(daemon);
}
