//! A service, file names and addresses that mean harm: nothing leaves the output folder, commands a terminal, breaks a
//! file, shows the key or fills the memory.

use crate::harness::{CommandResult, KEY, TestEnv, os_str, settings};
use nightscribe::domain::is_control_char;
use nightscribe::provider::aimlapi::errors::sanitize;
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

/// Moves, colours, titles, C1 controls, marks that turn the direction, and what ends a cue.
const ORDERS: &str = "a\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}31m\u{202e}\u{2066}\r\n\n2\n00:00:00,000 --> 00:00:09,000\n</v>b\u{2028}c\u{0}";

/// A service that gives every submission and every poll the same answer.
struct Service {
    address: SocketAddr,
    /// The first line of each request.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Service {
    /// Each answer is a status line and a body.
    fn start(submission: (&'static str, String), poll: (&'static str, String)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let first = read_request(&mut stream);
                let (status, body) = if first.starts_with("POST") {
                    &submission
                } else {
                    &poll
                };
                heard.lock().unwrap().push(first);
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
                );
                // A client that has seen enough may go.
                let _sent = stream
                    .write_all(head.as_bytes())
                    .and_then(|()| stream.write_all(body.as_bytes()));
            }
        });
        Self { address, asked }
    }

    /// An environment whose service this is.
    fn env(&self) -> TestEnv {
        let env = TestEnv::new(settings());
        env.configure("");
        let config = fs::read_to_string(env.path("nightscribe.toml")).unwrap();
        let ours = format!("http://{}/v1", self.address);
        let config = config.replace(&env.sandbox().base_url(), &ours);
        fs::write(env.path("nightscribe.toml"), config).unwrap();
        env
    }
}

/// Reads one request whole, and gives its first line.
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

/// Says so of everything that was printed.
fn assert_harmless(what: &str, ended: &CommandResult) {
    for said in [&ended.stdout, &ended.stderr] {
        let order = said
            .chars()
            .find(|char| is_control_char(*char) && *char != '\n');
        assert_eq!(order, None, "{what}: {said:?}");
        assert!(!said.contains(KEY), "{what}: {said:?}");
    }
}

/// Every command that shows what came from outside.
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
    json!({"metadata": {"duration": 1e300}, "results": {"channels": [{"detected_language": ORDERS,
        "alternatives": [{"transcript": text, "words": words}]}]}})
}

fn completed(result: &Value) -> String {
    json!({"status": "completed", "result": result}).to_string()
}

#[test]
fn a_transcript_full_of_orders_is_text_and_subtitles_all_the_same() {
    let word =
        |speaker: &str| json!({"word": ORDERS, "start": 0.5, "end": 1e300, "speaker": speaker});
    let result = deepgram(&[word("0"), word(ORDERS), word("--")], ORDERS);
    let id = format!("../../g/%2e%2e/{ORDERS}?x=1#y");
    let created = json!({"generation_id": id}).to_string();
    let service = Service::start(("201 Created", created), ("200 OK", completed(&result)));
    let env = service.env();
    env.add_recording("talk.wav", 1);
    let run = env.run(&["-vv", "run", "--once"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_harmless("run", &run);
    assert_all_harmless(&env);
    let asked = service.asked.lock().unwrap().clone();
    let polled = &asked[1];
    let segment = polled.strip_prefix("GET /v1/stt/").unwrap();
    assert!(
        segment.starts_with("..%2F..%2Fg%2F%252e%252e%2Fa%1B[2J"),
        "{polled}"
    );
    assert_eq!(
        segment.matches(['/', '?', '#']).count(),
        1,
        "only HTTP/1.1's: {polled}"
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
    let kept: Value = serde_json::from_str(&env.transcript("talk.json")).unwrap();
    assert_eq!(kept["result"], result, "kept as it came");
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
fn a_refusal_full_of_orders_that_repeats_the_key_shows_neither() {
    let first = format!("{ORDERS} key {KEY}");
    // The message is cut after 300 characters, which is six into the second key.
    let filler = "x".repeat(292 - sanitize(&first).chars().count());
    let message = format!("{first} {filler} {KEY}");
    let refusal = json!({"message": message}).to_string();
    let service = Service::start(
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
    assert!(error.ends_with("x [key]…"), "not a part of it: {error}");
}

#[test]
fn a_result_of_ten_megabytes_that_claims_ever_so_much_is_taken() {
    let mut result = deepgram(&[], &"many words ".repeat(1_000_000));
    result["metadata"] =
        json!({"duration": 1e18, "words": 1e9, "channels": u64::MAX, "models": vec!["x"; 1000]});
    result["results"]["utterances"] =
        json!([{"transcript": "x", "start": -1e308, "end": 1e308, "channel": 1e18}]);
    let created = json!({"generation_id": "g"}).to_string();
    let service = Service::start(("201 Created", created), ("200 OK", completed(&result)));
    let env = service.env();
    env.add_recording("talk.wav", 1);
    let run = env.run(&["run", "--once"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(env.transcript("talk.txt").len(), 11_000_000);
    assert_all_harmless(&env);
}

#[test]
fn recordings_with_names_full_of_orders_are_done_and_shown_harmlessly() {
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
fn urls_lead_nowhere_and_command_nothing() {
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
fn a_configuration_full_of_orders_is_refused_harmlessly() {
    let env = TestEnv::new(settings());
    let orders = "\\u001b[2J\\u202e";
    for config in [
        format!("[api]\nbase_url = \"http://{orders}\"\n"),
        format!("[\"{orders}\"]\n"),
        format!("[api]\n\"{orders}\" = 1\n"),
        format!(
            "[[source]]\nname = \"{orders}\"\npath = \"x\"\nmodel = \"{orders}\"\ninclude = [\"{orders}{{\"]\n"
        ),
        format!(
            "[[source]]\nname = \"x\"\npath = \"x\"\n[source.options]\n\"{orders}\" = 1\nlanguage = \"{orders}\"\n"
        ),
        "[api]\n\u{202e} = \u{2066}\n".to_owned(),
    ] {
        fs::write(env.path("nightscribe.toml"), &config).unwrap();
        for command in ["scan", "check"] {
            let refused = env.run(&[command]);
            assert_eq!(refused.code, 2, "{config}");
            assert_harmless(&config, &refused);
        }
    }
}

#[test]
fn the_state_is_private_whatever_the_umask() {
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
    env.wait_until("the recording is done", |env| {
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
