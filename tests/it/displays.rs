//! Displays on a terminal: `run`, `status --watch` with its keys, and `list`.

use crate::harness::{TestEnv, settings};
use crate::terminal::TerminalCommand;
use nightscribe_sandbox::Settings;
use std::fs;
use std::time::Duration;
use unicode_width::UnicodeWidthStr;

/// Returns the text without its escape sequences.
fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn the_live_view_has_keys() {
    let env = TestEnv::with_recordings(settings(), 2);
    fs::write(env.path("recordings/text.wav"), "no recording").unwrap();
    env.run_once(1);
    let mut watch = TerminalCommand::start(&mut env.command(&["status", "--watch"]), 80, 24);
    watch.wait_for("q quit · ↑↓ scroll · f failures · / filter");
    watch.type_text("f");
    watch.wait_for("f all");
    watch.clear();
    watch.type_text("f/nothing");
    watch.wait_for("/nothing");
    watch.type_text("\r");
    watch.wait_for("nothing to show");
    watch.clear();
    // Esc removes the filter.
    watch.type_text("\u{1b}");
    watch.wait_for("text.wav");
    watch.resize(40, 10);
    watch.type_text("q");
    let (code, output) = watch.wait();
    assert_eq!(code, 0, "{output}");
    // The normal screen is shown again.
    assert!(output.contains("\u{1b}[?1049l"), "{output:?}");
}

#[test]
fn a_run_shows_its_progress_and_ends_with_a_summary() {
    let slow = Settings {
        delay: Duration::from_secs(4),
        ..settings()
    };
    let env = TestEnv::with_recordings(slow, 3);
    fs::write(env.path("recordings/text.wav"), "no recording").unwrap();
    let run = TerminalCommand::start(&mut env.command(&["run", "--once"]), 80, 24);
    run.wait_for("transcribing for");
    run.wait_for("audio 0h 00m of 0h 00m");
    let (code, output) = run.wait();
    let output = plain(&output);
    assert_eq!(code, 1, "{output}");
    for part in [
        "failed text.wav (item ",
        "done   0.wav  ",
        "3 done, 1 failed",
        "0h 00m of audio in ",
        "transcripts: ",
        "`nightscribe list --failed` says what failed",
    ] {
        assert!(output.contains(part), "`{part}` is not in {output}");
    }
}

#[test]
fn a_list_fits_the_terminal() {
    let env = TestEnv::new(settings());
    for number in 0..30 {
        let name = format!("season 3/a rather long name of an episode, part {number}.wav");
        env.add_recording(name, number);
    }
    assert_eq!(env.run(&["scan"]).code, 0);
    let (code, output) = TerminalCommand::start(&mut env.command(&["list"]), 80, 12).wait();
    let output = plain(&output);
    assert_eq!(code, 0, "{output}");
    // The heads, eight items, and the note.
    assert_eq!(output.lines().count(), 10, "{output}");
    assert!(output.contains("there are more"), "{output}");
    for line in output.lines() {
        assert!(line.trim_end().width() <= 80, "{line}");
    }
    let limited = &["list", "--limit", "12"];
    let (_, output) = TerminalCommand::start(&mut env.command(limited), 80, 12).wait();
    assert_eq!(plain(&output).lines().count(), 13, "{output}");
    assert_eq!(env.run(&["list"]).stdout.lines().count(), 31);
}
