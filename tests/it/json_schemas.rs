//! The JSON that programs read, compared with the schemas in `docs/json`.

use crate::harness::{CommandResult, TestEnv, os_str, run_command, settings, wav};
use crate::mcp::client::Client;
use crate::schema_check::{Schema, assert_valid, folder, schema_of};
use nightscribe_sandbox::Settings;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

/// Settings of the life: messages, a price, speakers, and a limit that excludes a recording.
const CONFIG: &str = r#"[notify]
command = ["/bin/sh", "-c", "cat >> messages; echo >> messages"]
[prices]
nova-2-general = 6.0
nova-3 = 6.0
"#;
const SOURCE: &str = "[[source]]
name = 'talks'
path = 'recordings'
settle = '0s'
min_duration = '500ms'
[source.options]
diarize = true
";

/// A queue, and an object of each schema that its commands have printed.
struct Life {
    env: TestEnv,
    seen: RefCell<BTreeMap<String, Vec<Value>>>,
}

impl Life {
    /// Creates recordings that are transcribed, equal, excluded, damaged, linked, and of a name that is not UTF-8.
    fn new() -> Self {
        let env = TestEnv::with_recordings(settings(), 2);
        env.configure_with(CONFIG, SOURCE);
        env.add_recording("copy.wav", 0);
        env.add_recording(os_str(b"caf\xe9.wav"), 5);
        fs::write(env.path("recordings/short.wav"), wav(7, 800)).unwrap();
        fs::write(env.path("recordings/damaged.wav"), "text").unwrap();
        fs::write(env.path("recordings/unknown.ds2"), "sound").unwrap();
        symlink(
            env.path("recordings/0.wav"),
            env.path("recordings/link.wav"),
        )
        .unwrap();
        Self {
            env,
            seen: RefCell::default(),
        }
    }

    fn see(&self, name: &str, value: Value) {
        assert_valid(name, &value);
        let mut seen = self.seen.borrow_mut();
        seen.entry(name.to_owned()).or_default().push(value);
    }

    /// Runs a command. Returns what it prints, at least one object.
    fn run(&self, args: &[&str]) -> Vec<Value> {
        self.run_command(&mut self.env.command(args))
    }

    fn run_command(&self, command: &mut Command) -> Vec<Value> {
        let CommandResult { stdout, stderr, .. } = run_command(command);
        let args: Vec<_> = command
            .get_args()
            .map(|arg| arg.to_string_lossy().into_owned())
            .collect();
        let name = schema_of(&args).unwrap_or_else(|| panic!("{args:?} has no schema"));
        let objects: Vec<Value> = stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{args:?}: {line}")))
            .collect();
        assert!(!objects.is_empty(), "{args:?}: {stderr}");
        for object in &objects {
            self.see(name, object.clone());
        }
        objects
    }

    /// Returns the IDs of the items by the name of the recording.
    fn ids(&self) -> BTreeMap<String, String> {
        let items = self.env.items().into_iter();
        items
            .map(|item| {
                (
                    item["relative"].as_str().unwrap().to_owned(),
                    item["id"].to_string(),
                )
            })
            .collect()
    }

    /// Compares the messages of `[notify] command` and the transcripts on disk.
    fn see_files(&self) {
        let messages = fs::read_to_string(self.env.path("messages")).unwrap();
        for line in messages.lines() {
            self.see("notification", serde_json::from_str(line).unwrap());
        }
        for entry in walkdir::WalkDir::new(self.env.path("transcripts")) {
            let path = entry.unwrap().into_path();
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                let text = fs::read(path).unwrap();
                self.see("transcript", serde_json::from_slice(&text).unwrap());
            }
        }
    }
}

/// Runs the commands before the first recording is submitted.
fn prepare(life: &Life) {
    life.run(&["init", "new/nightscribe.toml", "--json"]);
    life.run(&["status", "--json"]);
    life.run(&["check", "--json"]);
    life.run(&["models", "--json"]);
    life.run(&["prices", "--json"]);
    life.run(&["prices", "--refresh", "--json"]);
    life.run(&["notify", "--test", "--json"]);
    life.run(&["plan", "--json"]);
    life.run(&["scan", "--json"]);
    life.run(&["pause", "--json"]);
    life.run(&["pause", "--until", "06:00", "--json"]);
    life.run(&["status", "--json"]);
    life.run(&["list", "--json"]);
    life.run(&["resume", "--json"]);
    life.run(&[
        "add",
        "https://example.org/a.mp3",
        "recordings/0.wav",
        "missing.wav",
        "--json",
    ]);
    let ids = life.ids();
    life.run(&["cancel", &ids["1.wav"], "--json"]);
    life.run(&["cancel", &ids["1.wav"], "--json"]);
    life.run(&["retry", &ids["1.wav"], "--json"]);
}

/// Runs the commands after the recordings were transcribed.
fn evaluate(life: &Life) {
    let ids = life.ids();
    life.run(&["list", "--json"]);
    life.run(&["show", "1-6", "--json"]);
    life.run(&["status", "--json"]);
    life.run(&["open", &ids["0.wav"], "--json"]);
    life.run(&["speakers", &ids["0.wav"], "--json"]);
    life.run(&["speakers", &ids["0.wav"], "0=Anna", "--json"]);
    fs::write(life.env.path("transcripts/talks/1.txt"), "edited").unwrap();
    life.run(&["export", "--all", "--format", "txt", "--json"]);
    life.run(&["export", &ids["damaged.wav"], "--format", "txt", "--json"]);
    life.run(&["report", "--json"]);
    life.run(&["report", "--reconcile", "--json"]);
    life.run(&["report", "--quality", "--json"]);
    life.run(&["adopt", "--json"]);
    life.run(&["search", "sandbox", "--json"]);
    life.run(&["search", "--rebuild", "--json"]);
    let mut client = Client::start(&life.env, &[]);
    life.see("item-list", client.call("list", json!({ "limit": 3 })));
    let item: i64 = ids["0.wav"].parse().unwrap();
    let passage = client.call("read_passage", json!({ "item": item, "at_s": 0 }));
    assert_eq!(passage["paragraphs"][0]["speaker"], "Anna");
    life.see("passage", passage);
    life.run(&[
        "retry",
        "--low-quality",
        "1",
        "--model",
        "nova-3",
        "--dry-run",
        "--json",
    ]);
    let home = life.env.path("home");
    for command in ["status", "install", "status", "uninstall", "uninstall"] {
        let args = ["service", command, "--user", "--root", "image", "--json"];
        life.run_command(life.env.command(&args).env("HOME", &home));
    }
    let mut transcribe = life.env.command(&[
        "transcribe",
        "recordings/0.wav",
        "missing.wav",
        "--sandbox",
        "--json",
    ]);
    life.run_command(transcribe.env("HOME", home));
}

#[test]
fn what_a_life_prints_has_the_form_of_the_schemas() {
    let life = Life::new();
    prepare(&life);
    let events = life.run(&["run", "--once", "--events"]);
    let names: BTreeSet<_> = events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    for name in [
        "left_out",
        "duplicate",
        "skipped",
        "failed",
        "done",
        "summary",
    ] {
        assert!(names.contains(name), "{name}: {names:?}");
    }
    evaluate(&life);
    life.see_files();
    let seen = life.seen.borrow();
    let schemas = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let schemas: BTreeSet<_> = schemas
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(seen.keys().cloned().collect::<BTreeSet<_>>(), schemas);
    for (name, values) in seen.iter() {
        values.iter().for_each(|value| assert_strict(name, value));
    }
}

/// Objects with any fields: options, counts by name, and the result of the service.
const OPEN: [&str; 7] = [
    "/options",
    "/result",
    "/counts",
    "/unknown",
    "/left_out",
    "/unpriced_reasons",
    "/skipped",
];

/// Asserts that a valid value is not valid with a field that is not documented.
fn assert_strict(name: &str, value: &Value) {
    let schema = Schema::named(name);
    let mut paths = objects_in(value, "");
    paths.retain(|path| !OPEN.iter().any(|open| path.contains(open)));
    for path in paths {
        let mut extended = value.clone();
        extended.pointer_mut(&path).unwrap()["undocumented"] = json!(1);
        assert!(
            schema.check(&extended).is_err(),
            "{name} takes another field in `{path}`: {value}"
        );
    }
}

/// Returns the JSON pointers of all objects in a value.
fn objects_in(value: &Value, path: &str) -> Vec<String> {
    let mut paths = Vec::new();
    match value {
        Value::Object(fields) => {
            paths.push(path.to_owned());
            for (name, field) in fields {
                paths.extend(objects_in(field, &format!("{path}/{name}")));
            }
        }
        Value::Array(list) => {
            for (index, element) in list.iter().enumerate() {
                paths.extend(objects_in(element, &format!("{path}/{index}")));
            }
        }
        _ => {}
    }
    paths
}

#[test]
fn holds_and_failed_requests_have_the_form_of_the_schemas() {
    for fault in [
        "no-credit=1",
        "unauthorized=1",
        "rate-limit=0.5",
        "fail=1",
        "error-json=0.5",
    ] {
        let faults = fault.parse().unwrap();
        let settings = Settings {
            faults,
            ..settings()
        };
        let env = TestEnv::with_recordings(settings, 3);
        env.configure(CONFIG);
        // The harness compares each output.
        let events = env.run(&["run", "--once", "--events"]).stdout;
        assert!(
            events
                .lines()
                .last()
                .unwrap()
                .starts_with("{\"event\":\"summary\"")
        );
        env.run(&["status", "--json"]);
        assert_eq!(env.items().len(), 3);
        env.run(&["show", "1-3", "--json"]);
        let messages = fs::read_to_string(env.path("messages")).unwrap_or_default();
        for line in messages.lines() {
            assert_valid("notification", &serde_json::from_str(line).unwrap());
        }
    }
}

#[test]
fn every_command_with_json_is_documented() {
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    let help = |args: &[&str]| {
        let command = &mut Command::new(env!("CARGO_BIN_EXE_nightscribe"));
        run_command(command.args(args).arg("--help")).stdout
    };
    let commands = |help: &str| -> Vec<String> {
        let list = help.split("Commands:\n").nth(1).unwrap_or_default();
        let lines = list.lines().take_while(|line| !line.is_empty());
        let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
        names
            .filter(|name| !["", "help"].contains(name))
            .map(str::to_owned)
            .collect()
    };
    let mut with_json = 0;
    for command in commands(&help(&[])) {
        let own = help(&[&command]);
        let subcommands = commands(&own);
        let texts = match subcommands.is_empty() {
            true => vec![(command.clone(), own)],
            false => subcommands
                .iter()
                .map(|sub| (format!("{command} {sub}"), help(&[&command, sub])))
                .collect(),
        };
        for (name, text) in texts {
            let is_without =
                ["demo", "serve", "mcp", "sandbox", "completions", "man"].contains(&name.as_str());
            assert_eq!(text.contains("--json"), !is_without, "{name}");
            if !is_without {
                with_json += 1;
                let call = match name.as_str() {
                    "run" => "`run --dry-run --json`".to_owned(),
                    "notify" => "`notify --test --json`".to_owned(),
                    name => format!("`{name} --json`"),
                };
                assert!(readme.contains(&call), "{call}");
            }
        }
    }
    assert!(with_json > 20, "{with_json}");
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            name == "README.md" || readme.contains(&format!("({name})")),
            "{name}"
        );
    }
}
