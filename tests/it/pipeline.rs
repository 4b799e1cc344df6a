//! Whole runs against the sandbox: recordings become transcripts despite faults of the service, the files and the process.

use crate::harness::{TestEnv, os_str, run_command, set_mtime, settings, wav};
use nightscribe_sandbox::{AccountState, Faults, Settings};
use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

/// Returns sandbox settings with these faults.
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

/// Asserts that all recordings are done. The transcripts of the sandbox contain the hash of their recording.
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
                "{stem}.{format} belongs to another recording"
            );
        }
    }
}

#[test]
fn a_second_run_submits_nothing() {
    let env = TestEnv::with_recordings(settings(), 20);
    env.run_once(0);
    assert_all_done(&env, 20);
    assert_eq!(env.file_names("transcripts").len(), 80);
    env.run_once(0);
    assert_eq!(env.sandbox().ledger().generations.len(), 20);
}

#[test]
fn unaccepted_submissions_cost_nothing() {
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
fn slow_or_broken_responses_are_handled() {
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
fn lost_responses_are_recovered_without_a_second_payment() {
    let env = TestEnv::with_recordings(faulty("drop-after=0.2"), 130);
    let result = env.run_once(0);
    assert_all_done(&env, 130);
    assert_eq!(env.sandbox().ledger().generations.len(), 130);
    assert!(
        result
            .stderr
            .contains("the response was lost, but the service accepted the submission"),
        "{}",
        result.stderr
    );
    assert_eq!(env.status()["perhaps_paid"], 0);
}

#[test]
fn an_unrecoverable_submission_is_repeated_and_counted() {
    let env = TestEnv::with_recordings(faulty("drop-after=1,no-logs=1"), 1);
    let mut child = env.start(&["run"]);
    env.wait_until("the lost response", |env| {
        env.sandbox().ledger().generations.len() == 1
    });
    env.sandbox().set_faults(faults("no-logs=1"));
    env.wait_until("the second attempt", |env| env.count("done") == 1);
    child.signal("TERM");
    assert_eq!(child.wait(), 0);
    assert_eq!(env.sandbox().ledger().generations.len(), 2);
    assert_eq!(env.status()["perhaps_paid"], 1);
    let output = env.run(&["show", "1"]).stdout;
    assert!(
        output.contains("uncertain") && output.contains("completed"),
        "{output}"
    );
}

#[test]
fn a_submission_missing_from_the_log_is_counted_and_sent_again() {
    let env = TestEnv::with_recordings(faulty("drop-before=1"), 1);
    let mut child = env.start(&["run"]);
    env.wait_until("the interrupted upload", |env| {
        env.sandbox().ledger().cut > 0
    });
    env.sandbox().set_faults(Faults::default());
    env.add_recording("later.wav", 2);
    env.wait_until("both transcripts", |env| env.count("done") == 2);
    child.signal("TERM");
    assert_eq!(child.wait(), 0);
    assert_eq!(env.sandbox().ledger().generations.len(), 2);
    assert_eq!(env.status()["perhaps_paid"], 1);
}

#[test]
fn a_lost_response_can_be_left_to_the_operator() {
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
        "the response was lost and the service keeps no request log; it may have been accepted and billed"
    );
    env.sandbox().set_faults(Faults::default());
    env.run(&["retry", "--failed"]);
    env.run_once(0);
    assert_all_done(&env, 2);
}

#[test]
fn a_long_key_rejection_loses_no_transcription() {
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
    // Polls are 50 ms apart, so these take more than twice the retention.
    env.wait_until("many rejected polls", |env| {
        env.sandbox().ledger().polls >= 80
    });
    env.sandbox().set_account(AccountState::Open);
    env.wait_until("the transcript", |env| env.count("done") == 1);
    child.signal("TERM");
    assert_eq!(child.wait(), 0);
    assert_eq!(env.sandbox().ledger().generations.len(), 1);
}

#[test]
fn a_transcription_that_fails_in_the_same_words_is_tried_twice() {
    let env = TestEnv::with_recordings(faulty("fail=1"), 1);
    env.run_once(1);
    let item = env.item("0.wav");
    assert_eq!(
        (item["state"].as_str(), item["attempts"].as_u64()),
        (Some("failed"), Some(2))
    );
    assert_eq!(item["error"]["class"], "transcription");
    assert_eq!(env.sandbox().ledger().paid, 0);
    env.sandbox().set_faults(Faults::default());
    assert_eq!(env.run(&["retry", "--failed"]).stdout, "1 item requeued\n");
    env.run_once(0);
    assert_all_done(&env, 1);
}

#[test]
fn a_rejected_submission_fails_without_a_retry() {
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
fn a_rejected_key_or_missing_credit_holds_submissions() {
    for (account, hold) in [
        (AccountState::KeyRefused, "auth"),
        (AccountState::NoCredit, "credit"),
    ] {
        let env = TestEnv::with_recordings(settings(), 6);
        env.sandbox().set_account(account);
        let result = env.run_once(3);
        assert!(
            result.stderr.contains("submissions held"),
            "{}",
            result.stderr
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
fn pending_results_are_collected_during_a_hold() {
    let env = TestEnv::with_recordings(
        Settings {
            delay: Duration::from_millis(300),
            ..settings()
        },
        4,
    );
    let mut child = env.start(&["run", "--once"]);
    env.wait_until("all submissions", |env| {
        env.sandbox().ledger().generations.len() == 4
    });
    env.add_recording("later.wav", 99);
    env.sandbox().set_account(AccountState::NoCredit);
    assert_eq!(child.wait(), 0);
    env.run_once(3);
    assert_eq!((env.count("done"), env.count("queued")), (4, 1));
}

#[test]
fn results_survive_an_unwritable_output_folder() {
    let env = TestEnv::with_recordings(
        Settings {
            retention: Duration::from_secs(2),
            ..settings()
        },
        5,
    );
    fs::write(env.path("transcripts"), "in the way").unwrap();
    let mut child = env.start(&["run"]);
    env.wait_until("all results", |env| env.count("received") == 5);
    child.signal("TERM");
    assert_eq!(child.wait(), 0);
    assert_eq!(env.item("0.wav")["error"]["class"], "output");
    fs::remove_file(env.path("transcripts")).unwrap();
    env.run_once(0);
    assert_all_done(&env, 5);
    assert_eq!(env.sandbox().ledger().generations.len(), 5);
}

#[test]
fn invalid_files_fail_with_their_error_class() {
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
fn duplicate_content_is_paid_for_once() {
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
fn a_waiting_duplicate_is_never_submitted() {
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
fn a_changed_recording_replaces_its_transcript() {
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
    // The file looks like the transcript of an earlier queue.
    env.run_once(3);
    assert_eq!(env.count("done"), 2);
    env.run(&["resume", "--submit-anyway"]);
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
fn unusual_file_names_get_transcripts() {
    let env = TestEnv::new(settings());
    env.add_recording("new\nline.wav", 1);
    env.add_recording(os_str(b"not\xffutf8.wav"), 2);
    env.add_recording(format!("{}.wav", "n".repeat(251)), 3);
    env.add_recording("ümlaut 日本.wav", 4);
    let result = env.run_once(0);
    assert_eq!(env.count("done"), 4);
    assert!(
        env.path("transcripts/talks")
            .join(os_str(b"not\xffutf8.txt"))
            .exists()
    );
    assert!(env.path("transcripts/talks/new\nline.txt").exists());
    assert!(!result.stderr.contains("new\nline"), "{}", result.stderr);
    env.run_once(0);
    assert_eq!(env.sandbox().ledger().generations.len(), 4);
}

#[test]
fn hidden_files_links_and_state_folders_are_ignored() {
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
fn a_missing_source_keeps_its_jobs() {
    let env = TestEnv::with_recordings(settings(), 3);
    assert_eq!(
        env.run(&["scan"]).stdout,
        "3 recordings: 3 new, 0 changed\n"
    );
    fs::rename(env.path("recordings"), env.path("unmounted")).unwrap();
    let result = env.run_once(1);
    assert!(
        result.stderr.contains("the source folder is missing"),
        "{}",
        result.stderr
    );
    assert_eq!(env.count("queued"), 3);
    fs::rename(env.path("unmounted"), env.path("recordings")).unwrap();
    env.run_once(0);
    assert_all_done(&env, 3);
}

#[test]
fn a_restored_file_requeues_its_failed_job() {
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
fn a_file_changed_after_the_scan_is_sent() {
    let env = TestEnv::with_recordings(settings(), 1);
    env.run(&["scan"]);
    env.add_recording("0.wav", 55);
    set_mtime(&env.path("recordings/0.wav"), 2_000_000);
    env.run_once(0);
    assert_all_done(&env, 1);
    assert_eq!(env.sandbox().ledger().generations.len(), 1);
}

#[test]
fn an_unsettled_file_is_skipped() {
    let env = TestEnv::with_recordings(settings(), 1);
    env.configure_with(
        "",
        "[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = '1h'\n",
    );
    let result = env.run_once(0);
    assert!(result.stderr.contains("unsettled=1"), "{}", result.stderr);
    assert!(env.items().is_empty());
    // A single run waits for a file that settles soon.
    env.configure_with(
        "",
        "[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = '1s'\n",
    );
    env.run_once(0);
    assert_all_done(&env, 1);
}

#[test]
fn expired_transcriptions_are_submitted_again_until_several_in_a_row_are_lost() {
    let env = TestEnv::with_recordings(
        Settings {
            delay: Duration::from_secs(3600),
            retention: Duration::from_millis(200),
            ..settings()
        },
        1,
    );
    let result = env
        .command(&["run", "--once"])
        .env("NIGHTSCRIBE__API__RETENTION", "1s")
        .output()
        .unwrap();
    assert_eq!(result.status.code(), Some(3));
    let item = env.item("0.wav");
    assert_eq!(
        (item["error"]["class"].as_str(), item["attempts"].as_u64()),
        (Some("expired"), Some(5))
    );
    assert_eq!(env.sandbox().ledger().generations.len(), 5);
    let hold = &env.status()["holds"][0];
    assert_eq!(hold["kind"], "lost_results");
    let message = hold["message"].as_str().unwrap();
    assert!(
        message.starts_with("5 paid transcriptions in a row did not come back"),
        "{message}"
    );
}

#[test]
fn a_silent_recording_is_done_and_marked() {
    let env = TestEnv::new(settings());
    env.add_recording("silence.wav", 1);
    env.run_once(0);
    assert_eq!(env.transcript("silence.txt"), "[no speech]\n");
    assert_eq!(env.item("silence.wav")["silent"], true);
    assert!(env.run(&["list"]).stdout.contains("no speech"));
}

#[test]
fn the_legacy_flow_transcribes_in_one_call() {
    let env = TestEnv::with_recordings(settings(), 3);
    let result = env
        .command(&["run", "--once"])
        .env("NIGHTSCRIBE__API__FLOW", "legacy")
        .output()
        .unwrap();
    assert!(result.status.success());
    assert_all_done(&env, 3);
    assert_eq!(env.sandbox().ledger().generations.len(), 3);
}

#[test]
fn transcripts_can_be_written_next_to_recordings() {
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
fn repeated_kills_lose_nothing() {
    let env = TestEnv::with_recordings(
        Settings {
            delay: Duration::from_millis(150),
            ..settings()
        },
        40,
    );
    for kills in 1..=6 {
        let mut child = env.start(&["run", "--once"]);
        let submitted = env.sandbox().ledger().generations.len();
        env.wait_until("progress", |env| {
            env.sandbox().ledger().generations.len() >= (submitted + 3 * kills).min(40)
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
        "submissions in flight at a kill are recovered"
    );
}

#[test]
fn an_unreachable_service_ends_the_run_without_attempts() {
    let mut env = TestEnv::with_recordings(settings(), 3);
    env.stop_sandbox();
    let result = env.run_once(1);
    assert!(
        result.stderr.contains("could not be reached"),
        "{}",
        result.stderr
    );
    assert_eq!(env.count("queued"), 3);
    assert!(env.items().iter().all(|item| item["attempts"] == 0));
}

#[test]
fn configured_limits_are_respected() {
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

#[test]
fn links_to_one_file_are_paid_for_once() {
    let env = TestEnv::new(settings());
    let source =
        "[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = '0s'\nfollow_links = true\n";
    env.configure_with("", source);
    fs::create_dir(env.path("annex")).unwrap();
    fs::write(env.path("annex/object.wav"), wav(1, 8_000)).unwrap();
    let link = |target: &str, name: &str| {
        let name = env.path("recordings").join(name);
        symlink(env.path(target), name).unwrap();
    };
    link("annex/object.wav", "a.wav");
    link("annex/object.wav", "b.wav");
    link("annex", "annex");
    link("", "circle");
    env.run_once(0);
    assert_eq!(env.count("done"), 3);
    assert_eq!(env.sandbox().ledger().generations.len(), 1);
    let text = env.run(&["plan"]).stdout;
    assert!(text.contains("1 links (not followed)"), "{text}");
}
