//! Hostile services, file names, URLs and configurations.
//!
//! None of them may write outside the output folder, reach the terminal with control sequences, corrupt a file, reveal
//! the key or exhaust the memory.

use crate::harness::{CommandResult, KEY, TestEnv, os_str, settings};
use nightscribe::domain::is_control_char;
use nightscribe::domain::one_line;
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

/// Cursor movement, colour, window title, C1 control, bidirectional marks, and text that would end a subtitle cue.
const CONTROL_SEQUENCES: &str = "a\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}31m\u{202e}\u{2066}\r\n\n2\n00:00:00,000 --> 00:00:09,000\n</v>b\u{2028}c\u{0}";

/// A service with one response for all submissions and one for all polls.
struct FixedService {
    address: SocketAddr,
    /// First line of each request.
    requests: Arc<Mutex<Vec<String>>>,
}

impl FixedService {
    /// Starts the service. Each response is a status and a body.
    fn start(submission: (&'static str, String), poll: (&'static str, String)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = requests.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let first = read_request(&mut stream);
                let (status, body) = if first.starts_with("POST") {
                    &submission
                } else {
                    &poll
                };
                log.lock().unwrap().push(first);
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
                );
                // The client may close the connection early.
                let _sent = stream
                    .write_all(head.as_bytes())
                    .and_then(|()| stream.write_all(body.as_bytes()));
            }
        });
        Self { address, requests }
    }

    /// Creates an environment that uses this service instead of the sandbox.
    fn env(&self) -> TestEnv {
        let env = TestEnv::new(settings());
        env.configure("");
        let config = fs::read_to_string(env.path("nightscribe.toml")).unwrap();
        let base_url = format!("http://{}/v1", self.address);
        let config = config.replace(&env.sandbox().base_url(), &base_url);
        fs::write(env.path("nightscribe.toml"), config).unwrap();
        env
    }
}

/// Reads one complete request. Returns its first line.
fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 64 * 1024];
    loop {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let end = bytes
                .windows(4)
                .position(|window| window == b"\r\n\r\n")
                .unwrap()
                + 4;
            if bytes.len() >= end + length.map_or(0, |length| length.parse().unwrap()) {
                let first = bytes.split(|byte| *byte == b'\r').next().unwrap();
                return String::from_utf8(first.to_vec()).unwrap();
            }
        }
        match stream.read(&mut buffer).unwrap() {
            0 => return String::new(),
            n => bytes.extend_from_slice(&buffer[..n]),
        }
    }
}

/// Asserts that the output contains no control characters except newlines, and not the key.
fn assert_harmless(what: &str, result: &CommandResult) {
    for text in [&result.stdout, &result.stderr] {
        let control_char = text
            .chars()
            .find(|char| is_control_char(*char) && *char != '\n');
        assert_eq!(control_char, None, "{what}: {text:?}");
        assert!(!text.contains(KEY), "{what}: {text:?}");
    }
}

/// Asserts the same for every command that shows external data.
fn assert_all_harmless(env: &TestEnv) {
    for args in [
        &["list"][..],
        &["list", "--json"],
        &["show", "1"],
        &["show", "1", "--json"],
        &["status"],
        &["status", "--json"],
        &["check"],
        &["export", "--all", "--format", "srt"],
    ] {
        assert_harmless(&format!("{args:?}"), &env.run(args));
    }
}

fn deepgram(words: &[Value], text: &str) -> Value {
    json!({"metadata": {"duration": 1e300}, "results": {"channels": [{"detected_language": CONTROL_SEQUENCES,
        "alternatives": [{"transcript": text, "words": words}]}]}})
}

fn completed(result: &Value) -> String {
    json!({"status": "completed", "result": result}).to_string()
}

#[test]
fn control_sequences_in_a_transcript_are_removed() {
    let word = |speaker: &str| json!({"word": CONTROL_SEQUENCES, "start": 0.5, "end": 1e300, "speaker": speaker});
    let result = deepgram(
        &[word("0"), word(CONTROL_SEQUENCES), word("--")],
        CONTROL_SEQUENCES,
    );
    let id = format!("../../g/%2e%2e/{CONTROL_SEQUENCES}?x=1#y");
    let created = json!({"generation_id": id}).to_string();
    let service = FixedService::start(("201 Created", created), ("200 OK", completed(&result)));
    let env = service.env();
    env.add_recording("talk.wav", 1);
    let run = env.run(&["-vv", "run", "--once"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_harmless("run", &run);
    assert_all_harmless(&env);
    let requests = service.requests.lock().unwrap().clone();
    let polled = &requests[1];
    let segment = polled.strip_prefix("GET /v1/stt/").unwrap();
    assert!(
        segment.starts_with("..%2F..%2Fg%2F%252e%252e%2Fa%1B[2J"),
        "{polled}"
    );
    assert_eq!(
        segment.matches(['/', '?', '#']).count(),
        1,
        "the only one is that of HTTP/1.1: {polled}"
    );
    assert_eq!(
        env.file_names("transcripts"),
        ["json", "srt", "txt", "vtt"].map(|format| format!("talks/talk.{format}"))
    );
    for format in ["txt", "srt", "vtt"] {
        let file = env.transcript(&format!("talk.{format}"));
        assert!(
            !file
                .chars()
                .any(|char| is_control_char(char) && char != '\n'),
            "{file:?}"
        );
    }
    let srt = env.transcript("talk.srt");
    assert_eq!(
        srt.matches("-->").count(),
        srt.split_terminator("\n\n").count(),
        "{srt}"
    );
    assert!(!env.transcript("talk.vtt").contains("</v>"));
    let stored: Value = serde_json::from_str(&env.transcript("talk.json")).unwrap();
    assert_eq!(stored["result"], result, "stored unchanged");
    env.add_recording("other.wav", 2);
    let json = env.run(&["--log-format", "json", "-vv", "run", "--once"]);
    assert!(
        json.stderr.contains("\"remote.id\":\"../../g"),
        "{}",
        json.stderr
    );
    assert_harmless("run with a log in JSON", &json);
}

#[test]
fn a_refusal_shows_neither_key_nor_control_sequences() {
    let first = format!("{CONTROL_SEQUENCES} key {KEY}");
    // The message is truncated to 300 characters, six characters into the second key.
    let filler = "x".repeat(292 - one_line(&first).chars().count());
    let message = format!("{first} {filler} {KEY}");
    let refusal = json!({"message": message}).to_string();
    let service = FixedService::start(
        ("400 Bad Request", refusal),
        ("404 Not Found", String::new()),
    );
    let env = service.env();
    env.add_recording("talk.wav", 1);
    let run = env.run(&["-vv", "run", "--once"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert_harmless("run", &run);
    assert_all_harmless(&env);
    let error = env.item("talk.wav")["error"]["message"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(error.contains("key [key]"), "{error}");
    assert!(
        error.ends_with("x [key]…"),
        "a part of the key is visible: {error}"
    );
}

#[test]
fn a_large_result_with_absurd_numbers_is_accepted() {
    let mut result = deepgram(&[], &"many words ".repeat(1_000_000));
    result["metadata"] =
        json!({"duration": 1e18, "words": 1e9, "channels": u64::MAX, "models": vec!["x"; 1000]});
    result["results"]["utterances"] =
        json!([{"transcript": "x", "start": -1e308, "end": 1e308, "channel": 1e18}]);
    let created = json!({"generation_id": "g"}).to_string();
    let service = FixedService::start(("201 Created", created), ("200 OK", completed(&result)));
    let env = service.env();
    env.add_recording("talk.wav", 1);
    let run = env.run(&["run", "--once"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let words = env.transcript("talk.txt").split_whitespace().count();
    assert_eq!(words, 2_000_000);
    assert_all_harmless(&env);
}

#[test]
fn control_sequences_in_file_names_are_escaped() {
    let env = TestEnv::new(settings());
    let names: [&[u8]; 7] = [
        b"--help.wav",
        b"-q.wav",
        b"\x1b[31mred\x1b]0;title\x07.wav",
        "gp\u{202e}vaw.\u{2066}\u{9b}2J\u{2028}.wav".as_bytes(),
        b"a\r\nERROR failed.wav",
        b"\xff\xfe\x9b.wav",
        b"{wide_msg} %s `$(id)` '\".wav",
    ];
    for (seed, name) in (1..).zip(names) {
        env.add_recording(os_str(name), seed);
    }
    let run = env.run(&["-vv", "run", "--once"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(env.count("done"), 7);
    assert_harmless("run", &run);
    let json = env.run(&["--log-format", "json", "-vv", "scan"]);
    assert_harmless("scan", &json);
    assert_all_harmless(&env);
    for name in names {
        let stem = &name[..name.len() - 4];
        let transcript = env
            .path("transcripts/talks")
            .join(os_str(&[stem, b".txt"].concat()));
        assert!(transcript.exists(), "{transcript:?}");
    }
    let path = env.path("recordings/--help.wav");
    let show = env.run(&["show", path.to_str().unwrap()]);
    assert!(show.stdout.contains("--help.wav"), "{}", show.stdout);
    let missing = env.run(&["show", "--", "-no\u{1b}[2J\u{202e}"]);
    assert_eq!(missing.code, 2);
    assert_harmless("show", &missing);
}

#[test]
fn hostile_urls_stay_in_the_output_folder() {
    let env = TestEnv::new(settings());
    let urls = [
        "https://a.org/..%2f..%2f..%2fescaped.wav",
        "https://a.org/%2e%2e/%2e%2e%2f%2e%2e%2fescaped.mp3",
        "https://a.org/a%1b%5b2J%e2%80%ae%c2%9b.mp3",
        "https://a.org/--help.mp3",
        "https://a.org/%00%0d%0a",
    ];
    let add = env.run(&[&["add"][..], &urls].concat());
    assert_eq!(add.code, 0, "{}", add.stderr);
    assert_harmless("add", &add);
    assert_harmless(
        "add",
        &env.run(&["add", "https://a.org:no\u{1b}[2J\u{202e}"]),
    );
    let run = env.run(&["-vv", "run", "--once"]);
    assert_eq!(env.count("done"), 5, "{}", run.stderr);
    assert_harmless("run", &run);
    assert_all_harmless(&env);
    let written = env.file_names("");
    let outside = written
        .iter()
        .find(|name| name.contains("escaped") && !name.starts_with("transcripts/talks/"));
    assert_eq!(outside, None);
    assert!(!env.path("../escaped.txt").exists());
}

#[test]
fn a_hostile_configuration_is_rejected_safely() {
    let env = TestEnv::new(settings());
    let escapes = "\\u001b[2J\\u202e";
    for config in [
        format!("[api]\nbase_url = \"http://{escapes}\"\n"),
        format!("[\"{escapes}\"]\n"),
        format!("[api]\n\"{escapes}\" = 1\n"),
        format!(
            "[[source]]\nname = \"{escapes}\"\npath = \"x\"\nmodel = \"{escapes}\"\ninclude = [\"{escapes}{{\"]\n"
        ),
        format!(
            "[[source]]\nname = \"x\"\npath = \"x\"\n[source.options]\n\"{escapes}\" = 1\nlanguage = \"{escapes}\"\n"
        ),
        "[api]\n\u{202e} = \u{2066}\n".to_owned(),
    ] {
        fs::write(env.path("nightscribe.toml"), &config).unwrap();
        for command in ["scan", "check"] {
            let result = env.run(&[command]);
            assert_eq!(result.code, 2, "{config}");
            assert_harmless(&config, &result);
        }
    }
}

#[test]
fn the_state_is_private_under_any_umask() {
    let env = TestEnv::with_recordings(settings(), 1);
    let mut daemon = Command::new("sh")
        .args([
            "-c",
            "umask 000; exec \"$0\" run",
            env!("CARGO_BIN_EXE_nightscribe"),
        ])
        .current_dir(env.path(""))
        .env_clear()
        .env("AIMLAPI_KEY", KEY)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    env.wait_until("the transcript", |env| {
        env.path("state").exists() && env.count("done") == 1
    });
    let names = env.file_names("state");
    let modes: Vec<_> = names
        .iter()
        .map(|name| {
            fs::metadata(env.path("state").join(name))
                .unwrap()
                .permissions()
                .mode()
                & 0o777
        })
        .collect();
    let folder = fs::metadata(env.path("state"))
        .unwrap()
        .permissions()
        .mode()
        & 0o777;
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    for name in ["nightscribe.db", "nightscribe.db-shm", "nightscribe.db-wal"] {
        assert!(names.contains(&name.to_owned()), "{names:?}");
    }
    assert!(
        modes.iter().all(|mode| *mode == 0o600),
        "{names:?}: {modes:?}"
    );
    assert_eq!(folder, 0o700);
}

#[test]
fn a_catalogue_that_is_another_page_is_not_stored() {
    let page = || ("200 OK", "<html>Log in</html>".to_owned());
    let service = FixedService::start(page(), page());
    let env = service.env();
    // Creates the queue.
    env.run(&["scan"]);
    for _ in 0..2 {
        let models = env.run(&["models"]);
        assert_eq!(models.code, 0, "{}", models.stderr);
        assert!(models.stdout.contains("Built-in list"), "{}", models.stdout);
        let reason = "cannot fetch a list of the service";
        assert!(models.stderr.contains(reason), "{}", models.stderr);
    }
    let asked = service.requests.lock().unwrap().clone();
    let catalogues = asked.iter().filter(|line| line.contains("/v1/models?"));
    assert_eq!(catalogues.count(), 2, "{asked:?}");
}
