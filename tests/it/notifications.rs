//! Notifications by command, webhook and e-mail, with retries and crashes.

mod chat;
mod command;
mod days;
mod email;
mod healthcheck;
mod mail_server;
mod outbox;
mod receiver;
mod webhook;

use crate::harness::TestEnv;
use serde_json::Value;
use std::fs;

/// Configures a command that appends each message to the file `messages`.
fn with_command(env: TestEnv) -> TestEnv {
    env.configure(&notify(
        r#"command = ["/bin/sh", "-c", "cat >> messages; echo >> messages"]"#,
    ));
    env
}

/// Returns a `[notify]` section with the given lines.
fn notify(lines: &str) -> String {
    format!("[notify]\n{lines}\n")
}

/// Returns the messages in the file `messages`.
fn messages(env: &TestEnv) -> Vec<Value> {
    let text = fs::read_to_string(env.path("messages")).unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
