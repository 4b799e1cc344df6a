//! Recordings and URLs.

use super::row::{WrongUse, wrong};
use crate::harness::TestEnv;
use std::fs;

fn add_empty_file(env: &TestEnv) {
    fs::write(env.path("recordings/zero.mp3"), "").unwrap();
}

fn add_text(env: &TestEnv) {
    let text = "not a sound\n".repeat(100);
    fs::write(env.path("recordings/text.mp3"), text).unwrap();
}

fn add_truncated_file(env: &TestEnv) {
    let wav = crate::harness::wav(4, 8000);
    fs::write(env.path("recordings/cut.wav"), &wav[..500]).unwrap();
}

pub const ROWS: &[WrongUse] = &[
    wrong(&["run", "--once"], 1).given("an empty file", add_empty_file),
    wrong(&["run", "--once"], 1).given("a text", add_text),
    wrong(&["run", "--once"], 1).given("a truncated file", add_truncated_file),
    wrong(&["add", "nowhere.wav"], 2),
    wrong(&["add", "recordings"], 2),
    wrong(&["add", "/dev/zero"], 2),
    wrong(&["add", ""], 2),
    wrong(&["add", "ftp://host/a.mp3"], 2),
    wrong(&["add", "http://"], 2),
    wrong(&["add", "*.mp3"], 2),
    wrong(&["add", "--json", "nowhere.wav"], 2).with_result(),
    wrong(&["transcribe", "nowhere.mp3"], 2),
    wrong(&["transcribe", "notes.txt"], 1),
    wrong(&["transcribe", "recordings/empty.wav"], 1),
    wrong(&["transcribe", "/dev/null"], 2),
    wrong(&["transcribe", "ftp://host/a.mp3"], 2),
    wrong(&["transcribe", "-"], 2).stdin(""),
    wrong(&["transcribe", "-"], 2).stdin("nowhere.mp3\n"),
    wrong(&["transcribe", "-m", "nova-22", "recordings/0.wav"], 2),
    wrong(&["transcribe", "-f", "doc", "recordings/0.wav"], 2),
];
