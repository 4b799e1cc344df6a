//! Words that select items.

use super::row::{WrongUse, wrong};
use crate::harness::TestEnv;
use std::fs;

/// Cancels an item that was never submitted, and leaves another one queued.
fn cancelled_and_queued(env: &TestEnv) {
    env.add_recording("cancelled.wav", 8);
    assert_eq!(env.run(&["scan"]).code, 0);
    assert_eq!(env.run(&["cancel", "cancelled.wav"]).code, 0);
    env.add_recording("queued.wav", 9);
    assert_eq!(env.run(&["scan"]).code, 0);
}

fn without_queue(env: &TestEnv) {
    fs::remove_dir_all(env.path("state")).unwrap();
}

fn without_transcript(env: &TestEnv) {
    fs::remove_dir_all(env.path("transcripts")).unwrap();
}

pub const ROWS: &[WrongUse] = &[
    wrong(&["show", "99"], 2),
    wrong(&["show", "1", "99"], 2).with_result(),
    wrong(&["show", "0"], 2),
    wrong(&["show", "-1"], 2),
    wrong(&["show", "99999999999999999999"], 2),
    wrong(&["show", "1.5"], 2),
    wrong(&["show", "#1"], 2),
    wrong(&["show", "nowhere.wav"], 2),
    wrong(&["show", "9-3"], 2),
    wrong(&["show", "50-60"], 2),
    wrong(&["show", "1-"], 2),
    wrong(&["show", "*.mp3"], 2),
    wrong(&["show", "[a"], 2),
    wrong(&["show", ""], 2),
    wrong(&["show", "-"], 2).stdin("99\n"),
    wrong(&["show", "-"], 2).stdin("{\"state\":\"done\"}\n"),
    wrong(&["show", "--json", "99"], 2),
    wrong(&["show", "1"], 2).given("no queue", without_queue),
    wrong(&["retry", "99"], 2),
    wrong(&["retry", "1"], 2),
    wrong(&["retry", "*.mp3"], 2),
    wrong(&["retry", "--json", "1"], 2).with_result(),
    wrong(&["retry", "1", "--error", "network"], 2),
    wrong(&["retry", "queued.wav"], 2).given("a queued item", cancelled_and_queued),
    wrong(&["retry", "--as-is", "cancelled.wav"], 2)
        .given("a cancelled item", cancelled_and_queued),
    wrong(&["retry", "--failed"], 0)
        .given("no queue", without_queue)
        .with_result(),
    wrong(&["cancel", "1"], 2),
    wrong(&["cancel", "99"], 2),
    wrong(&["cancel", "nowhere.wav"], 2),
    wrong(&["cancel", "cancelled.wav"], 2).given("a cancelled item", cancelled_and_queued),
    wrong(&["cancel", "1"], 2).given("no queue", without_queue),
    wrong(&["export", "99", "--format", "srt"], 2),
    wrong(&["export", "empty.wav", "--format", "srt"], 1),
    wrong(&["export", "nowhere.wav", "--format", "srt"], 2),
    wrong(&["export", "1", "--format", "srt"], 2).given("no queue", without_queue),
    wrong(&["run", "99"], 2),
    wrong(&["run", "1"], 2),
    wrong(&["run", "empty.wav"], 2),
    wrong(&["run", "1", "--source", "talks"], 2),
    wrong(&["run", "1"], 2).given("no queue", without_queue),
    wrong(&["open", "99"], 2),
    wrong(&["open", "nowhere.wav"], 2),
    wrong(&["open", "empty.wav"], 2),
    wrong(&["open", "queued.wav"], 2).given("a queued item", cancelled_and_queued),
    wrong(&["open", "cancelled.wav"], 2).given("a cancelled item", cancelled_and_queued),
    wrong(&["open", "1"], 2).given("no transcripts", without_transcript),
    wrong(&["open", "1"], 2).given("no queue", without_queue),
    wrong(&["speakers", "99"], 2),
    wrong(&["speakers", "nowhere.wav"], 2),
    wrong(&["speakers", "empty.wav"], 2),
    wrong(&["speakers", "1"], 2).given("no queue", without_queue),
    wrong(&["search", "word"], 2).given("no queue", without_queue),
];
