//! The way of a recording, from its folder to its transcripts, through everything that goes wrong.

use crate::harness::{TestEnv, os_str, run_command, set_mtime, settings, wav};
use nightscribe_sandbox::{AccountState, Faults, Settings};
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
fn assert_all_done(env: &TestEnv, count: u64) {
    assert_eq!(env.count("done"), count);
    for item in env.items() {
        let stem = item["relative"]
            .as_str()
            .unwrap()
            .trim_end_matches(".wav")
            .to_owned();
        let hash = &item["sha256"].as_str().unwrap()[..8];
        for format in ["txt", "json", "srt", "vtt"] {
            let transcript = env.transcript(&format!("{stem}.{format}"));
            assert!(
                transcript.contains(hash),
                "{stem}.{format} is not of its recording"
            );
        }
    }
}

#[test]
fn every_recording_is_submitted_once_and_a_second_run_submits_nothing() {
    let env = TestEnv::with_recordings(settings(), 20);
    env.run_once(0);
    assert_all_done(&env, 20);
    assert_eq!(env.file_names("transcripts").len(), 80);
    env.run_once(0);
    assert_eq!(env.sandbox().ledger().generations.len(), 20);
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
        let env = TestEnv::with_recordings(faulty(fault), 12);
        env.run(&["run", "--once"]);
        env.sandbox().set_faults(Faults::default());
        env.run(&["retry", "--failed"]);
        env.run_once(0);
        assert_all_done(&env, 12);
        assert_eq!(env.sandbox().ledger().generations.len(), 12, "{fault}");
    }
}

#[test]
fn answers_that_are_slow_or_broken_are_understood_all_the_same() {
    for fault in ["truncate=0.5", "empty=0.5", "early-404=0.5"] {
        let env = TestEnv::with_recordings(faulty(fault), 12);
        env.run_once(0);
        assert_all_done(&env, 12);
        assert_eq!(env.sandbox().ledger().generations.len(), 12, "{fault}");
    }
    let env = TestEnv::with_recordings(faulty("slow=1"), 2);
    env.run_once(0);
    assert_all_done(&env, 2);
}

#[test]
fn lost_answers_are_found_again_and_nothing_is_paid_twice() {
    let env = TestEnv::with_recordings(faulty("drop-after=0.2"), 130);
    let ended = env.run_once(0);
    assert_all_done(&env, 130);
    assert_eq!(env.sandbox().ledger().generations.len(), 130);
    assert!(
        ended
            .stderr
            .contains("the response was lost, but the service accepted the submission"),
        "{}",
        ended.stderr
    );
    assert_eq!(env.status()["perhaps_paid"], 0);
}

#[test]
fn a_lost_answer_that_nobody_can_find_is_submitted_again_and_counted() {
    let env = TestEnv::with_recordings(faulty("drop-after=1,no-logs=1"), 1);
    let mut child = env.start(&["run"]);
    env.wait_until("a lost answer", |env| {
        env.sandbox().ledger().generations.len() == 1
    });
    env.sandbox().set_faults(faults("no-logs=1"));
    env.wait_until("the second attempt", |env| env.count("done") == 1);
    child.signal("TERM");
    assert_eq!(child.wait(), 0);
    assert_eq!(env.sandbox().ledger().generations.len(), 2);
    assert_eq!(env.status()["perhaps_paid"], 1);
    let shown = env.run(&["show", "1"]).stdout;
    assert!(
        shown.contains("uncertain") && shown.contains("completed"),
        "{shown}"
    );
}

#[test]
fn what_the_service_does_not_list_beside_later_ones_was_not_accepted_and_is_not_counted() {
    let env = TestEnv::with_recordings(faulty("drop-before=1"), 1);
    let mut child = env.start(&["run"]);
    env.wait_until("a broken upload", |env| env.sandbox().ledger().cut > 0);
    env.sandbox().set_faults(Faults::default());
    env.add_recording("later.wav", 2);
    env.wait_until("both", |env| env.count("done") == 2);
    child.signal("TERM");
    assert_eq!(child.wait(), 0);
    assert_eq!(env.sandbox().ledger().generations.len(), 2);
    assert_eq!(env.status()["perhaps_paid"], 0);
}

#[test]
fn a_lost_answer_can_be_left_to_a_person() {
    let env = TestEnv::with_recordings(faulty("drop-after=1,no-logs=1"), 2);
    let mut command = env.command(&["run", "--once"]);
    assert_eq!(
        run_command(command.env("NIGHTSCRIBE__RETRY__UNCERTAIN", "hold")).code,
        1
    );
    let item = env.item("0.wav");
    assert_eq!(
        (item["state"].as_str(), item["attempts"].as_u64()),
        (Some("failed"), Some(1))
    );
    assert_eq!(
        item["error"]["message"],
        "the answer was lost and the service keeps no request log; it may have been accepted and billed"
    );
    env.sandbox().set_faults(Faults::default());
    env.run(&["retry", "--failed"]);
    env.run_once(0);
    assert_all_done(&env, 2);
}

#[test]
fn a_key_that_is_refused_for_long_gives_no_transcription_up() {
    let settings = Settings {
        delay: Duration::from_secs(1),
        ..settings()
    };
    let env = TestEnv::with_recordings(settings, 1);
    let config = fs::read_to_string(env.path("nightscribe.toml")).unwrap();
    let config = config.replace("[api]\n", "[api]\nretention = '1s'\n");
    fs::write(env.path("nightscribe.toml"), config).unwrap();
    let mut child = env.start(&["run"]);
    env.wait_until("the submission", |env| {
        env.sandbox().ledger().generations.len() == 1
    });
    env.sandbox().set_account(AccountState::KeyRefused);
    // Polls come 50 ms apart, so that these take longer than twice the retention.
    env.wait_until("many refused polls", |env| {
        env.sandbox().ledger().polls >= 80
    });
    env.sandbox().set_account(AccountState::Open);
    env.wait_until("the transcript", |env| env.count("done") == 1);
    child.signal("TERM");
    assert_eq!(child.wait(), 0);
    assert_eq!(env.sandbox().ledger().generations.len(), 1);
}

#[test]
fn a_transcription_that_fails_is_tried_again_and_given_up_in_the_end() {
    let env = TestEnv::with_recordings(faulty("fail=1"), 1);
    env.run_once(1);
    let item = env.item("0.wav");
    assert_eq!(
        (item["state"].as_str(), item["attempts"].as_u64()),
        (Some("failed"), Some(5))
    );
    assert_eq!(item["error"]["class"], "transcription");
    assert_eq!(env.sandbox().ledger().paid, 0);
    env.sandbox().set_faults(Faults::default());
    assert_eq!(env.run(&["retry", "--failed"]).stdout, "1 item requeued\n");
    env.run_once(0);
    assert_all_done(&env, 1);
}

#[test]
fn a_refused_submission_fails_at_once_and_alone() {
    let env = TestEnv::with_recordings(faulty("reject=1"), 2);
    env.run_once(1);
    for item in env.items() {
        assert_eq!(
            (item["state"].as_str(), item["attempts"].as_u64()),
            (Some("failed"), Some(1))
        );
        assert_eq!(item["error"]["class"], "rejected");
    }
}

#[test]
fn a_rate_limit_spends_no_attempt() {
    let env = TestEnv::with_recordings(faulty("rate-limit=0.2"), 6);
    env.run_once(0);
    assert_all_done(&env, 6);
    assert!(env.sandbox().ledger().refused[&429] > 0);
    assert!(env.items().iter().all(|item| item["attempts"] == 1));
}

#[test]
fn a_refused_key_or_an_empty_account_holds_and_fails_nothing() {
    for (account, hold) in [
        (AccountState::KeyRefused, "auth"),
        (AccountState::NoCredit, "credit"),
    ] {
        let env = TestEnv::with_recordings(settings(), 6);
        env.sandbox().set_account(account);
        let ended = env.run_once(3);
        assert!(
            ended.stderr.contains("submissions held"),
            "{}",
            ended.stderr
        );
        assert_eq!(env.count("queued"), 6);
        let status = env.status();
        assert_eq!(status["holds"][0]["kind"], hold);
        assert!(
            env.run(&["status"])
                .stdout
                .contains(&format!("held ({hold})"))
        );
        assert!(env.items().iter().all(|item| item["attempts"] == 0));
        env.run_once(3);
        env.sandbox().set_account(AccountState::Open);
        env.run_once(0);
        assert_all_done(&env, 6);
        assert_eq!(env.status()["holds"], serde_json::json!([]));
        assert_eq!(env.sandbox().ledger().generations.len(), 6);
    }
}

#[test]
fn what_is_pending_is_collected_under_a_hold() {
    let env = TestEnv::with_recordings(
        Settings {
            delay: Duration::from_millis(300),
            ..settings()
        },
        4,
    );
    let mut child = env.start(&["run", "--once"]);
    env.wait_until("submissions", |env| {
        env.sandbox().ledger().generations.len() == 4
    });
    env.add_recording("later.wav", 99);
    env.sandbox().set_account(AccountState::NoCredit);
    assert_eq!(child.wait(), 0);
    env.run_once(3);
    assert_eq!((env.count("done"), env.count("queued")), (4, 1));
}

#[test]
fn results_survive_an_output_folder_that_cannot_be_written() {
    let env = TestEnv::with_recordings(
        Settings {
            retention: Duration::from_secs(2),
            ..settings()
        },
        5,
    );
    fs::write(env.path("transcripts"), "in the way").unwrap();
    let mut child = env.start(&["run"]);
    env.wait_until("results", |env| env.count("received") == 5);
    child.signal("TERM");
    assert_eq!(child.wait(), 0);
    assert_eq!(env.item("0.wav")["error"]["class"], "output");
    fs::remove_file(env.path("transcripts")).unwrap();
    env.run_once(0);
    assert_all_done(&env, 5);
    assert_eq!(env.sandbox().ledger().generations.len(), 5);
}

#[test]
fn bad_files_fail_alone_with_their_class() {
    let env = TestEnv::with_recordings(settings(), 2);
    let write =
        |name: &str, bytes: &[u8]| fs::write(env.path("recordings").join(name), bytes).unwrap();
    write("empty.mp3", b"");
    write("text.mp3", b"Dear diary, this is no sound at all.");
    write("cut.wav", &wav(1, 8_000)[..4_000]);
    env.run_once(1);
    let class = |name: &str| {
        env.item(name)["error"]["class"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(class("empty.mp3"), "unreadable");
    assert_eq!(class("text.mp3"), "unsupported");
    assert_eq!(class("cut.wav"), "unreadable");
    assert_eq!((env.count("done"), env.count("failed")), (2, 3));
    assert!(
        env.items()
            .iter()
            .filter(|item| item["state"] == "failed")
            .all(|item| item["attempts"] == 0)
    );
    env.run_once(0);
    write("empty.mp3", &wav(50, 8_000));
    env.run_once(0);
    assert_eq!((env.count("done"), env.count("failed")), (3, 2));
}

#[test]
fn equal_content_is_paid_once() {
    let env = TestEnv::new(settings());
    for name in ["a.wav", "b.wav", "c/d.wav"] {
        env.add_recording(name, 1);
    }
    env.run_once(0);
    assert_eq!(env.count("done"), 3);
    assert_eq!(env.sandbox().ledger().generations.len(), 1);
    env.add_recording("e.wav", 1);
    env.run_once(0);
    assert_eq!(env.sandbox().ledger().generations.len(), 1);
    assert!(env.transcript("e.txt").contains("not speech recognition"));
    assert!(
        env.run(&["show", "4"])
            .stdout
            .contains("which has the same content")
    );
}

#[test]
fn equal_content_is_paid_once_also_where_one_waits_until_the_other_is_done() {
    let env = TestEnv::new(settings());
    for name in ["a.wav", "b.wav", "c.wav"] {
        env.add_recording(name, 1);
    }
    let mut command = env.command(&["run", "--once"]);
    command.env("NIGHTSCRIBE__LIMITS__MAX_PENDING", "1");
    assert_eq!(run_command(&mut command).code, 0);
    assert_eq!(env.count("done"), 3);
    assert_eq!(env.sandbox().ledger().generations.len(), 1);
}

#[test]
fn a_changed_recording_gets_a_new_transcript_in_the_old_one_s_place() {
    let env = TestEnv::with_recordings(settings(), 1);
    env.run_once(0);
    let before = env.transcript("0.txt");
    env.add_recording("0.wav", 77);
    set_mtime(&env.path("recordings/0.wav"), 1_000_000);
    env.run_once(0);
    assert_ne!(env.transcript("0.txt"), before);
    assert_eq!(env.file_names("transcripts").len(), 4);
    assert_eq!(env.sandbox().ledger().generations.len(), 2);
    env.run_once(0);
    assert_eq!(env.sandbox().ledger().generations.len(), 2);
}

#[test]
fn no_transcript_overwrites_another_file() {
    let env = TestEnv::new(settings());
    env.add_recording("talk.wav", 1);
    fs::write(env.path("recordings/talk.mp3"), wav(2, 8_000)).unwrap();
    fs::create_dir_all(env.path("transcripts/talks")).unwrap();
    env.add_recording("notes.wav", 3);
    fs::write(env.path("transcripts/talks/notes.txt"), "mine").unwrap();
    env.run_once(0);
    let names = env.file_names("transcripts/talks");
    let txt: Vec<_> = names.iter().filter(|name| name.ends_with(".txt")).collect();
    assert_eq!(
        txt,
        ["notes.txt", "notes.wav.txt", "talk.txt", "talk.wav.txt"]
    );
    assert_eq!(env.transcript("notes.txt"), "mine");
    assert_ne!(env.transcript("talk.txt"), env.transcript("talk.wav.txt"));
}

#[test]
fn odd_names_get_their_transcripts() {
    let env = TestEnv::new(settings());
    env.add_recording("new\nline.wav", 1);
    env.add_recording(os_str(b"not\xffutf8.wav"), 2);
    env.add_recording(format!("{}.wav", "n".repeat(251)), 3);
    env.add_recording("ümlaut 日本.wav", 4);
    let ended = env.run_once(0);
    assert_eq!(env.count("done"), 4);
    assert!(
        env.path("transcripts/talks")
            .join(os_str(b"not\xffutf8.txt"))
            .exists()
    );
    assert!(env.path("transcripts/talks/new\nline.txt").exists());
    assert!(!ended.stderr.contains("new\nline"), "{}", ended.stderr);
    env.run_once(0);
    assert_eq!(env.sandbox().ledger().generations.len(), 4);
}

#[test]
fn hidden_files_links_and_our_own_folders_are_left_alone() {
    let env = TestEnv::with_recordings(settings(), 1);
    env.add_recording(".hidden.wav", 1);
    env.add_recording(".folder/x.wav", 2);
    symlink(
        env.path("recordings/0.wav"),
        env.path("recordings/link.wav"),
    )
    .unwrap();
    env.configure_with(
        "[state]\ndir = 'recordings/state'\n",
        "[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = '0s'\n",
    );
    env.run_once(0);
    assert_eq!(env.items().len(), 1);
}

#[test]
fn a_source_that_is_gone_changes_nothing() {
    let env = TestEnv::with_recordings(settings(), 3);
    assert_eq!(
        env.run(&["scan"]).stdout,
        "3 recordings: 3 new, 0 changed\n"
    );
    fs::rename(env.path("recordings"), env.path("unmounted")).unwrap();
    let ended = env.run_once(0);
    assert!(
        ended.stderr.contains("the source folder is missing"),
        "{}",
        ended.stderr
    );
    assert_eq!(env.count("queued"), 3);
    fs::rename(env.path("unmounted"), env.path("recordings")).unwrap();
    env.run_once(0);
    assert_all_done(&env, 3);
}

#[test]
fn a_recording_that_vanished_fails_and_comes_back_with_its_file() {
    let env = TestEnv::with_recordings(settings(), 2);
    env.run(&["scan"]);
    fs::rename(env.path("recordings/1.wav"), env.path("away.wav")).unwrap();
    env.run_once(1);
    assert_eq!(env.item("1.wav")["error"]["class"], "unreadable");
    fs::rename(env.path("away.wav"), env.path("recordings/1.wav")).unwrap();
    env.run_once(0);
    assert_all_done(&env, 2);
}

#[test]
fn a_recording_that_changed_since_the_scan_is_sent_as_it_is_now() {
    let env = TestEnv::with_recordings(settings(), 1);
    env.run(&["scan"]);
    env.add_recording("0.wav", 55);
    set_mtime(&env.path("recordings/0.wav"), 2_000_000);
    env.run_once(0);
    assert_all_done(&env, 1);
    assert_eq!(env.sandbox().ledger().generations.len(), 1);
}

#[test]
fn a_file_that_is_still_written_is_left_for_later() {
    let env = TestEnv::with_recordings(settings(), 1);
    env.configure_with(
        "",
        "[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = '1h'\n",
    );
    let ended = env.run_once(0);
    assert!(ended.stderr.contains("unsettled=1"), "{}", ended.stderr);
    assert!(env.items().is_empty());
    set_mtime(&env.path("recordings/0.wav"), 1_000);
    env.run_once(0);
    assert_all_done(&env, 1);
}

#[test]
fn a_transcription_that_expired_is_submitted_again() {
    let env = TestEnv::with_recordings(
        Settings {
            delay: Duration::from_secs(3600),
            retention: Duration::from_millis(200),
            ..settings()
        },
        1,
    );
    let ended = env
        .command(&["run", "--once"])
        .env("NIGHTSCRIBE__API__RETENTION", "1s")
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(1));
    let item = env.item("0.wav");
    assert_eq!(
        (item["error"]["class"].as_str(), item["attempts"].as_u64()),
        (Some("expired"), Some(5))
    );
    assert_eq!(env.sandbox().ledger().generations.len(), 5);
}

#[test]
fn silence_is_done_and_marked() {
    let env = TestEnv::new(settings());
    env.add_recording("silence.wav", 1);
    env.run_once(0);
    assert_eq!(env.transcript("silence.txt"), "[no speech]\n");
    assert_eq!(env.item("silence.wav")["silent"], true);
    assert!(env.run(&["list"]).stdout.contains("no speech"));
}

#[test]
fn the_legacy_flow_does_the_same_in_one_call() {
    let env = TestEnv::with_recordings(settings(), 3);
    let ended = env
        .command(&["run", "--once"])
        .env("NIGHTSCRIBE__API__FLOW", "legacy")
        .output()
        .unwrap();
    assert!(ended.status.success());
    assert_all_done(&env, 3);
    assert_eq!(env.sandbox().ledger().generations.len(), 3);
}

#[test]
fn transcripts_can_stand_beside_their_recordings() {
    let env = TestEnv::new(settings());
    env.add_recording("a/b.wav", 1);
    let run = || {
        env.command(&["run", "--once"])
            .env("NIGHTSCRIBE__OUTPUT__LAYOUT", "beside")
            .output()
            .unwrap()
    };
    assert!(run().status.success());
    assert_eq!(
        env.file_names("recordings"),
        ["a/b.json", "a/b.srt", "a/b.txt", "a/b.vtt", "a/b.wav"]
    );
    assert!(run().status.success());
    assert_eq!(env.sandbox().ledger().generations.len(), 1);
}

#[test]
fn a_kill_at_any_moment_loses_nothing() {
    let env = TestEnv::with_recordings(
        Settings {
            delay: Duration::from_millis(150),
            ..settings()
        },
        40,
    );
    for kill in 1..=6 {
        let mut child = env.start(&["run", "--once"]);
        let seen = env.sandbox().ledger().generations.len();
        env.wait_until("progress", |env| {
            env.sandbox().ledger().generations.len() >= (seen + 3 * kill).min(40)
        });
        child.signal("KILL");
        child.wait();
    }
    env.run_once(0);
    assert_all_done(&env, 40);
    assert_eq!(env.file_names("transcripts").len(), 160);
    assert_eq!(
        env.sandbox().ledger().generations.len(),
        40,
        "what was in flight is found again"
    );
}

#[test]
fn a_service_that_cannot_be_reached_ends_the_run_in_time_and_spends_nothing() {
    let mut env = TestEnv::with_recordings(settings(), 3);
    env.stop_sandbox();
    let ended = env.run_once(1);
    assert!(
        ended.stderr.contains("could not be reached"),
        "{}",
        ended.stderr
    );
    assert_eq!(env.count("queued"), 3);
    assert!(env.items().iter().all(|item| item["attempts"] == 0));
}

#[test]
fn limits_are_kept_and_used() {
    let settings = Settings {
        submits_per_minute: Some(1200),
        polls_per_minute: Some(6000),
        ..settings()
    };
    let env = TestEnv::with_recordings(settings, 30);
    let mut command = env.command(&["run", "--once"]);
    command
        .env("NIGHTSCRIBE__LIMITS__SUBMITS_PER_MINUTE", "1200")
        .env("NIGHTSCRIBE__LIMITS__POLLS_PER_MINUTE", "6000");
    assert!(command.output().unwrap().status.success());
    assert_eq!(env.sandbox().ledger().over_limit, 0);
    assert_all_done(&env, 30);
}
