//! Recordings that look as if they were paid for: they are held until the user decides.

use crate::harness::{TestEnv, set_mtime, settings, wav};
use std::fs;

const SOURCE: &str = "[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = '0s'\n";

/// Creates an environment with `count` transcribed recordings.
fn transcribed(count: u32) -> TestEnv {
    let env = TestEnv::with_recordings(settings(), count);
    env.run_once(0);
    assert_eq!(paid(&env), count as usize);
    env
}

fn paid(env: &TestEnv) -> usize {
    env.sandbox().ledger().generations.len()
}

fn lose_state(env: &TestEnv) {
    fs::remove_dir_all(env.path("state")).unwrap();
}

/// Removes the `json` transcripts, so that only their names tell that the recordings are paid for.
fn remove_envelopes(env: &TestEnv) {
    for name in env.file_names("transcripts") {
        if name.ends_with(".json") {
            fs::remove_file(env.path("transcripts").join(name)).unwrap();
        }
    }
}

/// Gives a recording another content, with another modification time.
fn rewrite(env: &TestEnv, number: u32, seed: u32) {
    let path = env.path(format!("recordings/{number}.wav"));
    fs::write(&path, wav(seed, 9_000)).unwrap();
    set_mtime(&path, 1_700_000_000 + u64::from(seed));
}

/// Inserts a line into the section `[output]`.
fn configure_output(env: &TestEnv, line: &str) {
    let path = env.path("nightscribe.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(
        path,
        text.replace("[output]\n", &format!("[output]\n{line}\n")),
    )
    .unwrap();
}

/// Runs, and asserts that the source `talks` is held for `reason`, and that the service was paid `expected` times in total.
fn assert_held(env: &TestEnv, expected: usize, reason: &str) {
    let run = env.run_once(3);
    assert!(run.stderr.contains(reason), "{}", run.stderr);
    assert_eq!(paid(env), expected);
    let holds = env.status()["holds"].clone();
    assert_eq!(holds.as_array().unwrap().len(), 1, "{holds}");
    assert_eq!(holds[0]["kind"], "looks-paid", "{holds}");
    assert_eq!(holds[0]["source"], "talks", "{holds}");
    let message = holds[0]["message"].as_str().unwrap();
    assert!(message.contains(reason), "{message}");
}

fn assert_no_hold(env: &TestEnv) {
    let status = env.status();
    assert_eq!(status["holds"].as_array().unwrap().len(), 0, "{status}");
}

#[test]
fn transcripts_of_their_name_hold_a_source() {
    let env = transcribed(3);
    lose_state(&env);
    remove_envelopes(&env);
    fs::remove_file(env.path("transcripts/talks/0.txt")).unwrap();
    env.add_recording("new.wav", 99);
    env.add_recording("../more/other.wav", 98);
    let other = "[[source]]\nname = 'more'\npath = 'more'\nsettle = '0s'\n";
    env.configure_with("", &format!("{SOURCE}{other}"));
    let plan = env.run(&["plan"]).stdout;
    assert!(plan.contains("3 files with a transcript"), "{plan}");
    // The recording of the other source is paid for.
    let reason =
        "3 of 4 queued recordings have a transcript that the queue does not know, such as `0.wav`";
    assert_held(&env, 4, reason);
    let new = env.item("new.wav")["waits_for"].to_string();
    assert!(new.contains("looks paid already"), "{new}");
    let status = env.run(&["status"]).stdout;
    assert!(status.contains("held (looks-paid)"), "{status}");
    assert!(status.contains("resume --submit-anyway"), "{status}");
    // A pause and its end change nothing.
    let resumed = env.run(&["resume"]).stdout;
    assert!(resumed.contains("Still held"), "{resumed}");
    assert_held(&env, 4, reason);
    let approved = env.run(&["resume", "--submit-anyway"]);
    assert_eq!(
        approved.stdout,
        "4 recordings of talks will be submitted.\n"
    );
    env.run_once(0);
    assert_eq!(paid(&env), 8);
    assert_eq!(env.count("done"), 5);
    assert_no_hold(&env);
}

#[cfg(feature = "crash-points")]
#[test]
fn an_approval_outlasts_a_crash_and_ends_with_its_recordings() {
    let env = transcribed(2);
    lose_state(&env);
    remove_envelopes(&env);
    assert_held(&env, 2, "2 of 2");
    env.run(&["resume", "--submit-anyway"]);
    let mut killed = env.command(&["run", "--once"]);
    killed.env("NIGHTSCRIBE_CRASH_AT", "store.claim.before");
    assert!(!killed.output().unwrap().status.success());
    env.run_once(0);
    assert_eq!(paid(&env), 4);
    // What comes later is asked about again.
    fs::write(env.path("transcripts/talks/late.txt"), "late").unwrap();
    env.add_recording("late.wav", 77);
    assert_held(&env, 4, "1 of 1 queued recordings");
}

#[test]
fn a_hold_ends_when_the_transcripts_are_gone() {
    let env = transcribed(2);
    lose_state(&env);
    remove_envelopes(&env);
    assert_held(&env, 2, "2 of 2");
    fs::rename(env.path("transcripts"), env.path("elsewhere")).unwrap();
    env.run_once(0);
    assert_eq!(paid(&env), 4);
    assert_no_hold(&env);
}

#[test]
fn transcripts_of_another_model_are_held_until_adopted() {
    let env = transcribed(2);
    lose_state(&env);
    let source = format!("{SOURCE}model = '#g1_whisper-tiny'\n");
    env.configure_with("", &source);
    assert_held(&env, 2, "2 of 2 queued recordings have a transcript");
    let adopted = env.run(&["adopt"]).stdout;
    assert!(adopted.contains("2 transcripts adopted"), "{adopted}");
    assert!(!adopted.contains("Still held"), "{adopted}");
    assert_no_hold(&env);
    env.run_once(0);
    assert_eq!(paid(&env), 2);
}

#[test]
fn adopting_a_part_leaves_the_rest_held() {
    let env = transcribed(3);
    fs::create_dir(env.path("backup")).unwrap();
    let envelope = |folder: &str| env.path(folder).join("1.json");
    fs::copy(envelope("transcripts/talks"), envelope("backup")).unwrap();
    lose_state(&env);
    remove_envelopes(&env);
    assert_held(&env, 3, "3 of 3");
    let adopted = env.run(&["adopt", "backup"]).stdout;
    assert!(adopted.contains("1 transcript adopted"), "{adopted}");
    assert!(
        adopted.contains("Still held: source `talks`: 2 of 2"),
        "{adopted}"
    );
    assert_held(&env, 3, "2 of 2");
}

#[test]
fn a_few_stray_files_hold_only_their_recordings() {
    let env = TestEnv::with_recordings(settings(), 5);
    fs::create_dir_all(env.path("transcripts/talks")).unwrap();
    fs::write(env.path("transcripts/talks/3.txt"), "mine").unwrap();
    assert_held(&env, 4, "1 of 5 queued recordings");
    assert_eq!(env.count("done"), 4);
    let waits_for = env.item("3.wav")["waits_for"].to_string();
    assert!(waits_for.contains("looks paid already"), "{waits_for}");
    assert_eq!(env.run(&["retry", "--failed"]).code, 0);
    assert_held(&env, 4, "1 of 1 queued recordings");
    env.run(&["resume", "--submit-anyway"]);
    env.run_once(0);
    assert_eq!(paid(&env), 5);
}

#[test]
fn files_of_another_program_hold_until_one_command() {
    let env = TestEnv::with_recordings(settings(), 2);
    configure_output(&env, "layout = 'beside'");
    for name in ["0.srt", "0.vtt", "0.txt", "1.srt"] {
        fs::write(env.path("recordings").join(name), "whisper").unwrap();
    }
    fs::write(env.path("recordings/notes.md"), "mine").unwrap();
    assert_held(&env, 0, "2 of 2");
    env.run(&["resume", "--submit-anyway"]);
    env.run_once(0);
    assert_eq!(paid(&env), 2);
    let srt = fs::read_to_string(env.path("recordings/0.srt")).unwrap();
    assert_eq!(srt, "whisper");
}

#[test]
fn other_files_next_to_recordings_hold_nothing() {
    let env = TestEnv::with_recordings(settings(), 1);
    configure_output(&env, "layout = 'beside'");
    for name in ["0.md", "0.lrc", "0.en.srt", "other.txt"] {
        fs::write(env.path("recordings").join(name), "mine").unwrap();
    }
    env.run_once(0);
    assert_eq!(paid(&env), 1);
}

#[test]
fn names_with_a_language_are_recognized() {
    let env = TestEnv::with_recordings(settings(), 2);
    configure_output(&env, "name = '{stem}.{lang}'");
    env.run_once(0);
    lose_state(&env);
    remove_envelopes(&env);
    assert_held(&env, 2, "2 of 2");
}

#[test]
fn a_change_of_most_recordings_is_held() {
    let env = transcribed(5);
    (0..2).for_each(|number| rewrite(&env, number, 50 + number));
    env.run_once(0);
    assert_eq!(paid(&env), 7, "a few changes are no reason to ask");
    // Restored without their times.
    for number in 0..5 {
        set_mtime(&env.path(format!("recordings/{number}.wav")), 1_600_000_000);
    }
    env.run_once(0);
    assert_eq!(paid(&env), 7, "equal content costs nothing");
    (0..4).for_each(|number| rewrite(&env, number, 80 + number));
    env.add_recording("new.wav", 99);
    assert_held(
        &env,
        7,
        "4 of 5 transcribed recordings have changed at once",
    );
    assert_held(
        &env,
        7,
        "4 of 5 transcribed recordings have changed at once",
    );
    // The first recordings are restored, so that only two are left.
    (0..2).for_each(|number| rewrite(&env, number, 50 + number));
    env.run_once(0);
    assert_eq!(paid(&env), 10);
    assert_no_hold(&env);
}

#[test]
fn a_changed_archive_is_submitted_after_the_approval() {
    let env = transcribed(4);
    (0..4).for_each(|number| rewrite(&env, number, 80 + number));
    assert_held(&env, 4, "4 of 4 transcribed recordings");
    env.run(&["resume", "--submit-anyway"]);
    env.run_once(0);
    assert_eq!(paid(&env), 8);
    env.run_once(0);
    assert_eq!(paid(&env), 8);
}

#[test]
fn a_lost_queue_and_a_changed_archive_are_held() {
    let env = transcribed(4);
    lose_state(&env);
    (0..3).for_each(|number| rewrite(&env, number, 80 + number));
    assert_held(
        &env,
        4,
        "3 of 4 transcribed recordings have changed at once",
    );
    assert_eq!(env.count("done"), 1, "the unchanged one is imported");
}

#[test]
fn a_held_source_takes_no_other_way() {
    let env = transcribed(3);
    lose_state(&env);
    remove_envelopes(&env);
    fs::write(env.path("recordings/broken.wav"), "text").unwrap();
    assert_held(&env, 3, "3 of 4");
    // Cancelled, retried and added recordings stay held.
    let id = env.item("broken.wav")["id"].to_string();
    env.run(&["cancel", &id]);
    fs::write(env.path("recordings/broken.wav"), wav(99, 8_000)).unwrap();
    env.run(&["retry", &id]);
    fs::write(env.path("extra.wav"), wav(98, 8_000)).unwrap();
    env.run(&["add", "extra.wav"]);
    assert_held(&env, 3, "3 of 5");
}

#[test]
fn an_added_file_with_a_transcript_is_held() {
    let env = transcribed(1);
    fs::write(env.path("transcripts/talks/extra.txt"), "mine").unwrap();
    fs::write(env.path("extra.wav"), wav(98, 8_000)).unwrap();
    let mut daemon = env.start(&["run"]);
    env.wait_until("the run", |env| env.status()["runner"].is_object());
    env.run(&["add", "extra.wav"]);
    env.wait_until("the hold", |env| {
        env.status()["holds"][0]["kind"] == "looks-paid"
    });
    assert_eq!(paid(&env), 1);
    env.run(&["cancel", "2"]);
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), 0);
    env.run_once(0);
    assert_no_hold(&env);
}

#[test]
fn holds_begin_and_end_while_a_daemon_runs() {
    let env = transcribed(3);
    let mut daemon = env.start(&["run"]);
    env.wait_until("the run", |env| env.status()["runner"].is_object());
    (0..3).for_each(|number| rewrite(&env, number, 80 + number));
    env.wait_until("the hold", |env| {
        env.status()["holds"][0]["kind"] == "looks-paid"
    });
    assert_eq!(paid(&env), 3);
    assert_eq!(env.run(&["resume", "--submit-anyway"]).code, 0);
    env.wait_until("the transcripts", |env| env.count("done") == 6);
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), 0);
    assert_eq!(paid(&env), 6);
    assert_no_hold(&env);
}

#[test]
fn a_hold_is_notified_once() {
    let env = transcribed(1);
    lose_state(&env);
    remove_envelopes(&env);
    env.configure("[notify]\ncommand = ['/bin/sh', '-c', 'cat >> messages; echo >> messages']\n");
    assert_held(&env, 1, "1 of 1");
    assert_held(&env, 1, "1 of 1");
    let messages = fs::read_to_string(env.path("messages")).unwrap();
    let attention = messages
        .lines()
        .filter(|line| line.contains("\"attention\""));
    let attention: Vec<_> = attention.collect();
    assert_eq!(attention.len(), 1, "{messages}");
    assert!(attention[0].contains("\"source\":\"talks\""), "{messages}");
}
