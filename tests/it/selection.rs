//! Selection of items: IDs, ranges, paths, patterns and standard input; filters of `list`; sources of `run`.

use crate::harness::{CommandResult, TestEnv, settings};
use std::fs;
use std::io::Write;
use std::process::Stdio;

/// Returns an environment with five queued recordings, of which `show/b.wav` and `show/c.wav` are in a folder.
fn env() -> TestEnv {
    let env = TestEnv::new(settings());
    for (seed, name) in ["0.wav", "a.wav", "show/b.wav", "show/c.wav", "x*.wav"]
        .iter()
        .enumerate()
    {
        env.add_recording(name, seed as u32);
    }
    assert_eq!(env.run(&["scan"]).code, 0);
    env
}

/// Cancels the items, and returns their paths in order.
fn cancelled(env: &TestEnv, args: &[&str]) -> Vec<String> {
    let result = env.run(&[&["cancel"], args].concat());
    assert_eq!(result.code, 0, "{}", result.stderr);
    let items = env.items().into_iter();
    let names = items
        .filter(|item| item["state"] == "cancelled")
        .map(|item| item["relative"].as_str().unwrap().to_owned())
        .collect();
    env.run(&["retry", "1-99"]);
    names
}

fn with_input(env: &TestEnv, args: &[&str], input: &str) -> CommandResult {
    let mut command = env.command(args);
    let child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    CommandResult {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn items_are_selected_by_id_range_path_and_pattern() {
    let env = env();
    let absolute = env.path("recordings/a.wav");
    let all = env.path("recordings/show/*.wav");
    for (args, expected) in [
        (&["1"][..], &["0.wav"][..]),
        (&["1-2"], &["0.wav", "a.wav"]),
        (&["recordings/a.wav"], &["a.wav"]),
        (&[absolute.to_str().unwrap()], &["a.wav"]),
        (&["show/b.wav"], &["show/b.wav"]),
        (&["show/*"], &["show/b.wav", "show/c.wav"]),
        (&["[0a].wav"], &["0.wav", "a.wav"]),
        // A literal name takes precedence over its pattern.
        (&["x*.wav"], &["x*.wav"]),
        (&[all.to_str().unwrap()], &["show/b.wav", "show/c.wav"]),
        // From the working folder, as a shell completes it.
        (&["recordings/show/*.wav"], &["show/b.wav", "show/c.wav"]),
        (&["1", "1", "a.wav"], &["0.wav", "a.wav"]),
    ] {
        assert_eq!(cancelled(&env, args), expected, "{args:?}");
    }
}

#[test]
fn standard_input_selects_items() {
    let env = env();
    let list = env.run(&["list", "--json", "--search", "SHOW"]).stdout;
    assert_eq!(list.lines().count(), 2);
    let cancel = with_input(&env, &["cancel", "-"], &list);
    assert_eq!(cancel.stdout, "2 items cancelled\n");
    let cancel = with_input(&env, &["cancel", "-"], "1\n\na.wav\n");
    assert_eq!(cancel.stdout, "2 items cancelled\n");
    // Nothing selected is not everything.
    let retry = with_input(&env, &["retry", "-"], "");
    assert_eq!(
        (retry.code, retry.stdout.as_str()),
        (0, "0 items requeued\n")
    );
    assert_eq!(env.count("cancelled"), 4);
}

#[test]
fn a_list_is_filtered_and_sorted() {
    let env = env();
    fs::write(env.path("recordings/bad.wav"), "text").unwrap();
    env.run_once(1);
    let names = |args: &[&str]| -> Vec<String> {
        let list = env.run(&[&["list", "--json"], args].concat()).stdout;
        let items = list
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        items
            .map(|item| item["relative"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&["--failed"]), ["bad.wav"]);
    assert_eq!(names(&["--search", "Show/B"]), ["show/b.wav"]);
    assert_eq!(
        names(&["--sort", "path", "--limit", "2"]),
        ["0.wav", "a.wav"]
    );
    assert_eq!(names(&["--sort", "oldest"]).first().unwrap(), "0.wav");
    assert_eq!(names(&["--sort", "newest"]).first().unwrap(), "bad.wav");
    assert_eq!(names(&["--since", "1h"]).len(), 6);
    assert_eq!(names(&["--since", "2030-01-01"]).len(), 0);
    let none = env.run(&["list", "--search", "nothing"]);
    assert_eq!((none.code, none.stderr.as_str()), (0, "no items match\n"));
}

#[test]
fn a_run_can_be_limited_to_sources() {
    let env = TestEnv::with_recordings(settings(), 1);
    fs::create_dir(env.path("more")).unwrap();
    fs::write(env.path("more/b.wav"), crate::harness::wav(9, 8_000)).unwrap();
    let sources = "[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = '0s'\n\
                   [[source]]\nname = 'more'\npath = 'more'\nsettle = '0s'\n";
    env.configure_with("", sources);
    env.run(&["scan"]);
    let plan = env
        .run(&["run", "--dry-run", "--source", "more", "--json"])
        .stdout;
    assert!(plan.contains("\"files\":1"), "{plan}");
    assert_eq!(env.run(&["run", "--once", "--source", "more"]).code, 0);
    assert_eq!((env.count("done"), env.count("queued")), (1, 1));
    env.run_once(0);
    assert_eq!(env.count("done"), 2);
}

#[test]
fn a_pause_ends_by_itself() {
    let env = TestEnv::with_recordings(settings(), 1);
    let now = jiff::Zoned::now();
    let later = now.checked_add(jiff::ToSpan::hours(2)).unwrap();
    let time = later.strftime("%H:%M").to_string();
    let pause = env.run(&["pause", "--until", &time]);
    assert!(
        pause
            .stdout
            .contains(&format!("until {time} or `nightscribe resume`")),
        "{}",
        pause.stdout
    );
    env.run_once(3);
    // The same pause, ended a second ago.
    let sql = "UPDATE holds SET ends_at = 1";
    let database = env.path("state/nightscribe.db");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        use sqlx::Connection;
        let url = format!("sqlite://{}", database.display());
        let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
        sqlx::query(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
    assert_eq!(env.status()["holds"].as_array().unwrap().len(), 0);
    env.run_once(0);
    assert_eq!(env.count("done"), 1);
}

#[test]
fn a_run_can_be_limited_to_items() {
    let env = TestEnv::with_recordings(settings(), 4);
    assert_eq!(env.run(&["scan"]).code, 0);
    let run = env.run(&["run", "2", "3.wav"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let states: Vec<_> = env
        .items()
        .iter()
        .map(|item| item["state"].to_string())
        .collect();
    assert_eq!(states, ["\"queued\"", "\"done\"", "\"queued\"", "\"done\""]);
    assert_eq!(env.sandbox().ledger().paid, 2);
    env.run_once(0);
    assert_eq!(env.sandbox().ledger().paid, 4);
}
