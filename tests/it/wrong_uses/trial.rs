//! One run of a row.

use super::row::WrongUse;
use crate::harness::{CommandResult, TestEnv};
use std::io::Write;
use std::process::Stdio;

/// The result of a row, without what differs between two runs.
pub struct Trial<'a> {
    row: &'a WrongUse,
    code: i32,
    stdout: String,
    stderr: String,
    /// Files that the command made or removed outside the state folder.
    changed_files: Vec<String>,
    /// Number of transcripts that the command paid for.
    paid: u64,
}

impl<'a> Trial<'a> {
    /// Prepares the environment and runs the command.
    pub fn run(row: &'a WrongUse, env: &TestEnv) -> Self {
        if let Some(extra) = row.config {
            match extra.contains("[[source]]") {
                true => env.configure_with(extra, ""),
                false => env.configure(&format!("{extra}\n")),
            }
        }
        if let Some((_, prepare)) = row.given {
            prepare(env);
        }
        let (files, paid) = (files(env), env.sandbox().ledger().paid);
        let result = run(row, env);
        let mut changed_files = self::files(env);
        let is_new = |name: &String| !files.contains(name);
        let gone: Vec<_> = files
            .iter()
            .filter(|name| !changed_files.contains(name))
            .cloned()
            .collect();
        changed_files.retain(is_new);
        changed_files.extend(gone);
        Self {
            row,
            code: result.code,
            stdout: neutral(env, &result.stdout),
            stderr: neutral(env, &result.stderr),
            changed_files,
            paid: env.sandbox().ledger().paid - paid,
        }
    }

    /// Returns the row and its messages, as in a terminal.
    pub fn text(&self) -> String {
        let row = self.row;
        let mut text = String::new();
        let notes = [
            row.given.map(|(what, _)| what),
            row.change.map(|(what, _)| what),
        ];
        for what in notes.into_iter().flatten() {
            text.push_str(&format!("# {what}\n"));
        }
        for line in row.config.unwrap_or_default().lines() {
            text.push_str(&format!("| {line}\n"));
        }
        if let Some(stdin) = row.stdin {
            text.push_str(&format!("# standard input: {stdin:?}\n"));
        }
        let set = row
            .variables
            .iter()
            .map(|(name, value)| format!("{name}={} ", quoted(value)));
        let words = row.args.iter().map(|word| format!(" {}", quoted(word)));
        let (set, words): (String, String) = (set.collect(), words.collect());
        text.push_str(&format!("$ {set}nightscribe{words}\n"));
        // Other results are tested elsewhere.
        for line in self.stdout.lines().filter(|line| line.starts_with("FAIL")) {
            text.push_str(format!("  > {line}").trim_end());
            text.push('\n');
        }
        // The last line of a run is its summary.
        let is_shown = |line: &&str| !line.starts_with("INFO") || line.contains(" done, ");
        for line in self.stderr.lines().filter(is_shown) {
            text.push_str(format!("  {line}").trim_end());
            text.push('\n');
        }
        text.push_str(&format!("  [{}]\n", self.code));
        text
    }

    /// Returns what is not as expected: the exit code, a result, a changed file or a payment.
    pub fn faults(&self) -> Option<String> {
        let mut faults = Vec::new();
        if self.code != self.row.code {
            faults.push(format!("exit code {}, not {}", self.code, self.row.code));
        }
        if self.stdout.is_empty() == self.row.has_result {
            faults.push(format!("result expected: {}", self.row.has_result));
        }
        if self.stderr.is_empty() && !self.row.has_result {
            faults.push("no message".to_owned());
        }
        if self.paid > 0 {
            faults.push(format!("{} paid", self.paid));
        }
        if !self.changed_files.is_empty() {
            faults.push(format!("changed {:?}", self.changed_files));
        }
        (!faults.is_empty()).then(|| format!("{}: {}", self.text(), faults.join(", ")))
    }
}

fn run(row: &WrongUse, env: &TestEnv) -> CommandResult {
    let mut command = env.command(row.args);
    command.env("HOME", env.path("home"));
    if row.args.first() == Some(&"transcribe") {
        // It reads no configuration file.
        command.env("NIGHTSCRIBE__API__BASE_URL", env.sandbox().base_url());
    }
    for (name, value) in row.variables {
        command.env(name, value);
    }
    command.stdin(match row.stdin {
        Some(_) => Stdio::piped(),
        None => Stdio::null(),
    });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some((_, change)) = row.change {
        change(&mut command);
    }
    let mut child = command.spawn().unwrap();
    if let (Some(mut stdin), Some(text)) = (child.stdin.take(), row.stdin) {
        // A command that refuses its arguments does not read it.
        let _unread = stdin.write_all(text.as_bytes());
    }
    let output = child.wait_with_output().unwrap();
    CommandResult {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Returns the files of the environment, except those of the queues.
fn files(env: &TestEnv) -> Vec<String> {
    let mut files = env.file_names("");
    files.retain(|name| !name.starts_with("state/") && !name.starts_with("home/"));
    files
}

/// Replaces the paths, addresses and times of this run.
fn neutral(env: &TestEnv, text: &str) -> String {
    let text = text
        .replace(env.path("").to_str().unwrap(), "/env/")
        .replace(env.path("").to_str().unwrap().trim_end_matches('/'), "/env")
        .replace(&env.sandbox().base_url(), "http://service/v1")
        .replace(
            env.sandbox().base_url().trim_end_matches("/v1"),
            "http://service",
        );
    let lines = text.lines().map(without_time);
    lines.map(|line| format!("{line}\n")).collect()
}

/// Removes the time of a line of the log, and the ID of a process.
fn without_time(line: &str) -> String {
    let line = match line.split_once(' ') {
        Some((time, rest)) if time.starts_with("20") && time.ends_with('Z') => rest.trim_start(),
        _ => line,
    };
    match line.split_once("process ") {
        Some((before, after)) => {
            let after = after.trim_start_matches(|char: char| char.is_ascii_digit());
            format!("{before}process PID{after}")
        }
        None => line.to_owned(),
    }
}

/// Quotes a word for a shell, if it needs quotes.
fn quoted(word: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "-_./:=,+#%@".contains(char);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{word}'"),
    }
}
