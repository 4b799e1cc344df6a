//! Command-line interface of the binary: commands, exit codes and signals.

use crate::harness::{KEY, TestEnv, run_command, settings, signal};
use nightscribe_sandbox::Settings;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Runs the binary in `folder`, without environment variables.
pub fn run_in(args: &[&str], folder: &std::path::Path) -> crate::harness::CommandResult {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nightscribe"));
    run_command(command.args(args).current_dir(folder).env_clear())
}

#[test]
fn every_command_has_help_and_bad_usage_exits_2() {
    let folder = tempfile::tempdir().unwrap();
    let help = run_in(&["--help"], folder.path());
    assert_eq!(help.code, 0);
    for command in [
        "demo",
        "init",
        "check",
        "scan",
        "add",
        "run",
        "status",
        "list",
        "show",
        "retry",
        "cancel",
        "pause",
        "resume",
        "export",
        "adopt",
        "service",
        "sandbox",
        "models",
        "completions",
        "man",
    ] {
        assert!(help.stdout.contains(&format!("  {command} ")), "{command}");
        assert_eq!(
            run_in(&[command, "--help"], folder.path()).code,
            0,
            "{command}"
        );
    }
    for wrong in [
        &["runn"][..],
        &["run", "--twice"],
        &["retry"],
        &["export", "1"],
        &["show"],
        &["list", "--state", "x"],
        &["-q", "-v", "run"],
    ] {
        assert_eq!(run_in(wrong, folder.path()).code, 2, "{wrong:?}");
    }
    assert_eq!(
        run_in(&["--version"], folder.path()).stdout,
        format!("nightscribe {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn the_demo_needs_no_setup() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("demo");
    let demo = run_in(&["demo", "--dir", dir.to_str().unwrap()], folder.path());
    assert_eq!(demo.code, 0, "{}", demo.stderr);
    for name in [
        "evening.mp3",
        "midnight.m4a",
        "thunderstorm.ogg",
        "morning.flac",
    ] {
        assert!(
            demo.stdout
                .contains(&format!("{name}\nThis is the nightscribe sandbox")),
            "{}",
            demo.stdout
        );
    }
    assert!(dir.join("transcripts/demo/evening.srt").exists());
    fs::write(folder.path().join("precious"), "").unwrap();
    assert_eq!(run_in(&["demo", "--dir", "."], folder.path()).code, 2);
}

#[test]
fn init_overwrites_a_configuration_only_with_force() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run_in(&["init"], folder.path()).code, 0);
    let path = folder.path().join("nightscribe.toml");
    fs::write(&path, fs::read_to_string(&path).unwrap() + "# mine\n").unwrap();
    let again = run_in(&["init"], folder.path());
    assert_eq!(again.code, 2);
    assert_eq!(
        again.stderr,
        "error: `nightscribe.toml` already exists; --force overwrites it\n"
    );
    assert!(fs::read_to_string(&path).unwrap().ends_with("# mine\n"));
    assert_eq!(run_in(&["init", "--force"], folder.path()).code, 0);
    assert!(!fs::read_to_string(&path).unwrap().contains("# mine"));
    assert_eq!(run_in(&["init", "a/b.toml"], folder.path()).code, 0);
    let status = run_in(&["status", "--json"], folder.path());
    assert_eq!(status.code, 0, "{}", status.stderr);
    assert!(
        !folder.path().join("state").exists(),
        "status must not create the state folder"
    );
}

#[test]
fn a_missing_configuration_suggests_init() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["run", "scan", "pause"] {
        let run = run_in(&[command], folder.path());
        assert_eq!(run.code, 2);
        assert!(
            run.stderr.contains("`nightscribe init` writes one"),
            "{}",
            run.stderr
        );
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn every_configuration_problem_is_reported() {
    let env = TestEnv::new(settings());
    fs::write(
        env.path("nightscribe.toml"),
        "[polling]\nintervall = '1s'\n[limits]\nmax_uploads = 0\n",
    )
    .unwrap();
    let run = env.run(&["run", "--once"]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr
            .starts_with("error: the configuration has 2 problems:\n"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains(
        "nightscribe.toml:2:1: `polling.intervall`: no such key; did you mean `interval`?"
    ));
    assert_eq!(env.run(&["--config", "nowhere.toml", "status"]).code, 2);
    assert!(!env.path("state").exists());
}

#[test]
fn a_missing_key_is_a_configuration_error() {
    let env = TestEnv::with_recordings(settings(), 1);
    let run = run_command(env.command(&["run", "--once"]).env_remove("AIMLAPI_KEY"));
    assert_eq!(run.code, 2);
    assert!(
        run.stderr
            .contains("the environment variable `AIMLAPI_KEY` is not set"),
        "{}",
        run.stderr
    );
}

#[test]
fn the_key_is_never_logged_or_stored() {
    let env = TestEnv::with_recordings(settings(), 2);
    let run = env.run(&["-vv", "run", "--once"]);
    assert_eq!(run.code, 0);
    assert!(!run.stderr.contains(KEY));
    for entry in walkdir::WalkDir::new(env.path("")) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let bytes = fs::read(entry.path()).unwrap();
            assert!(
                !bytes
                    .windows(KEY.len())
                    .any(|window| window == KEY.as_bytes()),
                "{}",
                entry.path().display()
            );
        }
    }
}

#[test]
fn the_key_can_come_from_a_file() {
    let env = TestEnv::with_recordings(settings(), 1);
    fs::write(env.path("key"), format!("{KEY}\n")).unwrap();
    let run = run_command(
        env.command(&["run", "--once"])
            .env_remove("AIMLAPI_KEY")
            .env("NIGHTSCRIBE__API__KEY_FILE", "key"),
    );
    assert_eq!(run.code, 0, "{}", run.stderr);
}

#[test]
fn check_reports_each_result() {
    let env = TestEnv::with_recordings(settings(), 1);
    let check = env.run(&["check"]);
    assert_eq!(check.code, 0, "{}", check.stdout);
    for item in [
        "configuration",
        "source",
        "state",
        "output",
        "disk",
        "key",
        "service",
        "clock",
    ] {
        assert!(
            check.stdout.contains(&format!("ok    {item} ")) || item == "disk",
            "{item}: {}",
            check.stdout
        );
    }
    let wrong = run_command(env.command(&["check"]).env("AIMLAPI_KEY", "sk-other"));
    assert_eq!(wrong.code, 2);
    assert!(
        wrong
            .stdout
            .contains("FAIL  service       the service refuses the key (401)"),
        "{}",
        wrong.stdout
    );
    fs::rename(env.path("recordings"), env.path("gone")).unwrap();
    assert!(env.run(&["check"]).stdout.contains("FAIL  source"));
}

#[test]
fn a_second_runner_is_rejected() {
    let env = TestEnv::with_recordings(settings(), 1);
    let mut first = env.start(&["run"]);
    env.wait_until("the first runner", |env| {
        env.status()["runner"]["pid"] == first.id()
    });
    let second = env.run(&["run", "--once"]);
    assert_eq!(second.code, 4);
    assert!(
        second
            .stderr
            .contains("another nightscribe runs on the state folder"),
        "{}",
        second.stderr
    );
    first.signal("TERM");
    assert_eq!(first.wait(), 0);
    assert_eq!(env.status()["runner"], Value::Null);
}

#[test]
fn signals_stop_a_run_cleanly() {
    for name in ["TERM", "INT"] {
        let env = TestEnv::with_recordings(
            Settings {
                delay: Duration::from_secs(3600),
                ..settings()
            },
            3,
        );
        let mut child = env.start(&["run", "--once"]);
        env.wait_until("pending", |env| env.count("pending") == 3);
        child.signal(name);
        assert_eq!(child.wait(), 0);
        assert_eq!(env.count("pending"), 3);
    }
}

#[test]
fn a_daemon_picks_up_new_files_and_commands() {
    let env = TestEnv::with_recordings(settings(), 1);
    env.run(&["pause"]);
    let mut child = env.start(&["run"]);
    env.wait_until("the scan", |env| env.count("queued") == 1);
    assert_eq!(env.run(&["resume"]).stdout, "Submissions resumed.\n");
    env.wait_until("the first", |env| env.count("done") == 1);
    env.add_recording("new.wav", 9);
    env.wait_until("the second", |env| env.count("done") == 2);
    fs::write(env.path("recordings/bad.wav"), "text").unwrap();
    env.wait_until("the failure", |env| env.count("failed") == 1);
    fs::write(
        env.path("recordings/bad.wav"),
        crate::harness::wav(3, 8_000),
    )
    .unwrap();
    env.wait_until("the repaired recording", |env| env.count("done") == 3);
    child.signal("TERM");
    assert_eq!(child.wait(), 0);
}

#[test]
fn a_pause_stops_run_once() {
    let env = TestEnv::with_recordings(settings(), 2);
    env.run(&["pause"]);
    let run = env.run_once(3);
    assert!(
        run.stderr.contains("Run `nightscribe resume` to continue"),
        "{}",
        run.stderr
    );
    assert_eq!(env.sandbox().ledger().generations.len(), 0);
    env.run(&["resume"]);
    assert_eq!(env.run(&["resume"]).stdout, "Nothing was paused.\n");
    env.run_once(0);
    env.run(&["pause"]);
    env.run_once(0);
}

#[test]
fn export_works_without_the_service() {
    let mut env = TestEnv::with_recordings(settings(), 2);
    env.run_once(0);
    let before = env.transcript("0.srt");
    env.stop_sandbox();
    fs::remove_dir_all(env.path("transcripts")).unwrap();
    let export = env.run(&["export", "--all", "--format", "srt"]);
    assert_eq!(
        (export.code, export.stdout.lines().count()),
        (0, 2),
        "{}",
        export.stderr
    );
    assert_eq!(env.transcript("0.srt"), before);
    assert_eq!(
        env.run(&[
            "export", "1", "--format", "txt", "--format", "vtt", "--dir", "else"
        ])
        .code,
        0
    );
    assert_eq!(env.file_names("else"), ["talks/0.txt", "talks/0.vtt"]);
    assert_eq!(
        env.run(&["export", "1", "--format", "txt", "--dir", "else"])
            .code,
        0
    );
    assert_eq!(env.file_names("else"), ["talks/0.txt", "talks/0.vtt"]);
    let unknown = env.run(&["export", "1", "99", "--format", "txt"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("there is no item `99`"));
}

#[test]
fn a_damaged_database_is_reported_and_kept() {
    for (content, expected, code) in [
        (
            &b"this is not a database, but a text that is as long as the header of a database is"[..],
            "is not a nightscribe database",
            2,
        ),
        (b"SQLite format 3\0garbage garbage garbage", "is damaged", 5),
    ] {
        let env = TestEnv::with_recordings(settings(), 1);
        fs::create_dir(env.path("state")).unwrap();
        fs::write(env.path("state/nightscribe.db"), content).unwrap();
        let run = env.run(&["run", "--once"]);
        assert_eq!(run.code, code, "{}", run.stderr);
        assert!(run.stderr.contains(expected), "{}", run.stderr);
        assert_eq!(fs::read(env.path("state/nightscribe.db")).unwrap(), content);
    }
}

#[test]
fn the_state_folder_is_private() {
    let env = TestEnv::with_recordings(settings(), 1);
    env.run(&["scan"]);
    let mode = |name: &str| fs::metadata(env.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        (mode("state"), mode("state/nightscribe.db")),
        (0o700, 0o600)
    );
}

#[test]
fn missing_sources_and_empty_folders_are_accepted() {
    let env = TestEnv::new(settings());
    env.run_once(0);
    env.configure_with("", "");
    let run = env.run_once(0);
    assert!(run.stderr.contains("no [[source]] is configured"));
}

#[test]
fn logs_can_be_json_or_silent() {
    let env = TestEnv::with_recordings(settings(), 1);
    let run = env.run(&["--log-format", "json", "run", "--once"]);
    let lines: Vec<Value> = run
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(
        lines
            .iter()
            .any(|line| line["message"] == "done" && line["recording"] == "0.wav"),
        "{}",
        run.stderr
    );
    env.add_recording("1.wav", 1);
    let quiet = env.run(&["-q", "run", "--once"]);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
}

#[test]
fn a_closed_output_pipe_is_ignored() {
    let env = TestEnv::with_recordings(settings(), 3);
    env.run(&["scan"]);
    let mut child = env
        .command(&["list"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(output.stderr.is_empty());
}

#[test]
fn the_sandbox_prints_its_address_and_handles_signals() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_nightscribe"))
        .args(["sandbox", "--delay", "0s", "--fault", "slow=0.5"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut address = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut address)
        .unwrap();
    assert!(
        address.starts_with("http://127.0.0.1:") && address.ends_with("/v1\n"),
        "{address}"
    );
    signal(&child, "INT");
    assert!(child.wait().unwrap().success());
    let wrong = run_in(&["sandbox", "--fault", "slwo=1"], folder.path());
    assert_eq!(wrong.code, 2);
    assert!(
        wrong.stderr.contains("did you mean `slow`?"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn the_service_manager_is_notified() {
    let env = TestEnv::with_recordings(settings(), 1);
    let socket = std::os::unix::net::UnixDatagram::bind(env.path("notify")).unwrap();
    let mut child = env
        .command(&["run"])
        .env("NOTIFY_SOCKET", env.path("notify"))
        .env("WATCHDOG_USEC", "2000000")
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut messages = Vec::new();
    let mut wait_for = |until: &str| {
        let mut buffer = [0; 256];
        while !messages
            .iter()
            .any(|message: &String| message.contains(until))
        {
            let length = socket.recv(&mut buffer).unwrap();
            messages.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
        }
    };
    wait_for("READY=1");
    wait_for("WATCHDOG=1");
    signal(&child, "TERM");
    wait_for("STOPPING=1");
    assert!(child.wait().unwrap().success());
}
