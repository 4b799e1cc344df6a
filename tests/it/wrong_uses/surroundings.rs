//! Standard input and output, terminal, working folder and variables.

use super::row::{WrongUse, wrong};
use crate::harness::TestEnv;
use nightscribe::pipeline::Lock;
use std::fs::{File, OpenOptions};
use std::process::{Command, Stdio};

/// Every write to standard output fails as on a full disk.
fn full_disk(command: &mut Command) {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    command.stdout(full);
}

fn binary_input(command: &mut Command) {
    let file = File::open("/bin/true").unwrap();
    command.stdin(Stdio::from(file));
}

/// Keeps the lock until the test process ends.
fn locked(env: &TestEnv) {
    std::mem::forget(Lock::take(&env.path("state")).unwrap());
}

pub const ROWS: &[WrongUse] = &[
    wrong(&["list"], 5).changed("a full disk behind standard output", full_disk),
    wrong(&["status", "--json"], 5).changed("a full disk behind standard output", full_disk),
    wrong(&["man"], 5).changed("a full disk behind standard output", full_disk),
    wrong(&["completions", "bash"], 5).changed("a full disk behind standard output", full_disk),
    wrong(&["run", "--once", "--events"], 0)
        .changed("a full disk behind standard output", full_disk),
    wrong(&["show", "-"], 2).changed("a program as standard input", binary_input),
    wrong(&["transcribe", "-"], 2).changed("a program as standard input", binary_input),
    wrong(&["run", "--once"], 4).given("another run", locked),
    wrong(&["run"], 4).given("another run", locked),
    wrong(&["status"], 2)
        .given("a path below the home folder", |env| {
            env.configure("[state]\ndir = '~/state'\n");
        })
        .changed("no home folder", |command| {
            command.env_remove("HOME");
        }),
    wrong(&["transcribe", "recordings/0.wav"], 2).changed("no home folder", |command| {
        command.env_remove("HOME");
    }),
    wrong(&["transcribe", "recordings/0.wav"], 2).variables(&[("XDG_STATE_HOME", "notes.txt")]),
];
