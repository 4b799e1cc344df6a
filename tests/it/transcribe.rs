//! `nightscribe transcribe`: recordings become text with nothing but a key.

use crate::harness::{CommandResult, KEY, RunningCommand, TestEnv, run_command, settings, wav};
use nightscribe_sandbox::Settings;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Returns a command with a home and the variables that point it to the sandbox. The configuration of the environment is
/// removed.
fn command(env: &TestEnv, args: &[&str]) -> Command {
    let _removed = fs::remove_file(env.path("nightscribe.toml"));
    let mut command = env.command(&["transcribe"]);
    command
        .args(args)
        .env("HOME", env.path("home"))
        .env("NIGHTSCRIBE__API__BASE_URL", env.sandbox().base_url())
        .env("NIGHTSCRIBE__LIMITS__SUBMITS_PER_MINUTE", "60000")
        .env("NIGHTSCRIBE__LIMITS__POLLS_PER_MINUTE", "60000")
        .env("NIGHTSCRIBE__POLLING__INTERVAL", "20ms")
        .env("NIGHTSCRIBE__POLLING__MAX_INTERVAL", "50ms")
        .env("NIGHTSCRIBE__RETRY__BACKOFF", "10ms")
        .env("NIGHTSCRIBE__RETRY__MAX_BACKOFF", "400ms");
    command
}

fn transcribe(env: &TestEnv, args: &[&str]) -> CommandResult {
    run_command(&mut command(env, args))
}

fn transcribe_list(env: &TestEnv, args: &[&str], list: &str) -> CommandResult {
    let mut child = command(env, args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(list.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    CommandResult {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn paid(env: &TestEnv) -> usize {
    env.sandbox().ledger().generations.len()
}

fn objects(text: &str) -> Vec<Value> {
    let lines = text.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().unwrap()
}

/// Returns the files in the folder of the environment, apart from the recordings and the queue.
fn new_files(env: &TestEnv) -> Vec<String> {
    let mut names = env.file_names("");
    names.retain(|name| !name.starts_with("recordings/") && !name.starts_with("home/"));
    names
}

#[test]
fn one_file_becomes_text_and_again_for_nothing() {
    let mut env = TestEnv::with_recordings(settings(), 1);
    let first = transcribe(&env, &["recordings/0.wav"]);
    assert_eq!(first.code, 0, "{}", first.stderr);
    assert!(first.stdout.contains("sandbox"), "{}", first.stdout);
    assert_eq!(first.stderr, "");
    assert_eq!(new_files(&env), [""; 0]);
    assert_eq!(
        env.file_names("home/.local/state/nightscribe"),
        ["lock", "nightscribe.db"]
    );
    let unused = env.path("home/.local/state/nightscribe/transcripts");
    assert!(!unused.exists());
    assert_eq!(paid(&env), 1);
    let absolute = env.path("recordings/0.wav");
    let again = transcribe(&env, &[absolute.to_str().unwrap()]);
    assert_eq!((again.code, &again.stdout), (0, &first.stdout));
    // The same content under another name costs nothing, and neither does another format.
    fs::copy(&absolute, env.path("recordings/copy.wav")).unwrap();
    let copy = transcribe(&env, &["recordings/copy.wav", "-f", "srt,vtt"]);
    assert_eq!(
        (copy.code, &copy.stdout),
        (0, &first.stdout),
        "{}",
        copy.stderr
    );
    assert_eq!(new_files(&env), ["copy.srt", "copy.vtt"]);
    assert_eq!(paid(&env), 1);
    // The stored text needs neither the key nor the service.
    let mut stored = command(&env, &["recordings/0.wav"]);
    stored.env_remove("AIMLAPI_KEY");
    env.stop_sandbox();
    let stored = run_command(&mut stored);
    assert_eq!((stored.code, &stored.stdout), (0, &first.stdout));
}

#[test]
fn a_changed_file_another_model_and_other_options_are_transcribed() {
    let env = TestEnv::with_recordings(settings(), 1);
    let text = |args: &[&str]| {
        let result = transcribe(&env, args);
        assert_eq!(result.code, 0, "{}", result.stderr);
        result.stdout
    };
    let first = text(&["recordings/0.wav"]);
    text(&["recordings/0.wav", "--model", "deepgram/nova-2-general"]);
    assert_eq!(paid(&env), 1);
    text(&["recordings/0.wav", "-m", "whisper-large"]);
    text(&["recordings/0.wav", "--language", "Dutch"]);
    let diarized = text(&["recordings/0.wav", "--diarize"]);
    assert!(diarized.contains("Speaker"), "{diarized}");
    assert_eq!(paid(&env), 4);
    env.add_recording("0.wav", 77);
    assert_ne!(text(&["recordings/0.wav"]), first);
    assert_eq!(paid(&env), 5);
    let sent: Vec<_> = env
        .sandbox()
        .ledger()
        .generations
        .iter()
        .map(|one| one.model.clone())
        .collect();
    assert!(sent.contains(&"#g1_nova-2-general".to_owned()), "{sent:?}");
}

#[test]
fn a_folder_becomes_files_in_the_working_or_another_folder() {
    let env = TestEnv::with_recordings(settings(), 2);
    env.add_recording("deep/2.wav", 2);
    env.add_recording(".hidden/3.wav", 3);
    let run = transcribe(&env, &["recordings"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{}", run.stderr);
    assert_eq!(new_files(&env), ["0.txt", "1.txt", "deep/2.txt"]);
    for name in ["0.txt", "1.txt", "deep/2.txt"] {
        let line = format!(
            "wrote {}\n",
            env.path(name).canonicalize().unwrap().display()
        );
        assert!(run.stderr.contains(&line), "{name}: {}", run.stderr);
    }
    let args = [
        "recordings",
        "--output_dir",
        "out",
        "--output_format",
        "txt,json",
    ];
    let again = transcribe(&env, &[&args[..], &["-q"]].concat());
    assert_eq!((again.code, again.stderr.as_str()), (0, ""));
    assert_eq!(
        env.file_names("out"),
        [
            "0.json",
            "0.txt",
            "1.json",
            "1.txt",
            "deep/2.json",
            "deep/2.txt"
        ]
    );
    assert_eq!(paid(&env), 3);
    // An edited transcript is kept.
    fs::write(env.path("out/0.txt"), "mine").unwrap();
    let kept = transcribe(&env, &["recordings/0.wav", "-o", "out"]);
    assert_eq!(kept.code, 0);
    assert!(
        kept.stderr.contains("0.txt: it was edited"),
        "{}",
        kept.stderr
    );
    assert_eq!(fs::read_to_string(env.path("out/0.txt")).unwrap(), "mine");
    assert_eq!(paid(&env), 3);
}

#[test]
fn a_list_names_files_and_urls() {
    let env = TestEnv::with_recordings(settings(), 2);
    let list = "recordings/0.wav\n\nrecordings/1.wav\r\nhttps://example.org/talks/url.mp3\n";
    let run = transcribe_list(&env, &["-", "-o", "out"], list);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{}", run.stderr);
    assert_eq!(env.file_names("out"), ["0.txt", "1.txt", "url.txt"]);
    let url = transcribe(&env, &["https://example.org/talks/url.mp3"]);
    assert!(!url.stdout.is_empty());
    assert_eq!(paid(&env), 3);
    let empty = transcribe_list(&env, &["-"], "\n");
    assert_eq!(empty.code, 2);
    assert!(empty.stderr.contains("the list on standard input is empty"));
}

#[test]
fn a_bad_path_does_not_stop_the_others() {
    let env = TestEnv::with_recordings(settings(), 1);
    fs::write(env.path("recordings/notes.txt"), "no audio at all").unwrap();
    fs::create_dir(env.path("empty")).unwrap();
    let names = [
        "recordings/gone.wav",
        "recordings/0.wav",
        "recordings/notes.txt",
        "empty",
    ];
    let run = transcribe(&env, &names);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{}", run.stderr);
    assert_eq!(new_files(&env), ["0.txt"]);
    for part in [
        "recordings/gone.wav: No such file or directory",
        "empty: the folder contains no recordings",
        "recording=\"notes.txt\" error=\"unsupported\"",
        "1 recording has no transcript; the same command tries again",
    ] {
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
    let json = transcribe(&env, &[&names[..], &["--json"]].concat());
    let kinds: Vec<_> = objects(&json.stdout)
        .iter()
        .map(|one| {
            (
                one["name"]
                    .as_str()
                    .unwrap()
                    .rsplit('/')
                    .next()
                    .unwrap()
                    .to_owned(),
                one["kind"].clone(),
            )
        })
        .collect();
    let expected = [
        ("gone.wav", "refused"),
        ("empty", "refused"),
        ("0.wav", "done"),
        ("notes.txt", "failed"),
    ];
    assert_eq!(
        kinds,
        expected.map(|(name, kind)| (name.to_owned(), Value::from(kind)))
    );
    assert_eq!(json.code, 1);
    assert_eq!(paid(&env), 1);
}

#[test]
fn wrong_uses_cost_nothing() {
    let env = TestEnv::with_recordings(settings(), 1);
    for (args, part) in [
        (
            &["recordings/gone.wav"][..],
            "recordings/gone.wav: No such file",
        ),
        (
            &["recordings/0.wav", "-m", "nova-2-generel"],
            "did you mean `#g1_nova-2-general`?",
        ),
        (
            &["recordings/0.wav", "-l", "klingon"],
            "unknown language `klingon`",
        ),
        (
            &["recordings/0.wav", "-m", "nova-2-meeting", "-l", "nl"],
            "transcribes only English",
        ),
        (
            &[
                "recordings/0.wav",
                "-m",
                "openai/gpt-transcribe",
                "--diarize",
            ],
            "does not tell speakers apart",
        ),
        (
            &["recordings/0.wav", "-f", "text"],
            "unknown output format `text`",
        ),
        (
            &["recordings/0.wav", "--config", "x.toml"],
            "`transcribe` reads no configuration file",
        ),
        (
            &["ftp://example.org/a.mp3"],
            "the service downloads only http:// and https:// URLs",
        ),
        (&[], "FILE|FOLDER|URL"),
    ] {
        let run = transcribe(&env, args);
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (2, ""),
            "{args:?}: {}",
            run.stderr
        );
        assert!(run.stderr.contains(part), "{args:?}: {}", run.stderr);
    }
    for (variable, part) in [
        (
            "AIMLAPI_KEY",
            "the environment variable `AIMLAPI_KEY` is not set",
        ),
        ("HOME", "cannot locate the queue of `transcribe`: "),
    ] {
        let mut command = command(&env, &["recordings/0.wav"]);
        let run = run_command(command.env_remove(variable));
        assert_eq!(run.code, 2, "{variable}: {}", run.stderr);
        assert!(run.stderr.contains(part), "{variable}: {}", run.stderr);
    }
    assert_eq!(paid(&env), 0);
}

#[test]
fn json_has_the_text_of_each_recording() {
    let env = TestEnv::with_recordings(settings(), 2);
    let text = transcribe(&env, &["recordings/0.wav"]).stdout;
    let run = transcribe(&env, &["recordings", "--json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let objects = objects(&run.stdout);
    assert_eq!(objects.len(), 2);
    let first = &objects[0];
    assert_eq!(first["text"], text.as_str());
    assert_eq!(
        (&first["kind"], &first["duration_s"]),
        (&"done".into(), &1.0.into())
    );
    assert_eq!(new_files(&env), [""; 0]);
    let written = transcribe(&env, &["recordings/1.wav", "--json", "-f", "srt"]);
    let path = env.path("1.srt").canonicalize().unwrap();
    let object: Value = serde_json::from_str(&written.stdout).unwrap();
    assert_eq!(PathBuf::from(object["files"][0].as_str().unwrap()), path);
}

/// Starts a call and waits until the service has accepted `count` recordings.
fn start(env: &TestEnv, args: &[&str], count: usize) -> RunningCommand {
    let running = env.start_logged(&mut command(env, args), "log");
    env.wait_until("the submission", |env| paid(env) == count);
    running
}

#[test]
fn a_killed_call_is_taken_up_without_a_second_payment() {
    let env = TestEnv::with_recordings(
        Settings {
            delay: Duration::from_secs(2),
            ..settings()
        },
        1,
    );
    start(&env, &["recordings/0.wav"], 1).signal("KILL");
    let run = transcribe(&env, &["recordings/0.wav"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("sandbox"));
    assert_eq!(paid(&env), 1);
}

#[test]
fn recordings_left_by_an_interrupted_call_are_not_submitted_by_another() {
    let env = TestEnv::with_recordings(settings(), 3);
    let mut first = command(&env, &["recordings"]);
    first.env_remove("AIMLAPI_KEY");
    assert_eq!(run_command(&mut first).code, 2);
    let mut other = fs::File::create(env.path("recordings/3.wav")).unwrap();
    other.write_all(&wav(3, 8_000)).unwrap();
    drop(other);
    assert_eq!(transcribe(&env, &["recordings/3.wav"]).code, 0);
    assert_eq!(paid(&env), 1);
    assert_eq!(transcribe(&env, &["recordings"]).code, 0);
    assert_eq!(paid(&env), 4);
    assert_eq!(new_files(&env), ["0.txt", "1.txt", "2.txt", "3.txt"]);
}

#[test]
fn a_second_call_waits_for_the_first() {
    let env = TestEnv::with_recordings(
        Settings {
            delay: Duration::from_secs(1),
            ..settings()
        },
        2,
    );
    let mut first = start(&env, &["recordings/0.wav"], 1);
    let second = transcribe(&env, &["recordings/0.wav", "recordings/1.wav"]);
    assert_eq!(second.code, 0, "{}", second.stderr);
    assert!(
        second
            .stderr
            .starts_with("another `nightscribe transcribe` is running; waiting for its end\n"),
        "{}",
        second.stderr
    );
    assert_eq!(first.wait(), 0);
    assert_eq!(paid(&env), 2);
    assert_eq!(new_files(&env), ["0.txt", "1.txt", "log"]);
}

#[test]
fn a_held_account_keeps_the_recordings() {
    let env = TestEnv::with_recordings(settings(), 1);
    let mut refused = command(&env, &["recordings/0.wav", "--json"]);
    let run = run_command(refused.env("AIMLAPI_KEY", "sk-wrong"));
    assert_eq!(run.code, 3, "{}", run.stderr);
    let object: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        (&object["kind"], &object["state"]),
        (&"waiting".into(), &"queued".into())
    );
    assert!(!run.stderr.contains("sk-wrong") && !run.stdout.contains("sk-wrong"));
    let run = transcribe(&env, &["recordings/0.wav"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(paid(&env), 1);
}

#[test]
fn a_stopped_call_leaves_no_doubt() {
    let env = TestEnv::with_recordings(
        Settings {
            delay: Duration::from_secs(3),
            ..settings()
        },
        1,
    );
    let mut first = start(&env, &["recordings/0.wav"], 1);
    first.signal("TERM");
    assert_eq!(first.wait(), 1);
    let log = fs::read_to_string(env.path("log")).unwrap();
    assert!(log.contains("1 recording has no transcript"), "{log}");
    assert_eq!(transcribe(&env, &["recordings/0.wav"]).code, 0);
    assert_eq!(paid(&env), 1);
}

#[test]
fn the_sandbox_needs_no_account_and_leaves_no_queue() {
    let env = TestEnv::with_recordings(settings(), 1);
    let mut tried = env.command(&["transcribe", "--sandbox", "recordings/0.wav"]);
    let run = run_command(tried.env_clear().env("TMPDIR", env.path("")));
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("sandbox"), "{}", run.stdout);
    assert_eq!(new_files(&env), ["nightscribe.toml"]);
    assert_eq!(paid(&env), 0);
}

#[test]
fn the_key_is_in_no_output_and_no_file() {
    let env = TestEnv::with_recordings(settings(), 1);
    let run = transcribe(&env, &["recordings/0.wav", "-vv", "-f", "all"]);
    assert_eq!(run.code, 0);
    assert!(!run.stdout.contains(KEY) && !run.stderr.contains(KEY));
    for name in env.file_names("") {
        let bytes = fs::read(env.path(&name)).unwrap();
        let has_key = bytes.windows(KEY.len()).any(|part| part == KEY.as_bytes());
        assert!(!has_key, "{name}");
    }
}
