//! One `[[source]]`.

use super::document::{NodeContent, Table, parse};
use super::environment::Environment;
use super::render_rules::RuleTables;
use super::section::Section;
use super::values::{
    ParseResult, boolean, bytes, duration, parsed, path, positive_duration, string, strings,
};
use super::vocabulary::read_vocabulary;
use crate::config::diagnostics::Diagnostic;
use crate::config::patterns::PathPatterns;
use crate::domain::Request;
use crate::domain::rendering::RenderRules;
use crate::policy::bounds::{Bounds, UnknownLength};
use crate::provider::add_vocabulary;
use crate::provider::{models, options};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Default values of a source. The template shows the same values.
const DEFAULTS: &str = "model = '#g1_nova-2-general'\nsettle = '30s'\nexclude = []\ndefault_excludes = true\nfollow_links = false\nextract_audio = 'auto'\n";
/// Maximum length of a source name, in bytes. Source names are folder names.
const MAX_NAME_BYTES: usize = 64;

/// Names of the service that are accepted although this version does not know them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AllowUnknown {
    /// Models.
    pub models: bool,
    /// Options.
    pub options: bool,
}

/// Setting `extract_audio` of a source: what is uploaded of a video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExtractAudio {
    /// Its sound track, if ffmpeg is installed and the copy has the same time line. Otherwise the file.
    #[default]
    Auto,
    /// The file.
    Never,
}

/// A folder of recordings.
#[derive(Debug, Clone)]
pub struct SourceConfig {
    /// Name, valid as a folder name.
    pub name: String,
    /// Path of the folder.
    pub path: PathBuf,
    /// Validated model and options.
    pub request: Request,
    /// Names of the service that are accepted although this version does not know them.
    pub allow_unknown: AllowUnknown,
    /// Patterns of files to include. `None` includes every file whose name has the extension of a recording.
    pub include: Option<PathPatterns>,
    /// Patterns of files and folders to exclude.
    pub exclude: PathPatterns,
    /// Whether unfinished files, trash and thumbnails are excluded.
    pub default_excludes: bool,
    /// Whether symbolic links in the folder are followed.
    pub follow_links: bool,
    /// How long a file must be unchanged before it is taken.
    pub settle: Duration,
    /// Limits on the duration and size of recordings.
    pub bounds: Bounds,
    /// Part of a video that is uploaded.
    pub extract_audio: ExtractAudio,
    /// Names and replacements for its transcripts.
    pub rules: RenderRules,
}

impl SourceConfig {
    /// Returns a source that takes every recording of a folder at once.
    #[must_use]
    pub fn new(name: String, path: PathBuf, request: Request) -> Self {
        Self {
            name,
            path,
            request,
            allow_unknown: AllowUnknown::default(),
            include: None,
            exclude: PathPatterns::empty(),
            default_excludes: true,
            follow_links: false,
            settle: Duration::ZERO,
            bounds: Bounds::default(),
            extract_audio: ExtractAudio::default(),
            rules: RenderRules::default(),
        }
    }
}

/// Folder, environment and permissions that the sources of a file share.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    /// Folder of the file, where relative paths start.
    pub(super) folder: &'a Path,
    pub(super) environment: &'a Environment,
    /// Unknown names that the file accepts in all its sources.
    pub(super) allow_unknown: AllowUnknown,
}

impl Surroundings<'_> {
    fn resolve(&self, value: &Value) -> ParseResult<PathBuf> {
        let resolved = self.environment.resolve(self.folder, &path(value)?);
        resolved.map_err(|error| error.to_string())
    }
}

/// Reads one source. `number` counts from 1 and labels a source without a name.
pub(super) fn read_source(
    number: usize,
    table: Table,
    around: Surroundings<'_>,
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
    let path = section.get("path", |value| around.resolve(value));
    let (model, allow_unknown) = read_model(&mut section, around.allow_unknown);
    let include = section.get("include", non_empty_patterns);
    let exclude = section.get("exclude", patterns);
    let default_excludes = section.get("default_excludes", boolean);
    let follow_links = section.get("follow_links", boolean);
    let settle = section.get("settle", duration);
    let bounds = read_bounds(&mut section);
    let extract_audio = section.get("extract_audio", extract_audio);
    let options = section.table("options");
    let rules = RuleTables {
        speakers: section.table("speakers"),
        replace: section.table("replace"),
    };
    let vocabulary = section.get("vocabulary", |value| {
        read_vocabulary(&around.resolve(value)?)
    });
    let vocabulary_origin = section.origin("vocabulary");
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
    let rules = rules.check(&label, problems);
    let model = model?;
    let mut options = check_options(&model, options, &label, allow_unknown, problems);
    if let Some(terms) = vocabulary
        && let Err(error) = add_vocabulary(&model, &terms, &mut options)
    {
        problems.push(Diagnostic {
            origin: vocabulary_origin,
            message: format!("{label}: `vocabulary`: {error}"),
        });
    }
    Some(SourceConfig {
        request: Request::new(model, options),
        allow_unknown,
        name: name?,
        path: path?,
        include,
        exclude: exclude?,
        default_excludes: default_excludes?,
        follow_links: follow_links?,
        settle: settle?,
        bounds,
        extract_audio: extract_audio?,
        rules,
    })
}

/// Reads the limits on the recordings.
fn read_bounds(section: &mut Section<'_>) -> Bounds {
    let unknown_length = section.get("unknown_length", parsed::<UnknownLength, _>);
    let bounds = Bounds {
        min_duration: section.get("min_duration", positive_duration),
        max_duration: section.get("max_duration", positive_duration),
        max_file_size: section.get("max_file_size", bytes),
        unknown_length: unknown_length.unwrap_or_default(),
    };
    let limits = bounds.min_duration.zip(bounds.max_duration);
    if limits.is_some_and(|(least, most)| least > most) {
        section.reject("min_duration", "must not be longer than `max_duration`");
    }
    bounds
}

/// Reads the model, if set, and which unknown names are allowed. `above` is the inherited permission.
pub(super) fn read_model(
    section: &mut Section<'_>,
    above: AllowUnknown,
) -> (Option<String>, AllowUnknown) {
    let model = section.get("model", string);
    let models = section.get("allow_unknown_model", boolean);
    let options = section.get("allow_unknown_options", boolean);
    let allow_unknown = AllowUnknown {
        models: models.unwrap_or(above.models),
        options: options.unwrap_or(above.options),
    };
    let checked = model.as_deref().filter(|_| !allow_unknown.models);
    if let Some(Err(unknown)) = checked.map(models::check) {
        section.reject("model", &unknown.to_string());
    }
    (model, allow_unknown)
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

fn extract_audio(value: &Value) -> ParseResult<ExtractAudio> {
    match value.as_str() {
        Some("auto") => Ok(ExtractAudio::Auto),
        Some("never") => Ok(ExtractAudio::Never),
        _ => Err(format!("expected \"auto\" or \"never\", found {value}")),
    }
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

/// Validates options of the service for `model`. Invalid ones are added to `problems`.
pub(super) fn check_options(
    model: &str,
    options: Table,
    label: &str,
    allow_unknown: AllowUnknown,
    problems: &mut Vec<Diagnostic>,
) -> Map<String, Value> {
    let mut checked = Map::new();
    for (name, node) in options.nodes {
        let value = match node.content {
            NodeContent::Value(value) => value,
            NodeContent::Table(table) => table.into_json(),
            NodeContent::Tables(tables) => tables.into_iter().map(Table::into_json).collect(),
        };
        match options::check(model, &name, &value, allow_unknown.options) {
            Ok(()) => _ = checked.insert(name, value),
            Err(error) => problems.push(Diagnostic {
                origin: node.origin,
                message: format!("{label}: option {error}"),
            }),
        }
    }
    checked
}
