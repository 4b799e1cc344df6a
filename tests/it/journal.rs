//! Output to the journal of systemd: priorities, and no second date.

use crate::harness::{TestEnv, settings};
use std::fs;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

/// Runs a command whose standard error is connected to a journal. Returns the exit code and the lines.
fn run_in_journal(command: &mut Command) -> (i32, Vec<String>) {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let writer = fs::File::from(OwnedFd::from(writer));
    let found = writer.metadata().unwrap();
    command.env("JOURNAL_STREAM", format!("{}:{}", found.dev(), found.ino()));
    let mut child = command.stderr(writer).spawn().unwrap();
    // The command holds the other end of the pipe until it is dropped.
    command.stderr(std::process::Stdio::null());
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    let code = child.wait().unwrap().code().unwrap_or(-1);
    (code, text.lines().map(str::to_owned).collect())
}

#[test]
fn each_message_has_its_priority_and_no_date() {
    let env = TestEnv::with_recordings(settings(), 1);
    fs::write(env.path("recordings/empty.wav"), "").unwrap();
    let (code, lines) = run_in_journal(&mut env.command(&["run", "--once"]));
    assert_eq!(code, 1, "{lines:?}");
    let year = jiff::Zoned::now().year().to_string();
    for line in &lines {
        let is_prefixed = line.starts_with('<') && line[2..].starts_with('>');
        assert!(is_prefixed && !line.contains(&year), "{line}");
    }
    let priority = |part: &str| {
        let line = lines.iter().find(|line| line.contains(part)).unwrap();
        line[..3].to_owned()
    };
    assert_eq!(priority("empty.wav"), "<3>");
    assert_eq!(priority("done"), "<6>");
}

#[test]
fn errors_outside_the_log_have_a_priority_on_each_line() {
    let env = TestEnv::new(settings());
    let broken = "[polling]\nintervall = '1s'\n[limits]\nmax_uploads = 0\n";
    fs::write(env.path("nightscribe.toml"), broken).unwrap();
    for args in [&["run", "--once"][..], &["run", "--twice"], &["show", "1"]] {
        let (code, lines) = run_in_journal(&mut env.command(args));
        assert_eq!(code, 2);
        assert!(!lines.is_empty());
        for line in lines {
            assert!(line.starts_with("<3>"), "{line}");
        }
    }
}

#[test]
fn json_lines_stay_json_after_the_priority() {
    let env = TestEnv::with_recordings(settings(), 1);
    let mut command = env.command(&["--log-format", "json", "run", "--once"]);
    let (_, lines) = run_in_journal(&mut command);
    for line in &lines {
        let object: serde_json::Value = serde_json::from_str(&line[3..]).unwrap();
        assert!(
            line.starts_with("<6>") && object["message"].is_string(),
            "{line}"
        );
    }
}

#[test]
fn another_stream_has_no_priorities() {
    let env = TestEnv::with_recordings(settings(), 1);
    let mut command = env.command(&["run", "--once"]);
    command.env("JOURNAL_STREAM", "8:1");
    let mut run = env.start_logged(&mut command, "log");
    assert_eq!(run.wait(), 0);
    for line in env.log_lines("log") {
        assert!(line.starts_with("20"), "{line}");
    }
}
