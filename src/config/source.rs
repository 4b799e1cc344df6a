//! Reading one `[[source]]`.

use super::SourceConfig;
use super::document::{NodeContent, Table, parse};
use super::environment::Environment;
use super::section::Section;
use super::values::{
    ParseResult, boolean, bytes, duration, path, positive_duration, string, strings,
};
use crate::config::diagnostics::Diagnostic;
use crate::config::patterns::PathPatterns;
use crate::domain::Request;
use crate::policy::bounds::Bounds;
use crate::provider::aimlapi::{models, options};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Default values of a source. The template shows the same values.
const DEFAULTS: &str =
    "model = '#g1_nova-2-general'\nsettle = '30s'\nexclude = []\ndefault_excludes = true\n";
/// Maximum length of a source name, in bytes. Source names are folder names.
const MAX_NAME_BYTES: usize = 64;

/// Reads one source. `number` counts from 1 and labels a source without a name.
pub(super) fn read_source(
    number: usize,
    table: Table,
    folder: &Path,
    environment: &Environment,
    any_model: bool,
    problems: &mut Vec<Diagnostic>,
) -> Option<SourceConfig> {
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
    let path: Option<PathBuf> = section.get("path", |value| {
        let resolved = environment.resolve(folder, &path(value)?);
        resolved.map_err(|error| error.to_string())
    });
    let (model, any_model) = read_model(&mut section, any_model);
    let include = section.get("include", non_empty_patterns);
    let exclude = section.get("exclude", patterns);
    let default_excludes = section.get("default_excludes", boolean);
    let settle = section.get("settle", duration);
    let bounds = Bounds {
        min_duration: section.get("min_duration", positive_duration),
        max_duration: section.get("max_duration", positive_duration),
        max_file_size: section.get("max_file_size", bytes),
    };
    if bounds
        .min_duration
        .zip(bounds.max_duration)
        .is_some_and(|(least, most)| least > most)
    {
        section.reject("min_duration", "must not be longer than `max_duration`");
    }
    let options = section.table("options");
    for (key, missing) in [("name", name.is_none()), ("path", path.is_none())] {
        if missing && !section.has(key) {
            section.reject(key, "required key is missing");
        }
    }
    section.finish();
    let label = name.as_ref().map_or_else(
        || format!("source {number}"),
        |name| format!("source `{name}`"),
    );
    let options = check_options(options, &label, problems);
    Some(SourceConfig {
        request: Request::new(model?, options),
        allow_unknown_model: any_model,
        name: name?,
        path: path?,
        include,
        exclude: exclude?,
        default_excludes: default_excludes?,
        settle: settle?,
        bounds,
    })
}

/// Reads the model, if set, and whether an unknown model is allowed. `any_model` is the inherited permission.
pub(super) fn read_model(section: &mut Section<'_>, any_model: bool) -> (Option<String>, bool) {
    let model = section.get("model", string);
    let any_model = section
        .get("allow_unknown_model", boolean)
        .unwrap_or(any_model);
    if let Some(Err(unknown)) = model.as_deref().filter(|_| !any_model).map(models::check) {
        section.reject("model", &unknown.to_string());
    }
    (model, any_model)
}

/// Parses a name that is valid as a folder name on every file system and cannot be taken for a path.
fn name(value: &Value) -> ParseResult<String> {
    let name = string(value)?;
    let plain = |char: char| char.is_alphanumeric() || matches!(char, '-' | '_' | '.' | ' ');
    if name.len() > MAX_NAME_BYTES
        || name.starts_with(['.', ' '])
        || name.ends_with(' ')
        || !name.chars().all(plain)
    {
        return Err(format!(
            "expected a folder name of at most {MAX_NAME_BYTES} bytes (letters, digits, `-`, `_`, `.` and spaces, not starting with `.`), found {value}"
        ));
    }
    Ok(name)
}

fn patterns(value: &Value) -> ParseResult<PathPatterns> {
    let patterns = strings(value)?;
    PathPatterns::parse(patterns.iter().map(String::as_str))
}

/// Parses a non-empty list of patterns. An empty one would silently exclude every file.
fn non_empty_patterns(value: &Value) -> ParseResult<PathPatterns> {
    match patterns(value)? {
        patterns if patterns.is_empty() => Err(
            "expected at least one pattern; omit the key to include every type of recording"
                .to_owned(),
        ),
        patterns => Ok(patterns),
    }
}

/// Validates options of the service. Invalid ones are added to `problems`.
pub(super) fn check_options(
    options: Table,
    label: &str,
    problems: &mut Vec<Diagnostic>,
) -> Vec<(String, Value)> {
    let mut checked = Vec::new();
    for (name, node) in options.nodes {
        let error = match &node.content {
            NodeContent::Value(value) => options::check(&name, value)
                .err()
                .map(|error| error.to_string()),
            NodeContent::Table(_) | NodeContent::Tables(_) => {
                Some(format!("`{name}` does not take a table"))
            }
        };
        match (error, node.content) {
            (Some(error), _) => {
                problems.push(Diagnostic {
                    origin: node.origin,
                    message: format!("{label}: option {error}"),
                });
            }
            (None, NodeContent::Value(value)) => checked.push((name, value)),
            (None, _) => {}
        }
    }
    checked
}
