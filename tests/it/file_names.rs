//! File names of transcripts.

use crate::harness::{TestEnv, set_mtime, settings};
use serde_json::Value;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

/// Creates an environment whose `output.name` is `template`. `source` adds keys to its source.
fn with_template(template: &str, source: &str) -> TestEnv {
    let env = TestEnv::new(settings());
    let config = env.path("nightscribe.toml");
    let first = "[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = '0s'\n";
    env.configure_with("", &format!("{first}{source}"));
    let text = fs::read_to_string(&config).unwrap();
    let output = format!("[output]\nname = '{template}'\n");
    fs::write(config, text.replace("[output]\n", &output)).unwrap();
    env
}

#[test]
fn output_names_follow_the_template() {
    let env = with_template(
        "{date} {stem}.{lang}",
        "[source.options]\nlanguage = 'de'\n",
    );
    env.add_recording("talk.wav", 1);
    set_mtime(&env.path("recordings/talk.wav"), 86_400);
    env.run_once(0);
    let names = env.file_names("transcripts/talks");
    assert_eq!(names[0], "1970-01-02 talk.de.json");
    assert_eq!(names.len(), 4);
}

#[test]
fn recordings_with_one_stem_get_distinct_outputs() {
    let env = with_template("{stem}.{model}", "");
    let model = "g1_nova-2-general";
    // `talk.mp3` and `talk.wav` share a stem, so one of them keeps its extension: `talk.wav.<model>`.
    let names = ["talk.flac.wav", "talk.mp3", "talk.wav", "talk.wav.wav"];
    for (seed, name) in (0..).zip(names) {
        env.add_recording(name, seed);
    }
    env.run_once(0);
    assert_eq!(env.file_names("transcripts/talks").len(), 16);
    let outputs: Vec<_> = env
        .items()
        .iter()
        .map(|item| item["outputs"].clone())
        .collect();
    for (number, outputs) in outputs.iter().enumerate() {
        let others = || {
            let others = env.items();
            others
                .into_iter()
                .enumerate()
                .filter(move |(other, _)| *other != number)
        };
        assert_eq!(outputs.as_array().unwrap().len(), 4);
        assert!(others().all(|(_, other)| other["outputs"] != *outputs));
    }
    assert!(
        env.file_names("transcripts/talks")
            .contains(&format!("talk.{model}.txt"))
    );
}

#[test]
fn colliding_template_names_are_made_distinct() {
    // `7.wav` in German and `7de.wav` without a language both expand to `7de`.
    let german = "[[source]]\nname = 'german'\npath = 'recordings'\nsettle = '0s'\ninclude = ['[0-9].wav']\n\
                  [source.options]\nlanguage = 'de'\n";
    let env = TestEnv::new(settings());
    let config = env.path("nightscribe.toml");
    let unset =
        "[[source]]\nname = 'any'\npath = 'recordings'\nsettle = '0s'\ninclude = ['*de.wav']\n";
    env.configure_with("", &format!("{german}{unset}"));
    let text = fs::read_to_string(&config).unwrap();
    let output = "[output]\nlayout = 'beside'\nname = '{stem}{lang}'\n";
    fs::write(config, text.replace("[output]\n", output)).unwrap();
    for pair in 0..10 {
        env.add_recording(format!("{pair}.wav"), pair);
        env.add_recording(format!("{pair}de.wav"), 100 + pair);
    }
    env.run_once(0);
    let names = env.file_names("recordings");
    assert_eq!(names.len(), 20 + 80, "{names:?}");
    assert!(names.contains(&"7de.txt".to_owned()), "{names:?}");
}

#[test]
fn an_unknown_placeholder_is_rejected() {
    let env = with_template("{stm}", "");
    let run = env.run(&["run", "--once"]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr
            .contains("`output.name`: unknown placeholder `{stm}`; did you mean `{stem}`?"),
        "{}",
        run.stderr
    );
}

#[test]
fn names_that_are_not_utf8_stay_apart() {
    let env = TestEnv::new(settings());
    for (seed, name) in [(1, b"caf\xe8.wav"), (2, b"caf\xe9.wav")] {
        env.add_recording(OsStr::from_bytes(name), seed);
    }
    let run = env.run_once(0);
    assert!(run.stderr.contains("xE9.wav"), "{}", run.stderr);
    let items = env.items();
    let texts = |key: &str| -> BTreeSet<String> {
        let values = items.iter().map(|item| item[key].as_str().unwrap());
        values.map(str::to_owned).collect()
    };
    let set = |names: [&str; 2]| BTreeSet::from(names.map(str::to_owned));
    assert_eq!(texts("relative"), set(["caf\\xE8.wav", "caf\\xE9.wav"]));
    assert_eq!(texts("relative_bytes"), set(["caf%E8.wav", "caf%E9.wav"]));
    assert!(
        texts("path_bytes")
            .iter()
            .all(|path| path.contains("/recordings/caf%E"))
    );
    let outputs = &items[0]["outputs_bytes"][0];
    assert!(
        outputs.as_str().unwrap().contains("/talks/caf%E"),
        "{outputs}"
    );
    let envelopes = fs::read_dir(env.path("transcripts/talks")).unwrap();
    let envelopes = envelopes.map(|entry| entry.unwrap().path());
    let envelopes = envelopes.filter(|path| path.extension() == Some(OsStr::new("json")));
    let named = envelopes.map(|path| {
        let envelope: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let bytes = &envelope["nightscribe"]["recording_bytes"];
        bytes.as_str().unwrap().to_owned()
    });
    assert_eq!(
        named.collect::<BTreeSet<_>>(),
        set(["caf%E8.wav", "caf%E9.wav"])
    );
}

/// Returns the names of the transcripts in `txt`.
pub fn texts(env: &TestEnv) -> Vec<String> {
    let mut names = env.file_names("transcripts/talks");
    names.retain(|name| name.ends_with(".txt"));
    names
}

#[test]
fn portable_names_are_valid_on_every_disk() {
    let env = TestEnv::new(settings());
    let config = env.path("nightscribe.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(
        config,
        text.replace("[output]\n", "[output]\nnames = 'portable'\n"),
    )
    .unwrap();
    fs::create_dir_all(env.path("recordings/Vol. 1: a.")).unwrap();
    for (seed, name) in (1..).zip(["talk 12:30?.wav", "NUL.wav", "Vol. 1: a./plain.wav"]) {
        env.add_recording(name, seed);
    }
    env.run_once(0);
    let names = [
        "%4EUL.txt",
        "Vol. 1%3A a%2E/plain.txt",
        "talk 12%3A30%3F.txt",
    ];
    assert_eq!(texts(&env), names);
}

/// Runs `run --once` on a disk that refuses `names` in the output folder, as disks of Windows do.
fn run_on_refusing_disk(env: &TestEnv, names: &[&str]) -> String {
    let run = env.command(&["run", "--once"]);
    let mut traced = Command::new("strace");
    let calls = "rename,renameat,renameat2,link,linkat,openat,mkdir";
    traced
        .args(["-f", "-qq", "-o", "/dev/null"])
        .args(["-e", &format!("trace={calls}")])
        .args(["-e", &format!("inject={calls}:error=EINVAL")]);
    for name in names {
        let path = env.path("transcripts/talks").join(name);
        traced.arg("-P").arg(path);
    }
    let variables = run
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    let output = traced
        .arg(run.get_program())
        .args(run.get_args())
        .env_clear()
        .envs(variables)
        .current_dir(env.path(""))
        .output()
        .expect("strace must be installed; scripts/test does that");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    stderr
}

#[test]
fn a_refused_name_is_written_in_portable_form() {
    let env = TestEnv::new(settings());
    fs::create_dir_all(env.path("recordings/Vol: 1")).unwrap();
    for (seed, name) in (1..).zip(["talk 12:30?.wav", "Vol: 1/a.wav", "plain.wav"]) {
        env.add_recording(name, seed);
    }
    let refused = ["txt", "json", "srt", "vtt"].map(|format| format!("talk 12:30?.{format}"));
    let mut refused: Vec<&str> = refused.iter().map(String::as_str).collect();
    refused.push("Vol: 1");
    let stderr = run_on_refusing_disk(&env, &refused);
    let reports = stderr.matches("written in portable form").count();
    assert_eq!(reports, 1, "{stderr}");
    let names = ["Vol%3A 1/a.txt", "plain.txt", "talk 12%3A30%3F.txt"];
    assert_eq!(texts(&env), names);
    // A second transcript has the same name.
    env.add_recording("talk 12:30?.wav", 9);
    run_on_refusing_disk(&env, &refused);
    assert_eq!(texts(&env), names);
}
