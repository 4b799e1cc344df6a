//! File names of transcripts.

use crate::harness::{TestEnv, set_mtime, settings};
use std::fs;

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
