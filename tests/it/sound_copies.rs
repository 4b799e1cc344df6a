//! Videos: only their sound track is sent, copied by ffmpeg.

use crate::harness::{TestEnv, settings, wav};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// Answer about the first packets of a video with sound.
const PACKETS: &str = "#tb 0: 1/10240\n#media_type 0: video\n#codec_id 0: h264\n#tb 1: 1/48000\n#media_type 1: audio\n\
    #codec_id 1: aac\n1, 0, 0, 1024, 266, 0x9522827e\n";
/// A copy, in place of a program that makes it.
pub const COPY: &str = "cp copy \"$out\"";

/// Returns a recording of 25 seconds.
pub fn video(seed: u32) -> Vec<u8> {
    wav(seed, 200_000)
}

/// Returns sound of 25 seconds that takes half of the space: 4,000 samples per second.
fn copy() -> Vec<u8> {
    let mut copy = wav(9, 100_000);
    copy[24..28].copy_from_slice(&4_000_u32.to_le_bytes());
    copy[28..32].copy_from_slice(&4_000_u32.to_le_bytes());
    copy
}

/// Installs a program in place of ffmpeg that logs its arguments, one in a line, and runs `script` to make the copy `$out`.
pub fn install(env: &TestEnv, script: &str) {
    fs::write(env.path("packets"), PACKETS).unwrap();
    fs::write(env.path("copy"), copy()).unwrap();
    let folder = env.path("");
    let script = format!(
        "#!/bin/sh\ncd '{}'\n[ \"$1\" = -version ] && {{ echo 'ffmpeg version 7.1 Copyright'; exit; }}\n\
         for out; do echo \"$out\" >> calls; done\ncase \"$*\" in *framecrc*) exec cat packets;; esac\n\
         out=${{out#file:}}\n{script}\n",
        folder.display()
    );
    fs::write(env.path("ffmpeg"), script).unwrap();
    fs::set_permissions(env.path("ffmpeg"), fs::Permissions::from_mode(0o755)).unwrap();
}

fn env_with(script: &str) -> TestEnv {
    let env = TestEnv::new(settings());
    install(&env, script);
    env.configure("[media]\nffmpeg = './ffmpeg'\n");
    fs::write(env.path("recordings/talk.mp4"), video(1)).unwrap();
    env
}

fn configure(env: &TestEnv, media: &str, key: &str) {
    let source = format!("[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = '0s'\n{key}\n");
    env.configure_with(&format!("[media]\nffmpeg = '{media}'\n"), &source);
}

/// Returns what was sent: the file name and the number of bytes.
fn sent(env: &TestEnv) -> Vec<(String, usize)> {
    let generations = env.sandbox().ledger().generations.into_iter();
    generations
        .map(|entry| (entry.name, entry.bytes as usize))
        .collect()
}

fn whole() -> Vec<(String, usize)> {
    vec![("talk.mp4".to_owned(), video(1).len())]
}

fn only_sound() -> Vec<(String, usize)> {
    vec![("talk.m4a".to_owned(), copy().len())]
}

fn assert_no_copy_left(env: &TestEnv) {
    assert_eq!(env.file_names("state/extracted"), [""; 0]);
}

#[test]
fn only_the_sound_of_a_video_is_sent() {
    let env = env_with(COPY);
    env.run_once(0);
    assert_eq!(sent(&env), only_sound());
    assert_no_copy_left(&env);
    // The transcript is that of the video.
    let envelope: Value = serde_json::from_str(&env.transcript("talk.json")).unwrap();
    let sha256 = hex::encode(Sha256::digest(video(1)));
    assert_eq!(env.item("talk.mp4")["sha256"], sha256);
    assert!(envelope.to_string().contains(&sha256), "{envelope}");
    let calls = fs::read_to_string(env.path("calls")).unwrap();
    let path = fs::canonicalize(env.path("recordings/talk.mp4")).unwrap();
    let input = "\n-protocol_whitelist\nfile\n-format_whitelist\naa,aac,";
    assert!(calls.contains(input), "{calls}");
    let call = format!("\n-i\nfile:{}\n-map\n0:a:0\n-c\ncopy\n", path.display());
    assert!(calls.contains(&call), "{calls}");
}

#[test]
fn a_whole_video_is_sent_on_request_or_without_ffmpeg() {
    for (media, key) in [
        ("./ffmpeg", "extract_audio = 'never'"),
        ("never", ""),
        ("auto", ""),
        ("/nowhere/ffmpeg", ""),
        ("/bin/true", ""),
    ] {
        let env = env_with(COPY);
        configure(&env, media, key);
        env.run_once(0);
        assert_eq!(sent(&env), whole(), "{media} {key}");
        assert!(!env.path("calls").exists());
    }
}

#[test]
fn a_whole_video_is_sent_if_the_copy_fails() {
    for script in [
        "echo bad >&2; exit 1",
        "exit 0",
        ": > \"$out\"",
        "head -c 50000 copy > \"$out\"",
        "kill -9 $$",
        // Larger than the recording.
        "cat copy copy copy copy > \"$out\"",
    ] {
        let env = env_with(script);
        fs::write(env.path("recordings/second.mp4"), video(2)).unwrap();
        let run = env.run_once(0);
        let mut bytes: Vec<_> = sent(&env).into_iter().map(|(_, bytes)| bytes).collect();
        bytes.dedup();
        assert_eq!(bytes, [video(1).len()], "{script}");
        let warnings = run.stderr.matches("the whole file is sent").count();
        assert_eq!(warnings, 1, "{script}: {}", run.stderr);
        assert_no_copy_left(&env);
    }
}

#[test]
fn a_copy_with_another_length_is_not_sent() {
    let env = env_with(COPY);
    fs::write(env.path("copy"), wav(9, 100_000)).unwrap();
    let run = env.run_once(0);
    assert_eq!(sent(&env), whole());
    assert!(
        run.stderr.contains("not as long as the sound"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_file_without_video_or_with_late_sound_is_sent_whole() {
    for packets in [
        PACKETS.replace("video", "audio"),
        PACKETS.replace("1, 0, 0,", "1, 4800, 4800,"),
        PACKETS.replace("aac", "dts"),
        String::new(),
    ] {
        let env = env_with(COPY);
        fs::write(env.path("packets"), packets).unwrap();
        env.run_once(0);
        assert_eq!(sent(&env), whole());
    }
}

#[test]
fn sound_is_not_asked_about() {
    let env = env_with(COPY);
    fs::rename(
        env.path("recordings/talk.mp4"),
        env.path("recordings/talk.m4a"),
    )
    .unwrap();
    fs::write(env.path("recordings/small.mp4"), wav(3, 8_000)).unwrap();
    env.run_once(0);
    assert_eq!(env.count("done"), 2);
    assert!(!env.path("calls").exists());
}

#[test]
fn equal_videos_are_paid_for_once() {
    let env = env_with(COPY);
    fs::write(env.path("recordings/equal.mov"), video(1)).unwrap();
    env.run_once(0);
    fs::write(env.path("recordings/later.mkv"), video(1)).unwrap();
    env.run_once(0);
    assert_eq!((env.count("done"), env.sandbox().ledger().paid), (3, 1));
    // A copy and the whole file are the same recording.
    fs::write(env.path("recordings/whole.mp4"), video(1)).unwrap();
    configure(&env, "never", "");
    env.run_once(0);
    assert_eq!((env.count("done"), env.sandbox().ledger().paid), (4, 1));
}

#[test]
fn a_video_that_changes_during_the_copy_is_not_sent() {
    // The next version is smaller, as the program is limited to the size of the recording.
    let env = env_with(
        "cp copy \"$out\"; [ -e changed ] || { : > changed; cp next recordings/talk.mp4; }",
    );
    fs::write(env.path("next"), wav(2, 199_999)).unwrap();
    env.run_once(0);
    let ledger = env.sandbox().ledger();
    assert_eq!((ledger.accepted, env.count("done")), (1, 1));
    let sha256 = hex::encode(Sha256::digest(wav(2, 199_999)));
    assert_eq!(env.item("talk.mp4")["sha256"], sha256);
}

#[test]
fn a_kill_during_the_copy_costs_nothing() {
    let env = env_with("echo part > \"$out\"; echo > copying; sleep 1000");
    let mut run = env.start(&["run", "--once"]);
    env.wait_until("the copy begins", |env| env.path("copying").exists());
    run.signal("KILL");
    run.wait();
    assert_eq!(env.file_names("state/extracted").len(), 1);
    assert_eq!(env.count("queued"), 1);
    install(&env, COPY);
    env.run_once(0);
    assert_eq!(sent(&env), only_sound());
    assert_no_copy_left(&env);
    assert_eq!(env.status()["perhaps_paid"], 0);
}

#[test]
fn a_stop_ends_a_copy() {
    let env = env_with("echo $$ > pid; sleep 1000");
    let mut run = env.start(&["run", "--once"]);
    env.wait_until("the copy begins", |env| env.path("pid").exists());
    run.signal("TERM");
    run.wait();
    assert_eq!((env.count("queued"), sent(&env).len()), (1, 0));
    assert_no_copy_left(&env);
}

/// The answer names the hash of the copy, also after a restart.
#[test]
fn an_answer_about_a_copy_is_taken_after_a_restart() {
    let env = TestEnv::new(nightscribe_sandbox::Settings {
        delay: std::time::Duration::from_millis(600),
        ..settings()
    });
    install(&env, COPY);
    env.configure("[media]\nffmpeg = './ffmpeg'\n");
    fs::write(env.path("recordings/talk.mp4"), video(1)).unwrap();
    let mut run = env.start(&["run", "--once"]);
    env.wait_until("it is pending", |env| env.count("pending") == 1);
    run.signal("KILL");
    run.wait();
    env.run_once(0);
    assert_eq!((env.count("done"), env.sandbox().ledger().accepted), (1, 1));
}

#[test]
fn check_names_ffmpeg_and_what_it_is_for() {
    let env = env_with(COPY);
    let check = env.run(&["check"]).stdout;
    assert!(check.contains("ffmpeg 7.1"), "{check}");
    for (media, text) in [
        ("auto", "ffmpeg is not in $PATH"),
        ("never", "media.ffmpeg = \"never\""),
        ("/bin/true", "does not work as ffmpeg"),
    ] {
        configure(&env, media, "");
        let check = env.run(&["check"]).stdout;
        assert!(check.contains(text), "{check}");
        assert!(check.contains("videos are sent whole"), "{check}");
    }
}
