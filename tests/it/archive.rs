//! Transcripts on disk that the queue does not know: after the state folder was lost, moved or restored from a backup.

use crate::harness::{CommandResult, TestEnv, settings, wav};
use std::fs;

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

/// Returns the content of all files in the output folder, by name.
fn transcripts(env: &TestEnv) -> Vec<(String, String)> {
    let names = env.file_names("transcripts").into_iter();
    names
        .map(|name| {
            let content = fs::read_to_string(env.path("transcripts").join(&name)).unwrap();
            (name, content)
        })
        .collect()
}

fn assert_reported(run: &CommandResult, count: u32) {
    let lines = run.stderr.lines().filter(|line| line.contains("took over"));
    let lines: Vec<_> = lines.collect();
    assert_eq!(lines.len(), 1, "{}", run.stderr);
    let expected = format!("took over {count} transcript");
    assert!(lines[0].contains(&expected), "{}", lines[0]);
}

#[test]
fn a_lost_queue_is_restored_from_the_transcripts() {
    let env = transcribed(5);
    let before = transcripts(&env);
    lose_state(&env);
    env.add_recording("new.wav", 99);
    let run = env.run_once(0);
    assert_reported(&run, 5);
    assert_eq!(paid(&env), 6, "only the new recording is paid for");
    assert_eq!(env.count("done"), 6);
    let after = transcripts(&env);
    assert!(before.iter().all(|file| after.contains(file)));
    assert_eq!(after.len(), 6 * 4);
    let again = env.run_once(0);
    assert!(!again.stderr.contains("took over"), "{}", again.stderr);
    // The results are in the queue, as if it had not been lost.
    fs::remove_dir_all(env.path("transcripts")).unwrap();
    assert_eq!(env.run(&["export", "--all", "--format", "txt"]).code, 0);
    let exported = transcripts(&env);
    assert!(exported.iter().all(|file| after.contains(file)));
}

#[test]
fn an_older_queue_is_completed_from_the_transcripts() {
    let env = transcribed(2);
    let copy = |from: &str, to: &str| {
        fs::copy(env.path(from), env.path(to)).unwrap();
    };
    copy("state/nightscribe.db", "backup");
    for name in ["a.wav", "b.wav"] {
        env.add_recording(name, 50 + u32::from(name.as_bytes()[0]));
    }
    env.run_once(0);
    copy("backup", "state/nightscribe.db");
    assert_reported(&env.run_once(0), 2);
    assert_eq!(paid(&env), 4);
    assert_eq!(env.count("done"), 4);
}

#[test]
fn a_moved_archive_is_transcribed_again_for_nothing() {
    let env = transcribed(2);
    lose_state(&env);
    fs::rename(env.path("recordings"), env.path("moved")).unwrap();
    let old = env.path("moved/0.wav");
    fs::rename(&old, env.path("moved/renamed.wav")).unwrap();
    let source = "[[source]]\nname = 'other'\npath = 'moved'\nsettle = '0s'\n";
    env.configure_with("", source);
    assert_reported(&env.run_once(0), 2);
    assert_eq!(paid(&env), 2);
    let names = env.file_names("transcripts");
    for name in ["other/1.txt", "other/renamed.json", "talks/0.json"] {
        assert!(names.contains(&name.to_owned()), "{names:?}");
    }
}

#[test]
fn corrections_are_kept_and_missing_formats_written() {
    let env = transcribed(1);
    lose_state(&env);
    let srt = env.transcript("0.srt");
    fs::remove_file(env.path("transcripts/talks/0.srt")).unwrap();
    fs::write(env.path("transcripts/talks/0.txt"), "corrected").unwrap();
    env.run_once(0);
    assert_eq!(paid(&env), 1);
    assert_eq!(env.transcript("0.srt"), srt);
    assert_eq!(env.transcript("0.txt"), "corrected");
    assert_eq!(env.file_names("transcripts").len(), 4);
    assert_eq!(env.item("0.wav")["outputs"].as_array().unwrap().len(), 4);
}

#[test]
fn a_changed_recording_is_paid_for() {
    let env = transcribed(2);
    lose_state(&env);
    // Of the same size, so that only the hash tells that it is new.
    fs::write(env.path("recordings/0.wav"), wav(77, 8_000)).unwrap();
    assert_reported(&env.run_once(0), 1);
    assert_eq!(paid(&env), 3);
    assert_eq!(env.count("done"), 2);
}

#[test]
fn equal_recordings_share_an_imported_result() {
    let env = transcribed(1);
    lose_state(&env);
    fs::copy(
        env.path("recordings/0.wav"),
        env.path("recordings/copy.wav"),
    )
    .unwrap();
    env.run_once(0);
    assert_eq!(paid(&env), 1);
    assert_eq!(env.count("done"), 2);
    assert!(
        env.file_names("transcripts")
            .contains(&"talks/copy.txt".to_owned())
    );
}

#[test]
fn transcripts_next_to_their_recordings_are_found() {
    let env = TestEnv::with_recordings(settings(), 1);
    env.add_recording("2019/a.wav", 7);
    let config = fs::read_to_string(env.path("nightscribe.toml")).unwrap();
    let config = config.replace("[output]\n", "[output]\nlayout = 'beside'\n");
    fs::write(env.path("nightscribe.toml"), config).unwrap();
    env.run_once(0);
    lose_state(&env);
    assert_reported(&env.run_once(0), 2);
    assert_eq!(paid(&env), 2);
    assert!(!env.path("transcripts").exists());
}

#[test]
fn a_folder_is_adopted_once_and_leftovers_are_named() {
    let env = transcribed(3);
    lose_state(&env);
    fs::rename(env.path("transcripts"), env.path("old")).unwrap();
    fs::write(env.path("old/talks/notes.txt"), "mine").unwrap();
    fs::remove_file(env.path("recordings/2.wav")).unwrap();
    // Another model than the transcripts were made with.
    let source = "[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = '0s'\nmodel = '#g1_whisper-tiny'\n";
    env.configure_with("", source);
    let adopted = env.run(&["adopt", "old"]);
    assert_eq!(adopted.code, 0, "{}", adopted.stderr);
    assert!(
        adopted
            .stdout
            .ends_with("2 transcripts adopted; nothing was paid for\n")
    );
    assert!(
        adopted.stdout.contains("2.json: no queued recording"),
        "{}",
        adopted.stdout
    );
    assert!(
        adopted.stdout.contains("notes.txt: contains no result"),
        "{}",
        adopted.stdout
    );
    let again = env.run(&["adopt", "old"]);
    assert!(
        again
            .stdout
            .ends_with("0 transcripts adopted; nothing was paid for\n")
    );
    env.run_once(0);
    assert_eq!(paid(&env), 3);
    assert_eq!(env.count("done"), 2);
    assert_eq!(env.file_names("transcripts").len(), 2 * 4);
    assert_eq!(env.item("0.wav")["model"], "#g1_nova-2-general");
}
