//! Every dependency is justified, from crates.io, and under a licence that is allowed.

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use toml::de::{DeTable, DeValue};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn toml(path: &str) -> Value {
    let text = read(path);
    let table = DeTable::parse(&text).unwrap();
    value(&DeValue::Table(table.into_inner()))
}

/// What these files hold, as JSON.
fn value(toml: &DeValue<'_>) -> Value {
    match toml {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Boolean(flag) => (*flag).into(),
        DeValue::Array(items) => items.iter().map(|item| value(item.get_ref())).collect(),
        DeValue::Table(table) => table
            .iter()
            .map(|(key, item)| (key.get_ref().to_string(), value(item.get_ref())))
            .collect(),
        _ => Value::Null,
    }
}

/// The crates that a manifest names, but for those of this workspace.
fn named(manifest: &str) -> BTreeSet<String> {
    let manifest = toml(manifest);
    ["dependencies", "dev-dependencies", "build-dependencies"]
        .iter()
        .filter_map(|table| manifest.get(*table)?.as_object())
        .flat_map(|table| table.keys().cloned())
        .filter(|name| name != "nightscribe")
        .collect()
}

fn locked() -> Vec<Value> {
    toml("Cargo.lock")["package"].as_array().unwrap().clone()
}

fn names(list: &Value) -> BTreeSet<String> {
    let list = list.as_array().unwrap();
    let names = list.iter().map(|name| name.as_str().unwrap().to_owned());
    names.collect()
}

#[test]
fn every_dependency_is_justified_and_nothing_else_is() {
    let document = read("docs/dependencies.md");
    let rows: Vec<_> = document
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .collect();
    let justified: BTreeSet<_> = rows.iter().map(|(name, _)| (*name).to_owned()).collect();
    let named: BTreeSet<_> = ["", "fuzz/", "benches/baseline/"]
        .iter()
        .flat_map(|member| named(&format!("{member}Cargo.toml")))
        .collect();
    assert_eq!(justified, named);
    assert_eq!(rows.len(), named.len(), "each once");
    for (name, reasons) in rows {
        assert_eq!(reasons.matches(" | ").count(), 1, "{name}");
    }
}

#[test]
fn the_crates_are_counted() {
    let others = locked()
        .iter()
        .filter(|package| package.get("source").is_some())
        .count();
    let count = format!("`Cargo.lock` holds {others} crates");
    assert!(read("docs/dependencies.md").contains(&count), "{count}");
}

#[test]
fn every_crate_is_from_crates_io_and_none_is_banned() {
    let deny = toml("deny.toml");
    let registries = names(&deny["sources"]["allow-registry"]);
    let banned = names(&deny["bans"]["deny"]);
    for package in locked() {
        let name = package["name"].as_str().unwrap();
        assert!(!banned.contains(name), "{name} is banned");
        match package.get("source") {
            None => assert!(name.starts_with("nightscribe"), "{name} has no source"),
            Some(source) => {
                let registry = source.as_str().unwrap().strip_prefix("registry+").unwrap();
                assert!(registries.contains(registry), "{name}: {registry}");
                assert!(package.get("checksum").is_some(), "{name} has no checksum");
            }
        }
    }
}

#[test]
fn every_licence_is_allowed() {
    let allowed = names(&toml("deny.toml")["licenses"]["allow"]);
    for (name, licence) in licences() {
        let licence = licence.unwrap_or_else(|| panic!("{name} has no licence"));
        assert!(is_allowed(&licence, &allowed), "{name}: {licence}");
    }
}

#[test]
fn a_licence_is_allowed_by_one_of_an_or_and_all_of_an_and() {
    let allowed = BTreeSet::from(["A", "B WITH C"].map(str::to_owned));
    for yes in ["A", "A OR X", "X/A", "(A OR X) AND A", "X OR B WITH C"] {
        assert!(is_allowed(yes, &allowed), "{yes}");
    }
    for no in ["X", "A AND X", "(A OR X) AND X", "B", "A WITH C", ""] {
        assert!(!is_allowed(no, &allowed), "{no}");
    }
}

/// What the crates that are built for this machine say, without asking the network.
fn licences() -> Vec<(String, Option<String>)> {
    let host = host();
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--locked", "--format-version=1"])
        .args(["--filter-platform", &host])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&metadata.stderr);
    assert!(metadata.status.success(), "{said}");
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100);
    packages
        .iter()
        .filter(|package| !package["source"].is_null())
        .map(|package| {
            let name = package["name"].as_str().unwrap().to_owned();
            (name, package["license"].as_str().map(str::to_owned))
        })
        .collect()
}

fn host() -> String {
    let version = Command::new("rustc").arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.unwrap().to_owned()
}

/// Reads an SPDX expression; a slash is the old way to write OR, and OR binds less than AND.
fn is_allowed(licence: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = licence
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<_> = spaced.split_whitespace().collect();
    let mut words = &words[..];
    any(&mut words, allowed) && words.is_empty()
}

fn any(words: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut is_one = all(words, allowed);
    while words.first() == Some(&"OR") {
        *words = &words[1..];
        is_one |= all(words, allowed);
    }
    is_one
}

fn all(words: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut are_all = one(words, allowed);
    while words.first() == Some(&"AND") {
        *words = &words[1..];
        are_all &= one(words, allowed);
    }
    are_all
}

fn one(words: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let Some((first, rest)) = words.split_first() else {
        return false;
    };
    *words = rest;
    if *first == "(" {
        let is_one = any(words, allowed);
        let closed = words.first() == Some(&")");
        *words = words.get(1..).unwrap_or_default();
        return is_one && closed;
    }
    let mut name = (*first).to_owned();
    if let ["WITH", exception, rest @ ..] = *words {
        name.push_str(&format!(" WITH {exception}"));
        *words = rest;
    }
    allowed.contains(&name)
}
