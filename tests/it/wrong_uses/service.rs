//! Key, address and answers of the service.

use super::row::{WrongUse, wrong};
use crate::harness::TestEnv;
use std::fs;

/// Adds a recording, so that a run has work.
fn with_work(env: &TestEnv) {
    env.add_recording("new.wav", 5);
}

fn key_file(env: &TestEnv, file: &str) {
    with_work(env);
    let path = env.path("nightscribe.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(
        path,
        text.replace("[api]\n", &format!("[api]\nkey_file = '{file}'\n")),
    )
    .unwrap();
}

const RUN: &[&str] = &["run", "--once"];

pub const ROWS: &[WrongUse] = &[
    wrong(RUN, 2).changed("no key", |command| {
        command.env_remove("AIMLAPI_KEY");
    }),
    wrong(&["check"], 2)
        .changed("no key", |command| {
            command.env_remove("AIMLAPI_KEY");
        })
        .with_result(),
    wrong(&["transcribe", "recordings/0.wav"], 2).changed("no key", |command| {
        command.env_remove("AIMLAPI_KEY");
    }),
    wrong(RUN, 2).variables(&[("AIMLAPI_KEY", "")]),
    wrong(RUN, 2).variables(&[("AIMLAPI_KEY", "two words")]),
    wrong(RUN, 2).variables(&[("AIMLAPI_KEY", "sk-line\nbreak")]),
    wrong(RUN, 2).given("a key file that is missing", |env| key_file(env, "nowhere")),
    wrong(RUN, 2).given("a key file that is a folder", |env| {
        key_file(env, "recordings")
    }),
    wrong(RUN, 2).given("an empty key file", |env| key_file(env, "notes.txt")),
    wrong(RUN, 3)
        .given("a recording", with_work)
        .variables(&[("AIMLAPI_KEY", "sk-wrong")]),
    wrong(&["check"], 2)
        .variables(&[("AIMLAPI_KEY", "sk-wrong")])
        .with_result(),
    wrong(RUN, 3).given("a pause", |env| {
        with_work(env);
        assert_eq!(env.run(&["pause"]).code, 0);
    }),
    wrong(RUN, 1)
        .given("a recording", with_work)
        .variables(&[("NIGHTSCRIBE__API__BASE_URL", "http://127.0.0.1:9/v1")]),
    wrong(&["check"], 2)
        .variables(&[("NIGHTSCRIBE__API__BASE_URL", "http://127.0.0.1:9/v1")])
        .with_result(),
    wrong(&["prices", "--refresh"], 1)
        .variables(&[("NIGHTSCRIBE__API__BASE_URL", "http://127.0.0.1:9/v1")]),
    wrong(&["report", "--reconcile"], 1)
        .variables(&[("NIGHTSCRIBE__API__BASE_URL", "http://127.0.0.1:9/v1")]),
    wrong(&["notify", "--test"], 1).config("[notify]\ncommand = ['/nowhere/program']"),
    wrong(&["notify", "--test"], 1).config("[notify]\ncommand = ['/bin/false']"),
    wrong(&["notify", "--test"], 2)
        .config("[notify]\nwebhook = 'http://127.0.0.1:9/'\nwebhook_secret_env = 'SECRET'"),
    wrong(&["search", "--open", "sandbox"], 2)
        .config("[search]\nplayer = ['/nowhere/player', '{file}']")
        .with_result(),
    wrong(&["search", "--open", "sandbox"], 2)
        .config("[search]\nplayer = ['/bin/false', '{file}']")
        .with_result(),
];
