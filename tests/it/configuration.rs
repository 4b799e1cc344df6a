//! `docs/configuration.md` lists every key with its default, and `init` fills in a source.

use crate::harness::{TestEnv, settings};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Sections and keys with a value as TOML.
type Keys = BTreeMap<(String, String), String>;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Returns the keys of the document with their defaults, and those without a default with their examples.
fn documented() -> (Keys, Keys) {
    let (mut defaults, mut examples) = (Keys::new(), Keys::new());
    let mut section = String::new();
    for line in read("docs/configuration.md").lines() {
        if let Some(name) = line.strip_prefix("## `[") {
            section = name.trim_matches(['[', ']', '`']).to_owned();
        }
        let cells: Vec<_> = line.split(" | ").collect();
        let [key, value, meaning] = cells.as_slice() else {
            continue;
        };
        let Some(key) = key.strip_prefix("| `") else {
            continue;
        };
        assert!(meaning.ends_with(". |"), "{line}");
        let key = (section.clone(), key.trim_end_matches('`').to_owned());
        let code = value
            .split('`')
            .nth(1)
            .unwrap_or_else(|| panic!("{line}"))
            .to_owned();
        let keys = if value.starts_with('`') {
            &mut defaults
        } else {
            &mut examples
        };
        assert!(keys.insert(key, code).is_none(), "{line}");
    }
    (defaults, examples)
}

/// Returns the keys of the annotated file with their defaults, and those that are commented out.
fn template() -> (Keys, Keys) {
    let (mut defaults, mut commented) = (Keys::new(), Keys::new());
    let mut section = String::new();
    for line in read("config/nightscribe.toml").lines() {
        let code = line.trim_start_matches("# ");
        let code = code.strip_prefix("Example: ").unwrap_or(code);
        if code.starts_with('[') && code.ends_with(']') && !code.contains(' ') {
            section = code.trim_matches(['[', ']']).to_owned();
        }
        let Some((key, value)) = code.split_once(" = ") else {
            continue;
        };
        let is_key = key
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if !is_key || section == "source.options" {
            continue;
        }
        let keys = if line.starts_with('#') {
            &mut commented
        } else {
            &mut defaults
        };
        keys.insert((section.clone(), key.to_owned()), value.to_owned());
    }
    (defaults, commented)
}

#[test]
fn every_key_is_documented_with_its_default() {
    let ((defaults, examples), (mut expected, commented)) = (documented(), template());
    for (key, value) in &commented {
        let shown = defaults.get(key).or_else(|| examples.get(key));
        assert_eq!(shown, Some(value), "{key:?}");
    }
    // The template comments out the whole source.
    expected.extend(
        defaults
            .iter()
            .filter(|((section, _), _)| section == "source")
            .map(|(key, value)| (key.clone(), value.clone())),
    );
    assert_eq!(defaults, expected);
}

#[test]
fn the_code_reads_no_other_key() {
    let (defaults, examples) = documented();
    let mut names: Vec<_> = defaults
        .keys()
        .chain(examples.keys())
        .map(|(_, key)| key.as_str())
        .collect();
    names.extend(["options", "speakers", "replace"]);
    for name in [
        "source.rs",
        "notify.rs",
        "email.rs",
        "webhook.rs",
        "merge.rs",
        "media.rs",
        "http.rs",
        "folder_rules.rs",
    ] {
        let code = read(&format!("src/config/{name}"));
        for after in code
            .split(".get(\"")
            .skip(1)
            .chain(code.split(".get(\n            \"").skip(1))
        {
            let key = after.split('"').next().unwrap();
            assert!(names.contains(&key), "src/config/{name} reads `{key}`");
        }
    }
}

#[test]
fn every_documented_value_is_accepted() {
    let env = TestEnv::new(settings());
    let (defaults, examples) = documented();
    let mut sections: BTreeMap<&str, String> = BTreeMap::new();
    for ((section, key), value) in defaults.iter().chain(&examples) {
        let text = sections.entry(section).or_default();
        text.push_str(&format!("{key} = {value}\n"));
    }
    let text: String = sections
        .iter()
        .map(|(section, text)| match *section {
            "source" => format!("[[source]]\n{text}"),
            section => format!("[{section}]\n{text}"),
        })
        .collect();
    fs::write(env.path("words.txt"), "Ada\n").unwrap();
    fs::write(env.path("nightscribe.toml"), text).unwrap();
    let mut command = env.command(&["status"]);
    command.env("HOME", env.path("home"));
    let status = crate::harness::run_command(&mut command);
    assert_eq!(status.code, 0, "{}", status.stderr);
}

#[test]
fn the_uncommented_source_takes_every_recording() {
    let env = TestEnv::with_recordings(settings(), 1);
    env.add_recording("a.flac", 2);
    let template = read("config/nightscribe.toml");
    let (before, source) = template.split_once("# [[source]]").unwrap();
    let source: String = format!("# [[source]]{source}")
        .lines()
        .map(|line| format!("{}\n", line.strip_prefix("# ").unwrap_or(line)))
        .collect();
    let source = source.replace("~/Podcasts", env.path("recordings").to_str().unwrap());
    let source = source.replace("settle = \"30s\"", "settle = \"0s\"");
    fs::write(env.path("nightscribe.toml"), format!("{before}{source}")).unwrap();
    let plan = env.run(&["plan", "--json"]);
    assert!(
        plan.stdout.contains("\"files\":2"),
        "{} {}",
        plan.stdout,
        plan.stderr
    );
}

#[test]
fn init_fills_in_a_source_for_a_folder() {
    let env = TestEnv::with_recordings(settings(), 2);
    fs::remove_file(env.path("nightscribe.toml")).unwrap();
    let init = env.run(&["init", "recordings"]);
    assert_eq!(init.code, 0, "{}", init.stderr);
    assert!(
        init.stdout
            .contains("Next: set AIMLAPI_KEY, and run `nightscribe check`."),
        "{}",
        init.stdout
    );
    let text = fs::read_to_string(env.path("nightscribe.toml")).unwrap();
    assert!(
        text.contains("\n[[source]]\n") && text.contains("\nname = \"recordings\"\n"),
        "{text}"
    );
    let check = env.run(&["check"]).stdout;
    assert!(
        check.contains("recordings: 0 recordings, 2 still changing")
            || check.contains("2 recordings"),
        "{check}"
    );
    assert_eq!(env.run(&["init", "recordings"]).code, 2);
    let elsewhere = env.run(&["--config", "etc/config.toml", "init", "recordings"]);
    assert_eq!(elsewhere.code, 0, "{}", elsewhere.stderr);
    let written = fs::read_to_string(env.path("etc/config.toml")).unwrap();
    assert_eq!(written, text);
}

#[test]
fn the_manual_page_has_every_key_with_its_default() {
    let env = TestEnv::new(settings());
    assert_eq!(env.run(&["man", "--dir", "man"]).code, 0);
    let page = fs::read_to_string(env.path("man/nightscribe.toml.5")).unwrap();
    // Without the escapes of roff.
    let text = page
        .replace("\\fB", "")
        .replace("\\fR", "")
        .replace('\\', "");
    let (defaults, examples) = documented();
    for ((section, key), value) in defaults.iter().chain(&examples) {
        let title = match section.as_str() {
            "source" => "[[source]]".to_owned(),
            section => format!("[{section}]"),
        };
        let start = text
            .find(&format!(".SH {title}\n"))
            .unwrap_or_else(|| panic!("{title}: {text}"));
        let body = text[start + 1..].split("\n.SH ").next().unwrap();
        let value = value.replace('\\', "");
        let is_there = body.split("\n.TP\n").any(|entry| {
            entry.starts_with(&format!("{key} (")) && entry.lines().next().unwrap().contains(&value)
        });
        assert!(is_there, "{section}.{key} = {value}: {body}");
    }
    for markup in ["](", "| ", "## "] {
        assert!(!text.contains(markup), "{markup}: {text}");
    }
}
