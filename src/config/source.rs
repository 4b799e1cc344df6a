//! One `[[source]]`.

use super::Source;
use super::document::{Content, Table, parse};
use super::environment::Environment;
use super::problem::Problem;
use super::section::Section;
use super::values::{Read, bytes, duration, flag, path, span, text, texts};
use crate::domain::{Request, model, options};
use crate::policy::bounds::Bounds;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a source that does not say so gets. The template shows the same.
const DEFAULTS: &str = "model = '#g1_nova-2-general'\nsettle = '30s'\nexclude = []\n";
/// Longest name, in bytes: it is a folder's.
const NAME_BYTES: usize = 64;

/// Reads the `number`th source, from 1.
pub(super) fn source(
    number: usize,
    table: Table,
    folder: &Path,
    environment: &Environment,
    any_model: bool,
    problems: &mut Vec<Problem>,
) -> Option<Source> {
    let defaults = parse(DEFAULTS, Path::new("")).unwrap_or_default();
    let mut section = Section::new(
        format!("source {number}"),
        table,
        defaults,
        BTreeMap::new(),
        problems,
    );
    let name = section.get("name", name);
    if let Some(name) = &name {
        section.rename(format!("source `{name}`"));
    }
    let path: Option<PathBuf> = section.get("path", path);
    let (model, any_model) = named_model(&mut section, any_model);
    let include = section.get("include", some_globs);
    let exclude = section.get("exclude", globs);
    let settle = section.get("settle", duration);
    let bounds = Bounds {
        min_duration: section.get("min_duration", span),
        max_duration: section.get("max_duration", span),
        max_file_size: section.get("max_file_size", bytes),
    };
    if bounds
        .min_duration
        .zip(bounds.max_duration)
        .is_some_and(|(least, most)| least > most)
    {
        section.refuse("min_duration", "it is longer than `max_duration`");
    }
    let options = section.table("options");
    for (key, missing) in [("name", name.is_none()), ("path", path.is_none())] {
        if missing && !section.has(key) {
            section.refuse(key, "it is missing");
        }
    }
    section.finish();
    let label = name.as_ref().map_or_else(
        || format!("source {number}"),
        |name| format!("source `{name}`"),
    );
    let options = checked(options, &label, problems);
    Some(Source {
        request: Request::new(model?, options),
        any_model,
        name: name?,
        path: environment.resolve(folder, &path?),
        include,
        exclude: exclude?,
        settle: settle?,
        bounds,
    })
}

/// The model, if one is named, and whether it may be an unknown one: allowed here or, with `any_model`, further out.
pub(super) fn named_model(section: &mut Section<'_>, any_model: bool) -> (Option<String>, bool) {
    let model = section.get("model", text);
    let any_model = section
        .get("allow_unknown_model", flag)
        .unwrap_or(any_model);
    if let Some(Err(unknown)) = model.as_deref().filter(|_| !any_model).map(model::check) {
        section.refuse("model", &unknown.to_string());
    }
    (model, any_model)
}

/// A folder's name that no file system minds, and that nobody mistakes for a path.
fn name(value: &Value) -> Read<String> {
    let name = text(value)?;
    let plain = |char: char| char.is_alphanumeric() || matches!(char, '-' | '_' | '.' | ' ');
    if name.len() > NAME_BYTES
        || name.starts_with(['.', ' '])
        || name.ends_with(' ')
        || !name.chars().all(plain)
    {
        return Err(format!(
            "expected a folder's name of at most {NAME_BYTES} bytes: letters, digits, `-`, `_`, `.` and spaces, not beginning with `.`; found {value}"
        ));
    }
    Ok(name)
}

fn globs(value: &Value) -> Read<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for glob in texts(value)? {
        set.add(
            GlobBuilder::new(&glob)
                .literal_separator(true)
                .build()
                .map_err(|error| error.to_string())?,
        );
    }
    set.build().map_err(|error| error.to_string())
}

/// A list of nothing would silently take nothing.
fn some_globs(value: &Value) -> Read<GlobSet> {
    match globs(value)? {
        none if none.is_empty() => {
            Err("expected at least one; leave the key out for every type of recording".to_owned())
        }
        some => Ok(some),
    }
}

pub(super) fn checked(
    options: Table,
    label: &str,
    problems: &mut Vec<Problem>,
) -> Vec<(String, Value)> {
    let mut checked = Vec::new();
    for (name, node) in options.nodes {
        let refusal = match &node.content {
            Content::Value(value) => options::check(&name, value)
                .err()
                .map(|error| error.to_string()),
            Content::Table(_) | Content::Tables(_) => Some(format!("`{name}` takes no table")),
        };
        match (refusal, node.content) {
            (Some(refusal), _) => {
                problems.push(Problem {
                    place: node.place,
                    message: format!("{label}: option {refusal}"),
                });
            }
            (None, Content::Value(value)) => checked.push((name, value)),
            (None, _) => {}
        }
    }
    checked
}
