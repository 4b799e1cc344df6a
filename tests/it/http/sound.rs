//! Recordings as a player gets them.

use super::client::{Response, Server};
use super::id_of;
use crate::harness::{TestEnv, settings};
use crate::sound_copies::install;
use std::fs;

/// Creates an environment with recordings of several kinds, and their server. There is no ffmpeg.
fn recordings() -> (TestEnv, Server) {
    let env = TestEnv::with_recordings(settings(), 1);
    for name in ["mp3-no-index.mp3", "wma.wma", "pcm.wav"] {
        let from = format!("{}/tests/sounds/{name}", env!("CARGO_MANIFEST_DIR"));
        fs::copy(from, env.path("recordings").join(name)).unwrap();
    }
    fs::write(env.path("recordings/broken.wav"), "no sound").unwrap();
    let packet = [&[0x47][..], &[0; 187]].concat();
    fs::write(env.path("recordings/stream.ts"), packet.repeat(20)).unwrap();
    env.configure("[media]\nffmpeg = 'never'\n");
    env.run(&["scan"]);
    let server = Server::start(&env);
    (env, server)
}

fn sound(env: &TestEnv, server: &Server, name: &str, headers: &[(&str, &str)]) -> Response {
    let path = format!("/recordings/{}/sound", id_of(env, name));
    server.send("GET", &path, headers, "")
}

#[test]
fn parts_of_a_recording_are_those_of_the_file() {
    let (env, server) = recordings();
    let file = fs::read(env.path("recordings/0.wav")).unwrap();
    let len = file.len();
    let whole = sound(&env, &server, "0.wav", &[]);
    assert_eq!((whole.status, &whole.bytes), (200, &file));
    assert_eq!(whole.header("content-type"), "audio/wav");
    assert_eq!(whole.header("accept-ranges"), "bytes");
    assert_eq!(whole.header("x-sound-start"), "0");
    assert_eq!(whole.header("cache-control"), "private, no-cache");
    let tag = whole.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
    for (range, part) in [
        ("bytes=0-", 0..len),
        ("bytes=44-143", 44..144),
        ("bytes=-100", len - 100..len),
        ("bytes=100-9999999", 100..len),
    ] {
        let answer = sound(
            &env,
            &server,
            "0.wav",
            &[("Range", range), ("If-Range", &tag)],
        );
        assert_eq!(
            (answer.status, &answer.bytes[..]),
            (206, &file[part.clone()]),
            "{range}"
        );
        let place = format!("bytes {}-{}/{len}", part.start, part.end - 1);
        assert_eq!(answer.header("content-range"), place);
        assert_eq!(answer.header("content-length"), part.len().to_string());
        assert_eq!(answer.header("etag"), tag);
    }
    let beyond = sound(&env, &server, "0.wav", &[("Range", "bytes=9999999-")]);
    assert_eq!(
        (beyond.status, beyond.header("content-range")),
        (416, &*format!("bytes */{len}"))
    );
    for headers in [
        // The player has bytes of another revision.
        [("Range", "bytes=0-9"), ("If-Range", "\"1-2-f\"")],
        [("Range", "bytes=0-1,5-9"), ("If-Range", &tag)],
        [("Range", "seconds=0-9"), ("If-Range", &tag)],
    ] {
        let answer = sound(&env, &server, "0.wav", &headers);
        assert_eq!(
            (answer.status, answer.bytes.len()),
            (200, len),
            "{headers:?}"
        );
    }
}

#[test]
fn a_changed_recording_has_another_tag() {
    let (env, server) = recordings();
    let before = sound(&env, &server, "0.wav", &[]);
    env.add_recording("0.wav", 99);
    crate::harness::set_mtime(&env.path("recordings/0.wav"), 1_000_000_000);
    let tag = before.header("etag");
    let headers = [("Range", "bytes=0-9"), ("If-Range", tag)];
    let after = sound(&env, &server, "0.wav", &headers);
    assert_eq!(after.status, 200);
    assert_ne!(after.header("etag"), tag);
    assert_eq!(after.bytes, fs::read(env.path("recordings/0.wav")).unwrap());
}

#[test]
fn a_head_has_the_headers_only() {
    let (env, server) = recordings();
    let path = format!("/recordings/{}/sound", id_of(&env, "0.wav"));
    let whole = server.get(&path);
    let head = server.send("HEAD", &path, &[], "");
    assert_eq!((head.status, head.bytes.len()), (200, 0));
    for name in ["content-length", "content-type", "etag", "x-sound-start"] {
        assert_eq!(head.header(name), whole.header(name), "{name}");
    }
}

#[test]
fn an_mp3_is_given_with_an_index_before_it() {
    let (env, server) = recordings();
    let file = fs::read(env.path("recordings/mp3-no-index.mp3")).unwrap();
    let whole = sound(&env, &server, "mp3-no-index.mp3", &[]);
    assert_eq!(
        (whole.status, whole.header("content-type")),
        (200, "audio/mp4")
    );
    assert_eq!(&whole.bytes[4..8], b"ftyp");
    assert!(whole.bytes.len() > file.len() && whole.bytes.ends_with(&file));
    let tail = format!("bytes=-{}", file.len() + 8);
    let tail = sound(&env, &server, "mp3-no-index.mp3", &[("Range", &tail)]);
    assert_eq!(tail.status, 206);
    assert_eq!(
        tail.bytes,
        whole.bytes[whole.bytes.len() - file.len() - 8..]
    );
    // The index is kept in the state folder, and the recording is untouched.
    assert_eq!(
        fs::read(env.path("recordings/mp3-no-index.mp3")).unwrap(),
        file
    );
    assert!(
        env.file_names("state")
            .iter()
            .any(|name| name.starts_with("playback/"))
    );
}

#[test]
fn a_recording_that_takes_long_to_prepare_is_there_later() {
    let env = TestEnv::new(settings());
    fs::copy(
        format!("{}/tests/sounds/opus.opus", env!("CARGO_MANIFEST_DIR")),
        env.path("recordings/long.opus"),
    )
    .unwrap();
    // Longer than a request waits. The copy goes on without it.
    let copy = format!(
        "sleep 11; cp '{}/tests/sounds/opus.webm' \"$out\"",
        env!("CARGO_MANIFEST_DIR")
    );
    install(&env, &copy);
    fs::write(env.path("packets"), "#codec_id 0: opus\n").unwrap();
    env.configure("[media]\nffmpeg = './ffmpeg'\n");
    env.run(&["scan"]);
    let server = Server::start(&env);
    let first = sound(&env, &server, "long.opus", &[]);
    assert_eq!((first.status, first.header("retry-after")), (503, "1"));
    assert!(first.body.contains("is being prepared"), "{}", first.body);
    let second = sound(&env, &server, "long.opus", &[]);
    assert_eq!(
        (second.status, second.header("content-type")),
        (200, "audio/webm")
    );
    let calls = fs::read_to_string(env.path("calls")).unwrap();
    let copies = calls.lines().filter(|argument| *argument == "webm");
    assert_eq!(copies.count(), 1, "{calls}");
}

#[test]
fn a_kind_that_cannot_be_played_has_a_reason() {
    let (env, server) = recordings();
    for (name, reason) in [
        ("broken.wav", "no browser plays this kind of file"),
        ("wma.wma", "no browser plays this kind of file"),
        ("stream.ts", "ffmpeg is needed for this kind of file"),
    ] {
        let refused = sound(&env, &server, name, &[]);
        assert_eq!(refused.status, 415, "{name}");
        assert!(refused.body.contains(reason), "{name}: {}", refused.body);
        assert!(!refused.body.contains('/'), "{name}: {}", refused.body);
    }
    assert_eq!(sound(&env, &server, "pcm.wav", &[]).status, 200);
}
