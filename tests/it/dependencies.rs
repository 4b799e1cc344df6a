//! Checks that every dependency is documented, comes from crates.io and has an allowed licence.

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use toml::de::{DeTable, DeValue};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Reads a TOML file of the repository as JSON.
pub fn toml(path: &str) -> Value {
    let text = read(path);
    let table = DeTable::parse(&text).unwrap();
    value(&DeValue::Table(table.into_inner()))
}

/// Converts a TOML value to JSON. Types that the tests do not read become null.
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

/// Returns the direct dependencies of a manifest, without the crates of this workspace.
fn direct_dependencies(manifest: &str) -> BTreeSet<String> {
    let manifest = toml(manifest);
    ["dependencies", "dev-dependencies", "build-dependencies"]
        .iter()
        .filter_map(|table| manifest.get(*table)?.as_object())
        .flat_map(|table| table.keys().cloned())
        .filter(|name| !name.starts_with("nightscribe"))
        .collect()
}

fn locked_packages() -> Vec<Value> {
    toml("Cargo.lock")["package"].as_array().unwrap().clone()
}

fn string_set(list: &Value) -> BTreeSet<String> {
    let list = list.as_array().unwrap();
    list.iter()
        .map(|text| text.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn documented_and_actual_dependencies_match() {
    let document = read("docs/dependencies.md");
    let rows: Vec<_> = document
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .collect();
    let documented: BTreeSet<_> = rows.iter().map(|(name, _)| (*name).to_owned()).collect();
    let direct: BTreeSet<_> = ["", "crates/sandbox/", "fuzz/", "benches/baseline/"]
        .iter()
        .flat_map(|member| direct_dependencies(&format!("{member}Cargo.toml")))
        .collect();
    assert_eq!(documented, direct);
    assert_eq!(rows.len(), direct.len(), "duplicate row");
    for (name, reasons) in rows {
        assert_eq!(reasons.matches(" | ").count(), 1, "{name}");
    }
}

#[test]
fn the_documented_crate_count_is_current() {
    let external = locked_packages()
        .iter()
        .filter(|package| package.get("source").is_some())
        .count();
    let count = format!("`Cargo.lock` holds {external} crates");
    assert!(read("docs/dependencies.md").contains(&count), "{count}");
}

#[test]
fn every_crate_is_from_crates_io_and_none_is_banned() {
    let deny = toml("deny.toml");
    let registries = string_set(&deny["sources"]["allow-registry"]);
    let banned = string_set(&deny["bans"]["deny"]);
    for package in locked_packages() {
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
    let allowed = string_set(&toml("deny.toml")["licenses"]["allow"]);
    for (name, licence) in licences() {
        let licence = licence.unwrap_or_else(|| panic!("{name} has no licence"));
        assert!(is_allowed(&licence, &allowed), "{name}: {licence}");
    }
}

#[test]
fn licence_expressions_are_evaluated() {
    let allowed = BTreeSet::from(["A", "B WITH C"].map(str::to_owned));
    for accepted in ["A", "A OR X", "X/A", "(A OR X) AND A", "X OR B WITH C"] {
        assert!(is_allowed(accepted, &allowed), "{accepted}");
    }
    for rejected in ["X", "A AND X", "(A OR X) AND X", "B", "A WITH C", ""] {
        assert!(!is_allowed(rejected, &allowed), "{rejected}");
    }
}

/// Returns the name and licence of each external crate built for this machine. Works offline.
fn licences() -> Vec<(String, Option<String>)> {
    let host = host();
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--locked", "--format-version=1"])
        .args(["--filter-platform", &host])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&metadata.stderr);
    assert!(metadata.status.success(), "{stderr}");
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

/// Returns the target triple of this machine.
fn host() -> String {
    let version = Command::new("rustc").arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.unwrap().to_owned()
}

/// Whether an SPDX licence expression is satisfied by the allowed licences.
///
/// AND binds tighter than OR. A slash is the old spelling of OR.
fn is_allowed(licence: &str, allowed: &BTreeSet<String>) -> bool {
    let tokens = licence
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<_> = tokens.split_whitespace().collect();
    let mut words = &words[..];
    or_expression(&mut words, allowed) && words.is_empty()
}

fn or_expression(words: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut is_allowed = and_expression(words, allowed);
    while words.first() == Some(&"OR") {
        *words = &words[1..];
        is_allowed |= and_expression(words, allowed);
    }
    is_allowed
}

fn and_expression(words: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut is_allowed = term(words, allowed);
    while words.first() == Some(&"AND") {
        *words = &words[1..];
        is_allowed &= term(words, allowed);
    }
    is_allowed
}

fn term(words: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let Some((first, rest)) = words.split_first() else {
        return false;
    };
    *words = rest;
    if *first == "(" {
        let is_allowed = or_expression(words, allowed);
        let is_closed = words.first() == Some(&")");
        *words = words.get(1..).unwrap_or_default();
        return is_allowed && is_closed;
    }
    let mut name = (*first).to_owned();
    if let ["WITH", exception, rest @ ..] = *words {
        name.push_str(&format!(" WITH {exception}"));
        *words = rest;
    }
    allowed.contains(&name)
}
