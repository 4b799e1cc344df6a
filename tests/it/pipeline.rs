//! The way of a recording, from its folder to its transcripts, through everything that goes wrong.

use crate::harness::{House, date, ended, os, settings, wav};
use nightscribe::sandbox::{AccountState, Faults, Settings};
use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

fn faulty(list: &str) -> Settings {
    Settings {
        faults: faults(list),
        ..settings()
    }
}

fn faults(list: &str) -> Faults {
    list.split(',')
        .map(|fault| fault.parse::<Faults>().unwrap())
        .collect()
}

/// All recordings done, each with transcripts that name its own hash.
fn assert_all_done(house: &House, count: u64) {
    assert_eq!(house.count("done"), count);
    for item in house.items() {
        let stem = item["relative"]
            .as_str()
            .unwrap()
            .trim_end_matches(".wav")
            .to_owned();
        let hash = &item["sha256"].as_str().unwrap()[..8];
        for format in ["txt", "json", "srt", "vtt"] {
            let transcript = house.transcript(&format!("{stem}.{format}"));
            assert!(
                transcript.contains(hash),
                "{stem}.{format} is not of its recording"
            );
        }
    }
}

#[test]
fn every_recording_is_submitted_once_and_a_second_run_submits_nothing() {
    let house = House::with_recordings(settings(), 20);
    house.run_once(0);
    assert_all_done(&house, 20);
    assert_eq!(house.names("transcripts").len(), 80);
    house.run_once(0);
    assert_eq!(house.sandbox().ledger().generations.len(), 20);
}

#[test]
fn faults_that_accept_nothing_cost_nothing() {
    let faults = [
        "refuse=0.3",
        "drop-before=0.3",
        "error-json=0.3",
        "error-html=0.3",
    ];
    for fault in faults {
        let house = House::with_recordings(faulty(fault), 12);
        house.run(&["run", "--once"]);
        house.sandbox().set_faults(Faults::default());
        house.run(&["retry", "--failed"]);
        house.run_once(0);
        assert_all_done(&house, 12);
        assert_eq!(house.sandbox().ledger().generations.len(), 12, "{fault}");
    }
}

#[test]
fn answers_that_are_slow_or_broken_are_understood_all_the_same() {
    for fault in ["truncate=0.5", "empty=0.5", "early-404=0.5"] {
        let house = House::with_recordings(faulty(fault), 12);
        house.run_once(0);
        assert_all_done(&house, 12);
        assert_eq!(house.sandbox().ledger().generations.len(), 12, "{fault}");
    }
    let house = House::with_recordings(faulty("slow=1"), 2);
    house.run_once(0);
    assert_all_done(&house, 2);
}

#[test]
fn lost_answers_are_found_again_and_nothing_is_paid_twice() {
    let house = House::with_recordings(faulty("drop-after=0.2"), 130);
    let ended = house.run_once(0);
    assert_all_done(&house, 130);
    assert_eq!(house.sandbox().ledger().generations.len(), 130);
    assert!(
        ended
            .stderr
            .contains("the response was lost, but the service accepted the submission"),
        "{}",
        ended.stderr
    );
    assert_eq!(house.status()["perhaps_paid"], 0);
}

#[test]
fn a_lost_answer_that_nobody_can_find_is_submitted_again_and_counted() {
    let house = House::with_recordings(faulty("drop-after=1,no-logs=1"), 1);
    let mut child = house.start(&["run"]);
    house.wait_until("a lost answer", |house| {
        house.sandbox().ledger().generations.len() == 1
    });
    house.sandbox().set_faults(faults("no-logs=1"));
    house.wait_until("the second attempt", |house| house.count("done") == 1);
    child.signal("TERM");
    assert_eq!(child.code(), 0);
    assert_eq!(house.sandbox().ledger().generations.len(), 2);
    assert_eq!(house.status()["perhaps_paid"], 1);
    let shown = house.run(&["show", "1"]).stdout;
    assert!(
        shown.contains("uncertain") && shown.contains("completed"),
        "{shown}"
    );
}

#[test]
fn what_the_service_does_not_list_beside_later_ones_was_not_accepted_and_is_not_counted() {
    let house = House::with_recordings(faulty("drop-before=1"), 1);
    let mut child = house.start(&["run"]);
    house.wait_until("a broken upload", |house| house.sandbox().ledger().cut > 0);
    house.sandbox().set_faults(Faults::default());
    house.record("later.wav", 2);
    house.wait_until("both", |house| house.count("done") == 2);
    child.signal("TERM");
    assert_eq!(child.code(), 0);
    assert_eq!(house.sandbox().ledger().generations.len(), 2);
    assert_eq!(house.status()["perhaps_paid"], 0);
}

#[test]
fn a_lost_answer_can_be_left_to_a_person() {
    let house = House::with_recordings(faulty("drop-after=1,no-logs=1"), 2);
    let mut command = house.command(&["run", "--once"]);
    assert_eq!(
        ended(command.env("NIGHTSCRIBE__RETRY__UNCERTAIN", "hold")).code,
        1
    );
    let item = house.item("0.wav");
    assert_eq!(
        (item["state"].as_str(), item["attempts"].as_u64()),
        (Some("failed"), Some(1))
    );
    assert_eq!(
        item["error"]["message"],
        "the answer was lost and the service keeps no request log; it may have been accepted and billed"
    );
    house.sandbox().set_faults(Faults::default());
    house.run(&["retry", "--failed"]);
    house.run_once(0);
    assert_all_done(&house, 2);
}

#[test]
fn a_key_that_is_refused_for_long_gives_no_transcription_up() {
    let settings = Settings {
        delay: Duration::from_secs(1),
        ..settings()
    };
    let house = House::with_recordings(settings, 1);
    let config = fs::read_to_string(house.path("nightscribe.toml")).unwrap();
    let config = config.replace("[api]\n", "[api]\nretention = '1s'\n");
    fs::write(house.path("nightscribe.toml"), config).unwrap();
    let mut child = house.start(&["run"]);
    house.wait_until("the submission", |house| {
        house.sandbox().ledger().generations.len() == 1
    });
    house.sandbox().set_account(AccountState::KeyRefused);
    // Polls come 50 ms apart, so that these take longer than twice the retention.
    house.wait_until("many refused polls", |house| {
        house.sandbox().ledger().polls >= 80
    });
    house.sandbox().set_account(AccountState::Open);
    house.wait_until("the transcript", |house| house.count("done") == 1);
    child.signal("TERM");
    assert_eq!(child.code(), 0);
    assert_eq!(house.sandbox().ledger().generations.len(), 1);
}

#[test]
fn a_transcription_that_fails_is_tried_again_and_given_up_in_the_end() {
    let house = House::with_recordings(faulty("fail=1"), 1);
    house.run_once(1);
    let item = house.item("0.wav");
    assert_eq!(
        (item["state"].as_str(), item["attempts"].as_u64()),
        (Some("failed"), Some(5))
    );
    assert_eq!(item["error"]["class"], "transcription");
    assert_eq!(house.sandbox().ledger().paid, 0);
    house.sandbox().set_faults(Faults::default());
    assert_eq!(
        house.run(&["retry", "--failed"]).stdout,
        "1 item requeued\n"
    );
    house.run_once(0);
    assert_all_done(&house, 1);
}

#[test]
fn a_refused_submission_fails_at_once_and_alone() {
    let house = House::with_recordings(faulty("reject=1"), 2);
    house.run_once(1);
    for item in house.items() {
        assert_eq!(
            (item["state"].as_str(), item["attempts"].as_u64()),
            (Some("failed"), Some(1))
        );
        assert_eq!(item["error"]["class"], "rejected");
    }
}

#[test]
fn a_rate_limit_spends_no_attempt() {
    let house = House::with_recordings(faulty("rate-limit=0.2"), 6);
    house.run_once(0);
    assert_all_done(&house, 6);
    assert!(house.sandbox().ledger().refused[&429] > 0);
    assert!(house.items().iter().all(|item| item["attempts"] == 1));
}

#[test]
fn a_refused_key_or_an_empty_account_holds_and_fails_nothing() {
    for (account, hold) in [
        (AccountState::KeyRefused, "auth"),
        (AccountState::NoCredit, "credit"),
    ] {
        let house = House::with_recordings(settings(), 6);
        house.sandbox().set_account(account);
        let ended = house.run_once(3);
        assert!(
            ended.stderr.contains("submissions held"),
            "{}",
            ended.stderr
        );
        assert_eq!(house.count("queued"), 6);
        let status = house.status();
        assert_eq!(status["holds"][0]["kind"], hold);
        assert!(
            house
                .run(&["status"])
                .stdout
                .contains(&format!("held ({hold})"))
        );
        assert!(house.items().iter().all(|item| item["attempts"] == 0));
        house.run_once(3);
        house.sandbox().set_account(AccountState::Open);
        house.run_once(0);
        assert_all_done(&house, 6);
        assert_eq!(house.status()["holds"], serde_json::json!([]));
        assert_eq!(house.sandbox().ledger().generations.len(), 6);
    }
}

#[test]
fn what_is_pending_is_collected_under_a_hold() {
    let house = House::with_recordings(
        Settings {
            delay: Duration::from_millis(300),
            ..settings()
        },
        4,
    );
    let mut child = house.start(&["run", "--once"]);
    house.wait_until("submissions", |house| {
        house.sandbox().ledger().generations.len() == 4
    });
    house.record("later.wav", 99);
    house.sandbox().set_account(AccountState::NoCredit);
    assert_eq!(child.code(), 0);
    house.run_once(3);
    assert_eq!((house.count("done"), house.count("queued")), (4, 1));
}

#[test]
fn results_survive_an_output_folder_that_cannot_be_written() {
    let house = House::with_recordings(
        Settings {
            retention: Duration::from_secs(2),
            ..settings()
        },
        5,
    );
    fs::write(house.path("transcripts"), "in the way").unwrap();
    let mut child = house.start(&["run"]);
    house.wait_until("results", |house| house.count("received") == 5);
    child.signal("TERM");
    assert_eq!(child.code(), 0);
    assert_eq!(house.item("0.wav")["error"]["class"], "output");
    fs::remove_file(house.path("transcripts")).unwrap();
    house.run_once(0);
    assert_all_done(&house, 5);
    assert_eq!(house.sandbox().ledger().generations.len(), 5);
}

#[test]
fn bad_files_fail_alone_with_their_class() {
    let house = House::with_recordings(settings(), 2);
    let write =
        |name: &str, bytes: &[u8]| fs::write(house.path("recordings").join(name), bytes).unwrap();
    write("empty.mp3", b"");
    write("text.mp3", b"Dear diary, this is no sound at all.");
    write("cut.wav", &wav(1, 8_000)[..4_000]);
    house.run_once(1);
    let class = |name: &str| {
        house.item(name)["error"]["class"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(class("empty.mp3"), "unreadable");
    assert_eq!(class("text.mp3"), "unsupported");
    assert_eq!(class("cut.wav"), "unreadable");
    assert_eq!((house.count("done"), house.count("failed")), (2, 3));
    assert!(
        house
            .items()
            .iter()
            .filter(|item| item["state"] == "failed")
            .all(|item| item["attempts"] == 0)
    );
    house.run_once(0);
    write("empty.mp3", &wav(50, 8_000));
    house.run_once(0);
    assert_eq!((house.count("done"), house.count("failed")), (3, 2));
}

#[test]
fn equal_content_is_paid_once() {
    let house = House::new(settings());
    for name in ["a.wav", "b.wav", "c/d.wav"] {
        house.record(name, 1);
    }
    house.run_once(0);
    assert_eq!(house.count("done"), 3);
    assert_eq!(house.sandbox().ledger().generations.len(), 1);
    house.record("e.wav", 1);
    house.run_once(0);
    assert_eq!(house.sandbox().ledger().generations.len(), 1);
    assert!(house.transcript("e.txt").contains("not speech recognition"));
    assert!(
        house
            .run(&["show", "4"])
            .stdout
            .contains("which has the same content")
    );
}

#[test]
fn equal_content_is_paid_once_also_where_one_waits_until_the_other_is_done() {
    let house = House::new(settings());
    for name in ["a.wav", "b.wav", "c.wav"] {
        house.record(name, 1);
    }
    let mut command = house.command(&["run", "--once"]);
    command.env("NIGHTSCRIBE__LIMITS__MAX_PENDING", "1");
    assert_eq!(ended(&mut command).code, 0);
    assert_eq!(house.count("done"), 3);
    assert_eq!(house.sandbox().ledger().generations.len(), 1);
}

#[test]
fn a_changed_recording_gets_a_new_transcript_in_the_old_one_s_place() {
    let house = House::with_recordings(settings(), 1);
    house.run_once(0);
    let before = house.transcript("0.txt");
    house.record("0.wav", 77);
    date(&house.path("recordings/0.wav"), 1_000_000);
    house.run_once(0);
    assert_ne!(house.transcript("0.txt"), before);
    assert_eq!(house.names("transcripts").len(), 4);
    assert_eq!(house.sandbox().ledger().generations.len(), 2);
    house.run_once(0);
    assert_eq!(house.sandbox().ledger().generations.len(), 2);
}

#[test]
fn no_transcript_overwrites_another_file() {
    let house = House::new(settings());
    house.record("talk.wav", 1);
    fs::write(house.path("recordings/talk.mp3"), wav(2, 8_000)).unwrap();
    fs::create_dir_all(house.path("transcripts/talks")).unwrap();
    house.record("notes.wav", 3);
    fs::write(house.path("transcripts/talks/notes.txt"), "mine").unwrap();
    house.run_once(0);
    let names = house.names("transcripts/talks");
    let txt: Vec<_> = names.iter().filter(|name| name.ends_with(".txt")).collect();
    assert_eq!(
        txt,
        ["notes.txt", "notes.wav.txt", "talk.txt", "talk.wav.txt"]
    );
    assert_eq!(house.transcript("notes.txt"), "mine");
    assert_ne!(
        house.transcript("talk.txt"),
        house.transcript("talk.wav.txt")
    );
}

#[test]
fn odd_names_get_their_transcripts() {
    let house = House::new(settings());
    house.record("new\nline.wav", 1);
    house.record(os(b"not\xffutf8.wav"), 2);
    house.record(format!("{}.wav", "n".repeat(251)), 3);
    house.record("ümlaut 日本.wav", 4);
    let ended = house.run_once(0);
    assert_eq!(house.count("done"), 4);
    assert!(
        house
            .path("transcripts/talks")
            .join(os(b"not\xffutf8.txt"))
            .exists()
    );
    assert!(house.path("transcripts/talks/new\nline.txt").exists());
    assert!(!ended.stderr.contains("new\nline"), "{}", ended.stderr);
    house.run_once(0);
    assert_eq!(house.sandbox().ledger().generations.len(), 4);
}

#[test]
fn hidden_files_links_and_our_own_folders_are_left_alone() {
    let house = House::with_recordings(settings(), 1);
    house.record(".hidden.wav", 1);
    house.record(".folder/x.wav", 2);
    symlink(
        house.path("recordings/0.wav"),
        house.path("recordings/link.wav"),
    )
    .unwrap();
    house.configure_with(
        "[state]\ndir = 'recordings/state'\n",
        "[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = '0s'\n",
    );
    house.run_once(0);
    assert_eq!(house.items().len(), 1);
}

#[test]
fn a_source_that_is_gone_changes_nothing() {
    let house = House::with_recordings(settings(), 3);
    assert_eq!(
        house.run(&["scan"]).stdout,
        "3 recordings: 3 new, 0 changed\n"
    );
    fs::rename(house.path("recordings"), house.path("unmounted")).unwrap();
    let ended = house.run_once(0);
    assert!(
        ended.stderr.contains("the source folder is missing"),
        "{}",
        ended.stderr
    );
    assert_eq!(house.count("queued"), 3);
    fs::rename(house.path("unmounted"), house.path("recordings")).unwrap();
    house.run_once(0);
    assert_all_done(&house, 3);
}

#[test]
fn a_recording_that_vanished_fails_and_comes_back_with_its_file() {
    let house = House::with_recordings(settings(), 2);
    house.run(&["scan"]);
    fs::rename(house.path("recordings/1.wav"), house.path("away.wav")).unwrap();
    house.run_once(1);
    assert_eq!(house.item("1.wav")["error"]["class"], "unreadable");
    fs::rename(house.path("away.wav"), house.path("recordings/1.wav")).unwrap();
    house.run_once(0);
    assert_all_done(&house, 2);
}

#[test]
fn a_recording_that_changed_since_the_scan_is_sent_as_it_is_now() {
    let house = House::with_recordings(settings(), 1);
    house.run(&["scan"]);
    house.record("0.wav", 55);
    date(&house.path("recordings/0.wav"), 2_000_000);
    house.run_once(0);
    assert_all_done(&house, 1);
    assert_eq!(house.sandbox().ledger().generations.len(), 1);
}

#[test]
fn a_file_that_is_still_written_is_left_for_later() {
    let house = House::with_recordings(settings(), 1);
    house.configure_with(
        "",
        "[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = '1h'\n",
    );
    let ended = house.run_once(0);
    assert!(ended.stderr.contains("unsettled=1"), "{}", ended.stderr);
    assert!(house.items().is_empty());
    date(&house.path("recordings/0.wav"), 1_000);
    house.run_once(0);
    assert_all_done(&house, 1);
}

#[test]
fn a_transcription_that_expired_is_submitted_again() {
    let house = House::with_recordings(
        Settings {
            delay: Duration::from_secs(3600),
            retention: Duration::from_millis(200),
            ..settings()
        },
        1,
    );
    let ended = house
        .command(&["run", "--once"])
        .env("NIGHTSCRIBE__API__RETENTION", "1s")
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(1));
    let item = house.item("0.wav");
    assert_eq!(
        (item["error"]["class"].as_str(), item["attempts"].as_u64()),
        (Some("expired"), Some(5))
    );
    assert_eq!(house.sandbox().ledger().generations.len(), 5);
}

#[test]
fn silence_is_done_and_marked() {
    let house = House::new(settings());
    house.record("silence.wav", 1);
    house.run_once(0);
    assert_eq!(house.transcript("silence.txt"), "[no speech]\n");
    assert_eq!(house.item("silence.wav")["silent"], true);
    assert!(house.run(&["list"]).stdout.contains("no speech"));
}

#[test]
fn the_legacy_flow_does_the_same_in_one_call() {
    let house = House::with_recordings(settings(), 3);
    let ended = house
        .command(&["run", "--once"])
        .env("NIGHTSCRIBE__API__FLOW", "legacy")
        .output()
        .unwrap();
    assert!(ended.status.success());
    assert_all_done(&house, 3);
    assert_eq!(house.sandbox().ledger().generations.len(), 3);
}

#[test]
fn transcripts_can_stand_beside_their_recordings() {
    let house = House::new(settings());
    house.record("a/b.wav", 1);
    let run = || {
        house
            .command(&["run", "--once"])
            .env("NIGHTSCRIBE__OUTPUT__LAYOUT", "beside")
            .output()
            .unwrap()
    };
    assert!(run().status.success());
    assert_eq!(
        house.names("recordings"),
        ["a/b.json", "a/b.srt", "a/b.txt", "a/b.vtt", "a/b.wav"]
    );
    assert!(run().status.success());
    assert_eq!(house.sandbox().ledger().generations.len(), 1);
}

#[test]
fn a_kill_at_any_moment_loses_nothing() {
    let house = House::with_recordings(
        Settings {
            delay: Duration::from_millis(150),
            ..settings()
        },
        40,
    );
    for kill in 1..=6 {
        let mut child = house.start(&["run", "--once"]);
        let seen = house.sandbox().ledger().generations.len();
        house.wait_until("progress", |house| {
            house.sandbox().ledger().generations.len() >= (seen + 3 * kill).min(40)
        });
        child.signal("KILL");
        child.code();
    }
    house.run_once(0);
    assert_all_done(&house, 40);
    assert_eq!(house.names("transcripts").len(), 160);
    assert_eq!(
        house.sandbox().ledger().generations.len(),
        40,
        "what was in flight is found again"
    );
}

#[test]
fn a_service_that_cannot_be_reached_ends_the_run_in_time_and_spends_nothing() {
    let mut house = House::with_recordings(settings(), 3);
    house.stop_sandbox();
    let ended = house.run_once(1);
    assert!(
        ended.stderr.contains("could not be reached"),
        "{}",
        ended.stderr
    );
    assert_eq!(house.count("queued"), 3);
    assert!(house.items().iter().all(|item| item["attempts"] == 0));
}

#[test]
fn limits_are_kept_and_used() {
    let settings = Settings {
        submits_per_minute: Some(1200),
        polls_per_minute: Some(6000),
        ..settings()
    };
    let house = House::with_recordings(settings, 30);
    let mut command = house.command(&["run", "--once"]);
    command
        .env("NIGHTSCRIBE__LIMITS__SUBMITS_PER_MINUTE", "1200")
        .env("NIGHTSCRIBE__LIMITS__POLLS_PER_MINUTE", "6000");
    assert!(command.output().unwrap().status.success());
    assert_eq!(house.sandbox().ledger().over_limit, 0);
    assert_all_done(&house, 30);
}
