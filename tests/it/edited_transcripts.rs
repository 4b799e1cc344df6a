//! Transcripts that were edited since they were written are kept.

use crate::harness::{TestEnv, set_mtime, settings, wav};
use std::fs;
use std::os::unix::fs::MetadataExt;

const EDIT: &str = "corrected by hand\n";
const KEPT: &str = "edited";

/// Creates an environment with a finished recording, `0.wav`, whose transcript `0.txt` was edited.
fn with_edit() -> TestEnv {
    let env = TestEnv::with_recordings(settings(), 1);
    env.run_once(0);
    edit(&env, "0.txt");
    env
}

fn edit(env: &TestEnv, name: &str) {
    fs::write(env.path("transcripts/talks").join(name), EDIT).unwrap();
}

/// Changes only the modification time of the recording, so that it is transcribed from the stored result.
fn touch(env: &TestEnv, seconds: u64) {
    set_mtime(&env.path("recordings/0.wav"), seconds);
}

#[test]
fn a_touched_recording_keeps_an_edit() {
    let env = with_edit();
    touch(&env, 1_000_000);
    let run = env.run_once(0);
    assert_eq!(env.transcript("0.txt"), EDIT);
    assert_ne!(env.transcript("0.new.txt"), EDIT);
    assert_eq!(run.stderr.matches(KEPT).count(), 1, "{}", run.stderr);
    // The other formats are replaced. Only they contain the time of the recording.
    let names = ["0.json", "0.new.txt", "0.srt", "0.txt", "0.vtt"];
    assert_eq!(env.file_names("transcripts/talks"), names);
    // The new version is reported once, and not again while it stays the same.
    touch(&env, 2_000_000);
    let run = env.run_once(0);
    assert_eq!(run.stderr.matches(KEPT).count(), 0, "{}", run.stderr);
    assert_eq!(env.file_names("transcripts/talks"), names);
    assert_eq!(env.sandbox().ledger().accepted, 1);
}

#[test]
fn a_changed_recording_keeps_edits_of_both_versions() {
    let env = with_edit();
    let change = |seed| fs::write(env.path("recordings/0.wav"), wav(seed, 8_001)).unwrap();
    change(1);
    env.run_once(0);
    let second = env.transcript("0.new.txt");
    edit(&env, "0.new.txt");
    change(2);
    env.run_once(0);
    assert_eq!(env.transcript("0.txt"), EDIT);
    assert_eq!(env.transcript("0.new.txt"), EDIT);
    assert_ne!(env.transcript("0.new~2.txt"), second);
    assert_eq!(env.item("0.wav")["state"], "done");
}

#[test]
fn an_export_keeps_an_edit_unless_forced() {
    let env = with_edit();
    let original = {
        let export = env.run(&["export", "1", "--format", "txt"]);
        assert_eq!(export.code, 0, "{}", export.stderr);
        assert!(export.stdout.contains("0.new.txt"), "{}", export.stdout);
        assert!(export.stderr.contains(KEPT), "{}", export.stderr);
        env.transcript("0.new.txt")
    };
    assert_eq!(env.transcript("0.txt"), EDIT);
    let forced = env.run(&["export", "1", "--format", "txt", "--force"]);
    assert_eq!((forced.code, &*forced.stderr), (0, ""));
    assert_eq!(env.transcript("0.txt"), original);
}

#[test]
fn a_deleted_transcript_is_written_again() {
    let env = with_edit();
    fs::remove_file(env.path("transcripts/talks/0.txt")).unwrap();
    touch(&env, 1_000_000);
    env.run_once(0);
    assert_ne!(env.transcript("0.txt"), EDIT);
    assert_eq!(env.file_names("transcripts/talks").len(), 4);
}

#[test]
fn a_copied_output_folder_is_not_an_edit() {
    let env = TestEnv::with_recordings(settings(), 1);
    env.run_once(0);
    // The copies have the same content, but other inodes and times.
    for name in env.file_names("transcripts/talks") {
        let path = env.path("transcripts/talks").join(name);
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, bytes).unwrap();
        set_mtime(&path, 1_000_000);
    }
    fs::write(env.path("recordings/0.wav"), wav(1, 8_001)).unwrap();
    let run = env.run_once(0);
    assert_eq!(run.stderr.matches(KEPT).count(), 0, "{}", run.stderr);
    assert_eq!(env.file_names("transcripts/talks").len(), 4);
}

#[test]
fn a_transcript_that_stays_the_same_is_not_rewritten() {
    let env = TestEnv::with_recordings(settings(), 1);
    env.run_once(0);
    let inode = || {
        fs::metadata(env.path("transcripts/talks/0.txt"))
            .unwrap()
            .ino()
    };
    let before = inode();
    let export = env.run(&["export", "1", "--format", "txt"]);
    assert_eq!(export.code, 0, "{}", export.stderr);
    assert_eq!(inode(), before);
}
