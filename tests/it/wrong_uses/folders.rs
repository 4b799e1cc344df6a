//! State, output and source folders.

use super::row::{WrongUse, wrong};
use crate::harness::TestEnv;
use std::fs;

fn set_dir(env: &TestEnv, section: &str, dir: &str) {
    let file = env.path("nightscribe.toml");
    let text = fs::read_to_string(&file).unwrap();
    let text = match text.contains(&format!("[{section}]\n")) {
        true => text.replace(
            &format!("[{section}]\n"),
            &format!("[{section}]\ndir = '{dir}'\n"),
        ),
        false => text.replace("[api]\n", &format!("[{section}]\ndir = '{dir}'\n[api]\n")),
    };
    fs::write(file, text).unwrap();
}

fn state_is_a_file(env: &TestEnv) {
    set_dir(env, "state", "notes.txt");
}

fn state_is_read_only(env: &TestEnv) {
    set_dir(env, "state", "/proc/nightscribe");
}

fn foreign_database(env: &TestEnv) {
    fs::remove_dir_all(env.path("state")).unwrap();
    fs::create_dir(env.path("state")).unwrap();
    fs::write(
        env.path("state/nightscribe.db"),
        "not a database, but some other file\n",
    )
    .unwrap();
}

fn database_is_a_folder(env: &TestEnv) {
    fs::remove_dir_all(env.path("state")).unwrap();
    fs::create_dir_all(env.path("state/nightscribe.db")).unwrap();
}

fn output_is_a_file(env: &TestEnv) {
    set_dir(env, "output", "notes.txt");
}

fn output_in_source(env: &TestEnv) {
    set_dir(env, "output", "recordings/out");
}

fn missing_source(env: &TestEnv) {
    fs::rename(env.path("recordings"), env.path("moved")).unwrap();
}

fn source_is_a_file(env: &TestEnv) {
    missing_source(env);
    fs::write(env.path("recordings"), "").unwrap();
}

fn no_source(env: &TestEnv) {
    env.configure_with("", "");
}

pub const ROWS: &[WrongUse] = &[
    wrong(&["run", "--once"], 2).given("the state folder is a file", state_is_a_file),
    wrong(&["status"], 2).given("the state folder is a file", state_is_a_file),
    wrong(&["scan"], 2).given("the state folder is a file", state_is_a_file),
    wrong(&["check"], 2)
        .given("the state folder is a file", state_is_a_file)
        .with_result(),
    wrong(&["run", "--once"], 2).given("the state folder cannot be made", state_is_read_only),
    wrong(&["pause"], 2).given("the state folder cannot be made", state_is_read_only),
    wrong(&["run", "--once"], 2).given("the queue is another file", foreign_database),
    wrong(&["list"], 2).given("the queue is another file", foreign_database),
    wrong(&["status"], 2).given("the queue is a folder", database_is_a_folder),
    wrong(&["check"], 2)
        .given("the output folder is a file", output_is_a_file)
        .with_result(),
    wrong(&["export", "1", "--format", "srt", "--dir", "notes.txt"], 1),
    wrong(&["export", "1", "--format", "srt", "--dir", "/proc/x"], 1),
    wrong(&["check"], 0)
        .given("the output folder is inside a source", output_in_source)
        .with_result(),
    wrong(&["run", "--once"], 1).given("the source folder is missing", missing_source),
    wrong(&["scan"], 1)
        .given("the source folder is missing", missing_source)
        .with_result(),
    wrong(&["plan"], 1)
        .given("the source folder is missing", missing_source)
        .with_result(),
    wrong(&["check"], 2)
        .given("the source folder is missing", missing_source)
        .with_result(),
    wrong(&["run", "--once"], 1).given("the source folder is a file", source_is_a_file),
    wrong(&["run", "--once"], 0).given("no source", no_source),
    wrong(&["scan"], 0)
        .given("no source", no_source)
        .with_result(),
    wrong(&["plan"], 0)
        .given("no source", no_source)
        .with_result(),
    wrong(&["add", "recordings/0.wav"], 2).given("no source", no_source),
    wrong(&["adopt", "nowhere"], 2),
    wrong(&["service", "install", "--user", "--root", "notes.txt"], 2),
];
