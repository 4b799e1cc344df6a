//! Statements of the documents and of module comments about the code are true.

mod cycles;
mod import_graph;
mod source_file;

use crate::dependencies::toml;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The rooms, from the ground up, as `docs/architecture.md` lists them.
fn rooms() -> Vec<String> {
    let document = read("docs/architecture.md");
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split_once("/` |"))
        .map(|(room, _)| room.to_owned())
        .collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn sources(folder: &str) -> Vec<PathBuf> {
    let files = walkdir::WalkDir::new(root().join(folder))
        .into_iter()
        .map(|entry| entry.unwrap().into_path());
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

#[test]
fn every_room_is_documented_and_every_documented_room_is_there() {
    let mut rooms = rooms();
    rooms.sort();
    let folders = fs::read_dir(root().join("src"))
        .unwrap()
        .map(|entry| entry.unwrap());
    let mut there: Vec<_> = folders
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    there.sort();
    assert_eq!(rooms, there);
}

#[test]
fn a_room_uses_only_those_below_it() {
    let order: BTreeMap<_, _> = rooms().into_iter().zip(0..).collect();
    for (room, height) in &order {
        for path in sources(&format!("src/{room}")) {
            let code = fs::read_to_string(&path).unwrap();
            for (other, above) in &order {
                let uses = code.contains(&format!("crate::{other}::"))
                    || code.contains(&format!("crate::{other};"));
                assert!(!uses || above <= height, "{} uses {other}", path.display());
            }
        }
    }
}

#[test]
fn the_sandbox_does_not_depend_on_the_client() {
    let manifest = toml("crates/sandbox/Cargo.toml");
    assert_eq!(manifest["package"]["name"], "nightscribe-sandbox");
    // A dependency for one platform would be in a table of this name.
    assert!(manifest.get("target").is_none());
    for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
        let table = manifest.get(kind).and_then(|table| table.as_object());
        for (name, dependency) in table.into_iter().flatten() {
            assert!(!name.starts_with("nightscribe"), "{kind}: {name}");
            // A path leads to a crate of this workspace, and a renamed one has a `package`.
            for key in ["path", "package"] {
                assert!(dependency.get(key).is_none(), "{kind}: {name} has a {key}");
            }
        }
    }
}

/// Returns the sources of all rooms except `cli`.
fn sources_outside_cli() -> Vec<PathBuf> {
    let mut paths = sources("src");
    paths.retain(|path| !path.starts_with(root().join("src/cli")));
    paths
}

#[test]
fn only_the_provider_room_names_a_service() {
    let folders = fs::read_dir(root().join("src/provider")).unwrap();
    let shared = ["http", "json", "result"];
    let services: Vec<_> = folders
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| !shared.contains(&name.as_str()))
        .collect();
    assert!(services.contains(&"aimlapi".to_owned()), "{services:?}");
    for service in services {
        let room = root().join("src/provider");
        for path in [sources("src"), sources("tests"), sources("benches")].concat() {
            let code = fs::read_to_string(&path).unwrap();
            // A file of the room itself may choose between services.
            let may_name = path.starts_with(room.join(&service)) || path.parent() == Some(&*room);
            let names = code.contains(&format!("{service}::")) && !may_name;
            assert!(!names, "{} names {service}", path.display());
        }
    }
}

#[test]
fn only_the_command_line_uses_the_sandbox() {
    for path in sources_outside_cli() {
        let text = fs::read_to_string(&path).unwrap();
        // The example in the documentation of the crate uses the sandbox, but is not part of the crate.
        let mut code = text.lines().filter(|line| !line.starts_with("//!"));
        let uses = code.any(|line| line.contains("nightscribe_sandbox"));
        assert!(!uses, "{}", path.display());
    }
}

#[test]
fn no_two_files_import_each_other() {
    for (folder, min_files) in [("src", 100), ("crates/sandbox/src", 10)] {
        let graph = import_graph::import_graph(&root().join(folder));
        assert!(graph.len() > min_files, "{folder}: {} files", graph.len());
        let cycles = cycles::cycles(&graph);
        let described: String = cycles
            .iter()
            .map(|cycle| cycles::describe(&graph, cycle))
            .collect();
        assert!(cycles.is_empty(), "{folder}:\n{described}");
    }
}

#[test]
fn imports_through_a_re_export_lead_to_the_defining_file() {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("lib.rs", "mod a; mod b;"),
        (
            "a/mod.rs",
            "mod x; pub use x::One; #[cfg(test)] mod tests { use crate::b::Two; }",
        ),
        (
            "a/x.rs",
            "pub struct One; fn two() -> u8 { crate::b::two() }",
        ),
        (
            "b.rs",
            "use crate::a; pub fn two() -> u8 { let _one = a::One; 2 }",
        ),
    ];
    for (name, code) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, code).unwrap();
    }
    let graph = import_graph::import_graph(folder.path());
    assert!(graph["a/mod.rs"].is_empty(), "{graph:?}");
    assert_eq!(cycles::cycles(&graph), [["a/x.rs", "b.rs"]]);
    assert_eq!(
        cycles::describe(&graph, &cycles::cycles(&graph)[0]),
        "2 files import each other:\n  a/x.rs → b.rs → a/x.rs\n  b.rs → a/x.rs → b.rs\n"
    );
}

#[test]
fn only_the_command_line_prints() {
    for path in [sources_outside_cli(), sources("crates/sandbox/src")].concat() {
        let code = fs::read_to_string(&path).unwrap();
        for macro_name in ["println!", "eprintln!", "print!(", "eprint!(", "dbg!"] {
            assert!(!code.contains(macro_name), "{} prints", path.display());
        }
    }
}

#[test]
fn policies_and_the_domain_read_no_clock_and_do_no_io() {
    for room in ["domain", "policy"] {
        for path in sources(&format!("src/{room}")) {
            let code = fs::read_to_string(&path).unwrap();
            for forbidden in ["::now()", "std::fs", "tokio::", "std::env", "rand::random"] {
                assert!(!code.contains(forbidden), "{}: {forbidden}", path.display());
            }
        }
    }
}

#[test]
fn every_command_that_the_documents_show_exists() {
    let help = Command::new(env!("CARGO_BIN_EXE_nightscribe"))
        .arg("--help")
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for document in [
        "README.md",
        "config/nightscribe.service",
        "config/crontab",
        "docs/architecture.md",
        "CHANGELOG.md",
    ] {
        let text = read(document);
        for (index, _) in text.match_indices("nightscribe ") {
            let code = text[..index].ends_with(['`', '$', ' ', '/', '"']) && {
                let before = text[..index].trim_end_matches(' ');
                before.ends_with(['`', '$', '/', '"'])
            };
            let word = text[index + "nightscribe ".len()..]
                .split_whitespace()
                .next()
                .unwrap_or_default();
            let word = word.trim_end_matches(['`', ',', '.', ';', ')', ':']);
            if code && !word.is_empty() && word.chars().all(|char| char.is_ascii_lowercase()) {
                assert!(
                    help.contains(&format!("  {word} ")),
                    "{document} shows `nightscribe {word}`"
                );
            }
        }
    }
}

#[test]
fn the_exit_codes_of_the_readme_are_those_of_the_help() {
    let help = Command::new(env!("CARGO_BIN_EXE_nightscribe"))
        .arg("--help")
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let readme = read("README.md");
    let rows: Vec<_> = readme
        .lines()
        .filter_map(|line| {
            line.strip_prefix("| ")?
                .strip_suffix(" |")?
                .split_once(" | ")
        })
        .collect();
    let codes: Vec<_> = rows
        .into_iter()
        .filter(|(code, _)| code.parse::<u8>().is_ok())
        .collect();
    assert_eq!(codes.len(), 6);
    for (code, meaning) in codes {
        assert!(
            help.contains(&format!("  {code}  {meaning}\n")),
            "{code}: {meaning}\n{help}"
        );
    }
}

#[test]
fn the_unit_s_variables_are_keys_of_the_configuration() {
    let unit = read("config/nightscribe.service");
    let template = read("config/nightscribe.toml");
    let keys: Vec<_> = unit
        .lines()
        .filter_map(|line| {
            line.strip_prefix("Environment=NIGHTSCRIBE__")?
                .split('=')
                .next()
        })
        .collect();
    assert!(!keys.is_empty());
    for key in keys {
        let (section, name) = key.split_once("__").unwrap();
        let (section, name) = (section.to_lowercase(), name.to_lowercase());
        let after = template.split(&format!("[{section}]\n")).nth(1).unwrap();
        let table = after.split("\n[").next().unwrap();
        assert!(table.contains(&format!("{name} = ")), "{key}");
    }
}

#[test]
fn links_in_the_documents_lead_somewhere() {
    for document in [
        "README.md",
        "docs/architecture.md",
        "docs/dependencies.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
    ] {
        let text = read(document);
        let folder = Path::new(document).parent().unwrap();
        for (_, link) in text
            .match_indices("](")
            .map(|(index, _)| (index, text[index + 2..].split(')').next().unwrap()))
        {
            if !link.starts_with("http") {
                assert!(
                    root().join(folder).join(link).exists(),
                    "{document}: {link}"
                );
            }
        }
    }
}

#[test]
fn the_units_have_the_same_sandbox() {
    let sandbox = |name: &str| {
        let unit = read(name);
        let start = unit.find("# systemd reads the key").unwrap();
        let end = unit.find("\n[Install]").unwrap_or(unit.len());
        unit[start..end].trim().to_owned()
    };
    let daemon = sandbox("config/nightscribe.service");
    assert_eq!(sandbox("config/nightscribe-once.service"), daemon);
}
