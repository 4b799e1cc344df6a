//! What a person is told: by a program, a webhook, an e-mail; once, whatever happens meanwhile.

mod command;
mod days;
mod email;
mod mail_server;
mod outbox;
mod receiver;
mod webhook;

use crate::harness::TestEnv;
use serde_json::Value;
use std::fs;

/// An environment that tells by a program which adds each message to the file `told`.
fn with_command(env: TestEnv) -> TestEnv {
    env.configure(&notify(
        r#"command = ["/bin/sh", "-c", "cat >> told; echo >> told"]"#,
    ));
    env
}

fn notify(lines: &str) -> String {
    format!("[notify]\n{lines}\n")
}

/// The messages in the file `told`.
fn told(env: &TestEnv) -> Vec<Value> {
    let told = fs::read_to_string(env.path("told")).unwrap_or_default();
    told.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
