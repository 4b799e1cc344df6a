//! Wrong uses. Each row has the arguments and the exit code. The message is in the snapshot of its theme.
//!
//! - [`row`]: rows of the tables; [`trial`]: one run of a row
//! - `arguments`: options and commands that do not exist, or contradict each other
//! - `values`: values of options
//! - `items`: words that select items
//! - `configuration`: the configuration file and its values
//! - `folders`: state, output and source folders
//! - `recordings`: recordings and URLs
//! - `service`: key, address and answers of the service
//! - `surroundings`: standard input and output, terminal, working folder and variables

mod arguments;
mod configuration;
mod folders;
mod items;
mod recordings;
mod row;
mod service;
mod surroundings;
mod trial;
mod values;

use crate::harness::{TestEnv, settings};
use row::WrongUse;
use std::fs;
use trial::Trial;

/// All themes with their rows.
const THEMES: [(&str, &[WrongUse]); 8] = [
    ("arguments", arguments::ROWS),
    ("values", values::ROWS),
    ("items", items::ROWS),
    ("configuration", configuration::ROWS),
    ("folders", folders::ROWS),
    ("recordings", recordings::ROWS),
    ("service", service::ROWS),
    ("surroundings", surroundings::ROWS),
];

/// Creates an environment with a done item, a failed item, and a text file.
fn environment() -> TestEnv {
    let env = TestEnv::with_recordings(settings(), 1);
    env.run_once(0);
    fs::write(env.path("recordings/empty.wav"), "").unwrap();
    env.run_once(1);
    fs::write(env.path("notes.txt"), "").unwrap();
    env
}

/// Runs the rows of a theme, and compares their messages with the snapshot.
fn assert_theme(name: &str) {
    let (_, rows) = THEMES.iter().find(|(theme, _)| *theme == name).unwrap();
    let shared = environment();
    let (mut messages, mut faults) = (String::new(), Vec::new());
    for row in *rows {
        let own = row.needs_its_own().then(environment);
        let trial = Trial::run(row, own.as_ref().unwrap_or(&shared));
        messages.push_str(&trial.text());
        messages.push('\n');
        faults.extend(trial.faults());
    }
    insta::assert_snapshot!(format!("wrong_uses_{name}"), messages);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn wrong_arguments() {
    assert_theme("arguments");
}

#[test]
fn wrong_values() {
    assert_theme("values");
}

#[test]
fn wrong_items() {
    assert_theme("items");
}

#[test]
fn wrong_configurations() {
    assert_theme("configuration");
}

#[test]
fn wrong_folders() {
    assert_theme("folders");
}

#[test]
fn wrong_recordings() {
    assert_theme("recordings");
}

#[test]
fn wrong_services() {
    assert_theme("service");
}

#[test]
fn wrong_surroundings() {
    assert_theme("surroundings");
}

#[test]
fn the_tables_have_all_wrong_uses() {
    let rows: usize = THEMES.iter().map(|(_, rows)| rows.len()).sum();
    assert!(rows >= 108, "{rows}");
}
