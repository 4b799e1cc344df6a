//! What transcripts are called.

use crate::harness::{House, date, settings};
use std::fs;

/// A house whose files are named by a template.
fn named(template: &str, source: &str) -> House {
    let house = House::new(settings());
    let config = house.path("nightscribe.toml");
    let first = "[[source]]\nname = 'talks'\npath = 'recordings'\nsettle = '0s'\n";
    house.configure_with("", &format!("{first}{source}"));
    let text = fs::read_to_string(&config).unwrap();
    let output = format!("[output]\nname = '{template}'\n");
    fs::write(config, text.replace("[output]\n", &output)).unwrap();
    house
}

#[test]
fn files_are_named_by_the_template() {
    let house = named(
        "{date} {stem}.{lang}",
        "[source.options]\nlanguage = 'de'\n",
    );
    house.record("talk.wav", 1);
    date(&house.path("recordings/talk.wav"), 86_400);
    house.run_once(0);
    let names = house.names("transcripts/talks");
    assert_eq!(names[0], "1970-01-02 talk.de.json");
    assert_eq!(names.len(), 4);
}

#[test]
fn recordings_that_come_to_the_same_name_never_overwrite_each_other() {
    let house = named("{stem}.{model}", "");
    let model = "g1_nova-2-general";
    // Shares its stem with the one before, and is named by its whole name: `talk.wav.<model>`.
    let names = ["talk.flac.wav", "talk.mp3", "talk.wav", "talk.wav.wav"];
    for (seed, name) in (0..).zip(names) {
        house.record(name, seed);
    }
    house.run_once(0);
    assert_eq!(house.names("transcripts/talks").len(), 16);
    let outputs: Vec<_> = house
        .items()
        .iter()
        .map(|item| item["outputs"].clone())
        .collect();
    for (number, outputs) in outputs.iter().enumerate() {
        let others = || {
            let others = house.items();
            others
                .into_iter()
                .enumerate()
                .filter(move |(other, _)| *other != number)
        };
        assert_eq!(outputs.as_array().unwrap().len(), 4);
        assert!(others().all(|(_, other)| other["outputs"] != *outputs));
    }
    assert!(
        house
            .names("transcripts/talks")
            .contains(&format!("talk.{model}.txt"))
    );
}

#[test]
fn results_that_come_to_one_name_get_two() {
    // `{lang}` is the end of the one's name, and disappears behind the other's stem, which ends with the same.
    let german = "[[source]]\nname = 'german'\npath = 'recordings'\nsettle = '0s'\ninclude = ['[0-9].wav']\n\
                  [source.options]\nlanguage = 'de'\n";
    let house = House::new(settings());
    let config = house.path("nightscribe.toml");
    let any =
        "[[source]]\nname = 'any'\npath = 'recordings'\nsettle = '0s'\ninclude = ['*de.wav']\n";
    house.configure_with("", &format!("{german}{any}"));
    let text = fs::read_to_string(&config).unwrap();
    let output = "[output]\nlayout = 'beside'\nname = '{stem}{lang}'\n";
    fs::write(config, text.replace("[output]\n", output)).unwrap();
    for pair in 0..10 {
        house.record(format!("{pair}.wav"), pair);
        house.record(format!("{pair}de.wav"), 100 + pair);
    }
    house.run_once(0);
    let names = house.names("recordings");
    assert_eq!(names.len(), 20 + 80, "{names:?}");
    assert!(names.contains(&"7de.txt".to_owned()), "{names:?}");
}

#[test]
fn a_template_that_names_no_files_is_refused() {
    let house = named("{stm}", "");
    let run = house.run(&["run", "--once"]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr
            .contains("`output.name`: unknown placeholder `{stm}`; did you mean `{stem}`?"),
        "{}",
        run.stderr
    );
}
