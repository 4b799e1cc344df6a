//! Recordings with the same sound are paid for once, whatever their tags and containers.

use crate::harness::{TestEnv, set_mtime, settings, wav};
use nightscribe_sandbox::Faults;
use std::fs;
use std::path::Path;

/// Frames of an MP3 that is too large to be read as a whole before its submission.
const LARGE: u32 = 1_000;

/// An MP3 of frames at 64 kbit/s, whose content is derived from `seed`.
fn mp3(seed: u32, frames: u32) -> Vec<u8> {
    let content = wav(seed, frames * 204);
    let frames = content[44..].chunks_exact(204);
    frames
        .flat_map(|frame| [&[0xff, 0xfb, 0x50, 0xc4], frame].concat())
        .collect()
}

/// An MP3 with tags: a title and a cover of `cover` bytes.
fn tagged(mp3: &[u8], cover: u8) -> Vec<u8> {
    let id3v2 = [
        &b"ID3\x04\0\0\0\0"[..],
        &[cover, 0],
        &vec![0; 128 * usize::from(cover)],
    ]
    .concat();
    let id3v1 = [&b"TAG"[..], &[b'x'; 125]].concat();
    [&id3v2, mp3, &id3v1].concat()
}

/// A WAV of `wav` with a chunk of notes before the sound.
fn noted(wav: &[u8]) -> Vec<u8> {
    [&wav[..36], b"LIST\x0a\0\0\0INFOICMT\0\0", &wav[36..]].concat()
}

fn write(env: &TestEnv, name: &str, bytes: &[u8]) {
    fs::write(env.path("recordings").join(name), bytes).unwrap();
}

fn sample(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sounds");
    fs::read(folder.join(name)).unwrap()
}

#[track_caller]
fn assert_paid(env: &TestEnv, paid: usize, done: u64) {
    let generations = env.sandbox().ledger().generations.len();
    assert_eq!((generations, env.count("done")), (paid, done));
}

fn envelope(env: &TestEnv, name: &str) -> serde_json::Value {
    let document: serde_json::Value = serde_json::from_str(&env.transcript(name)).unwrap();
    document["nightscribe"].clone()
}

#[test]
fn new_tags_cost_nothing() {
    for frames in [100, LARGE] {
        let env = TestEnv::new(settings());
        write(&env, "talk.mp3", &mp3(1, frames));
        env.run_once(0);
        let (text, before) = (env.transcript("talk.txt"), envelope(&env, "talk.json"));
        assert_eq!(before["sound_hash"].as_str().unwrap().len(), 64);
        write(&env, "talk.mp3", &tagged(&mp3(1, frames), 9));
        env.run_once(0);
        assert_paid(&env, 1, 2);
        assert_eq!(env.transcript("talk.txt"), text);
        assert_eq!(env.file_names("transcripts").len(), 4);
        let after = envelope(&env, "talk.json");
        assert_eq!(after["sound_hash"], before["sound_hash"]);
        assert_ne!(after["sha256"], before["sha256"]);
        // The next tags are compared with either job.
        write(&env, "talk.mp3", &tagged(&mp3(1, frames), 3));
        env.run_once(0);
        assert_paid(&env, 1, 3);
    }
}

#[test]
fn new_tags_and_a_new_name_cost_nothing() {
    let env = TestEnv::new(settings());
    write(&env, "talk.mp3", &mp3(1, LARGE));
    env.run_once(0);
    fs::remove_file(env.path("recordings/talk.mp3")).unwrap();
    write(&env, "01 The Talk.mp3", &tagged(&mp3(1, LARGE), 9));
    env.run_once(0);
    assert_paid(&env, 1, 2);
    assert_eq!(
        env.transcript("01 The Talk.txt"),
        env.transcript("talk.txt")
    );
}

#[test]
fn tags_for_a_whole_archive_cost_nothing() {
    let env = TestEnv::new(settings());
    let names = ["a.mp3", "b.mp3", "c.mp3", "d.mp3"];
    for (seed, name) in (1..).zip(names) {
        write(&env, name, &mp3(seed, LARGE));
    }
    env.run_once(0);
    for (seed, name) in (1..).zip(names) {
        write(&env, name, &tagged(&mp3(seed, LARGE), 9));
    }
    env.run_once(0);
    assert_paid(&env, 4, 8);
}

#[test]
fn another_container_costs_nothing() {
    let env = TestEnv::new(settings());
    write(&env, "talk.m4a", &sample("aac.m4a"));
    env.run_once(0);
    for (number, name) in ["aac.mka", "aac.aac", "aac-video-fragments.mp4", "aac.mov"]
        .iter()
        .enumerate()
    {
        let extension = Path::new(name).extension().unwrap().to_str().unwrap();
        write(&env, &format!("copy {number}.{extension}"), &sample(name));
    }
    env.run_once(0);
    assert_paid(&env, 1, 5);
    assert_eq!(env.transcript("copy 0.txt"), env.transcript("talk.txt"));
}

#[test]
fn notes_in_a_wav_cost_nothing() {
    for samples in [8_000, 300_000] {
        let env = TestEnv::new(settings());
        let talk = wav(1, samples);
        write(&env, "talk.wav", &talk);
        env.run_once(0);
        write(&env, "talk.wav", &noted(&talk));
        env.run_once(0);
        assert_paid(&env, 1, 2);
    }
}

#[test]
fn the_same_sound_in_one_run_is_paid_for_once() {
    let env = TestEnv::new(settings());
    write(&env, "a.mp3", &mp3(1, LARGE));
    for number in 1..8 {
        write(
            &env,
            &format!("b{number}.mp3"),
            &tagged(&mp3(1, LARGE), number),
        );
    }
    env.run_once(0);
    assert_paid(&env, 1, 8);
}

#[test]
fn other_sounds_of_the_same_length_are_paid_for() {
    let env = TestEnv::new(settings());
    let (intro, one, two) = (mp3(1, 200), mp3(2, LARGE), mp3(3, LARGE));
    // Both begin with the same sound, so only the hash tells them apart.
    write(&env, "one.mp3", &tagged(&[&intro[..], &one].concat(), 1));
    write(&env, "two.mp3", &tagged(&[&intro[..], &two].concat(), 2));
    env.run_once(0);
    write(
        &env,
        "two.mp3",
        &tagged(&[&intro[..], &one[..two.len() - 2_080]].concat(), 2),
    );
    env.run_once(0);
    assert_paid(&env, 3, 3);
}

#[test]
fn the_same_sound_waits_for_an_uncertain_submission() {
    let env = TestEnv::new(settings());
    env.sandbox()
        .set_faults("drop-after=1".parse::<Faults>().unwrap());
    write(&env, "a.mp3", &mp3(1, LARGE));
    let mut child = env.start(&["run"]);
    env.wait_until("the lost response", |env| {
        env.sandbox().ledger().generations.len() == 1
    });
    write(&env, "b.mp3", &tagged(&mp3(1, LARGE), 9));
    env.wait_until("both transcripts", |env| env.count("done") == 2);
    child.signal("TERM");
    assert_eq!(child.wait(), 0);
    assert_paid(&env, 1, 2);
}

#[test]
fn a_lost_queue_knows_recordings_with_new_tags() {
    let env = TestEnv::new(settings());
    write(&env, "talk.mp3", &mp3(1, LARGE));
    env.run_once(0);
    let text = env.transcript("talk.txt");
    fs::remove_dir_all(env.path("state")).unwrap();
    write(&env, "talk.mp3", &tagged(&mp3(1, LARGE), 9));
    set_mtime(&env.path("recordings/talk.mp3"), 1_000_000);
    env.run_once(0);
    assert_paid(&env, 1, 1);
    assert_eq!(env.transcript("talk.txt"), text);
}
