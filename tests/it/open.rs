//! `open`: the transcript of an item on a terminal, in a pipe and as JSON.

use crate::harness::{TestEnv, run_command, settings};
use crate::terminal::TerminalCommand;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

fn done() -> TestEnv {
    let env = TestEnv::with_recordings(settings(), 1);
    env.run_once(0);
    env
}

/// Writes a program that prints its name and its arguments.
fn add_program(env: &TestEnv, name: &str, status: i32) {
    let file = env.path("bin").join(name);
    fs::create_dir_all(env.path("bin")).unwrap();
    let script = format!("#!/bin/sh\necho \"{name}: $* ${{AIMLAPI_KEY-no key}}\"\nexit {status}\n");
    fs::write(&file, script).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Returns `open 1` with the programs of the environment.
fn open(env: &TestEnv) -> Command {
    let mut command = env.command(&["open", "1"]);
    command.env("PATH", env.path("bin"));
    command
}

#[test]
fn several_items_are_refused() {
    let env = TestEnv::with_recordings(settings(), 2);
    env.run_once(0);
    for several in ["1-2", "*.wav"] {
        let result = env.run(&["open", several]);
        let error = format!("`{several}` selects 2 items; name one of them");
        assert_eq!(result.code, 2, "{}", result.stdout);
        assert!(result.stderr.contains(&error), "{}", result.stderr);
    }
}

fn on_terminal(command: &mut Command) -> (i32, String) {
    let (code, output) = TerminalCommand::start(command, 80, 24).wait();
    (code, output.replace("\r\n", "\n"))
}

#[test]
fn the_text_is_printed_into_a_pipe() {
    let env = done();
    let text = env.transcript("0.txt");
    for word in ["1", "0.wav", "recordings/0.wav"] {
        let opened = env.run(&["open", word]);
        assert_eq!((opened.code, opened.stdout), (0, text.clone()), "{word}");
    }
    add_program(&env, "xdg-open", 0);
    let mut command = open(&env);
    assert_eq!(run_command(command.env("DISPLAY", ":0")).stdout, text);
}

#[test]
fn a_terminal_shows_it_with_the_desktop_or_a_pager() {
    let env = done();
    let file = env.path("transcripts/talks/0.txt");
    let shown = |name: &str| (0, format!("{name}{} no key\n", file.display()));
    // Without any program, the text is printed.
    assert_eq!(on_terminal(&mut open(&env)), (0, env.transcript("0.txt")));
    add_program(&env, "less", 0);
    assert_eq!(on_terminal(&mut open(&env)), shown("less: "));
    add_program(&env, "bat", 0);
    let mut with_pager = open(&env);
    assert_eq!(
        on_terminal(with_pager.env("PAGER", "bat -p")),
        shown("bat: -p ")
    );
    add_program(&env, "xdg-open", 0);
    assert_eq!(on_terminal(&mut open(&env)), shown("less: "));
    let mut on_desktop = open(&env);
    assert_eq!(
        on_terminal(on_desktop.env("DISPLAY", ":0")),
        shown("xdg-open: ")
    );
}

#[test]
fn a_failing_program_is_named() {
    let env = done();
    add_program(&env, "less", 3);
    let (code, output) = on_terminal(&mut open(&env));
    assert_eq!(code, 2);
    assert!(
        output.contains("bin/less`: exit status 3") && output.contains("talks/0.txt` with"),
        "{output}"
    );
}

#[test]
fn json_names_the_file_and_opens_nothing() {
    let env = done();
    let opened = env.run(&["open", "1", "--json"]);
    let object: Value = serde_json::from_str(&opened.stdout).unwrap();
    let file = env.path("transcripts/talks/0.txt");
    assert_eq!(
        (&object["item"], &object["format"]),
        (&1.into(), &"txt".into())
    );
    assert_eq!(object["file"], file.to_str().unwrap());
    fs::remove_file(file).unwrap();
    let opened = env.run(&["open", "1", "--json"]);
    assert!(opened.stdout.contains("0.vtt"), "{}", opened.stdout);
}

#[test]
fn a_document_needs_a_desktop() {
    let env = done();
    let export = env.run(&["export", "1", "--format", "docx"]);
    assert_eq!(export.code, 0, "{}", export.stderr);
    for name in ["0.txt", "0.json", "0.srt", "0.vtt"] {
        fs::remove_file(env.path("transcripts/talks").join(name)).unwrap();
    }
    let opened = env.run(&["open", "1"]);
    assert_eq!(opened.code, 2);
    assert!(
        opened
            .stderr
            .contains("`nightscribe export 1 --format txt` writes a text"),
        "{}",
        opened.stderr
    );
}
