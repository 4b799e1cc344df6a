//! Template for the names of output files.

use super::{Language, Timestamp};
use crate::domain::did_you_mean::suggestion;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::str::FromStr;

const PLACEHOLDERS: [(&str, Placeholder); 5] = [
    ("{stem}", Placeholder::Stem),
    ("{lang}", Placeholder::Lang),
    ("{source}", Placeholder::Source),
    ("{date}", Placeholder::Date),
    ("{model}", Placeholder::Model),
];
/// Separators that are removed together with an empty placeholder after them.
const SEPARATORS: [u8; 3] = *b".-_";
/// Length of the longest language tag, such as `es-419`, in bytes.
const MAX_LANGUAGE_BYTES: usize = 7;
/// Maximum length of a template, in bytes.
const MAX_BYTES: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placeholder {
    Stem,
    Lang,
    Source,
    Date,
    Model,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Placeholder(Placeholder),
}

/// Template for a file name without its extension. Always contains `{stem}`, so that recordings of one folder get
/// different names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileNameTemplate {
    parts: Vec<Part>,
}

/// Values for the placeholders other than `{stem}`. An unknown value is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TemplateValues {
    /// Spoken language.
    pub language: String,
    /// Name of the source.
    pub source: String,
    /// Date of the last modification of the recording (`2026-11-21`, UTC).
    pub date: String,
    /// Name of the model.
    pub model: String,
}

/// Error for an invalid template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileNameError {
    /// Unknown placeholder.
    #[error(
        "unknown placeholder `{name}`{suggestion} (expected {{stem}}, {{lang}}, {{source}}, {{date}} or {{model}})"
    )]
    UnknownPlaceholder {
        /// Placeholder as written, with its braces.
        name: String,
        /// Text `; did you mean …?`, or empty.
        suggestion: String,
    },
    /// `{stem}` is missing, so that all transcripts of a folder would have the same name.
    #[error("`{{stem}}` is missing: transcripts of different recordings would have the same name")]
    MissingStem,
    /// The template is too long or not a valid file name. Holds the escaped template.
    #[error(
        "expected a file name of at most {MAX_BYTES} bytes that contains no `/` or control character and does not start with `.`; found \"{0}\""
    )]
    InvalidName(String),
}

impl FileNameTemplate {
    /// Returns the file name for a recording. A placeholder without a value is removed together with the `.`, `-` or `_`
    /// before it. At the start of the name, the separators after it are removed instead.
    #[must_use]
    pub fn render(&self, stem: &OsStr, facts: &TemplateValues) -> OsString {
        let mut name: Vec<u8> = Vec::new();
        for (number, part) in self.parts.iter().enumerate() {
            let value = match part {
                Part::Text(text) if number > 0 && name.is_empty() => {
                    text.trim_start_matches(['.', '-', '_']).as_bytes()
                }
                Part::Text(text) => text.as_bytes(),
                Part::Placeholder(placeholder) => value(*placeholder, stem, facts),
            };
            if value.is_empty() && name.last().is_some_and(|last| SEPARATORS.contains(last)) {
                name.pop();
            }
            name.extend(value);
        }
        OsString::from_vec(name)
    }
}

impl FileNameTemplate {
    /// Whether the file name is the stem.
    #[must_use]
    pub fn is_stem(&self) -> bool {
        self.parts == [Part::Placeholder(Placeholder::Stem)]
    }

    /// Whether every file name begins with the stem.
    #[must_use]
    pub fn begins_with_stem(&self) -> bool {
        self.parts.first() == Some(&Part::Placeholder(Placeholder::Stem))
    }

    /// Whether `name` is the file name for a recording in some language, or in an unknown one. The language in `facts` is
    /// ignored.
    #[must_use]
    pub fn gives_in_some_language(
        &self,
        name: &OsStr,
        stem: &OsStr,
        facts: &TemplateValues,
    ) -> bool {
        let in_language = |language: &str| {
            let language = language.to_owned();
            let facts = TemplateValues {
                language,
                ..facts.clone()
            };
            self.render(stem, &facts)
        };
        if in_language("") == name {
            return true;
        }
        let marked = in_language("\0");
        let Some(start) = marked.as_bytes().iter().position(|&byte| byte == 0) else {
            return false;
        };
        let Some(rest) = name.as_bytes().strip_prefix(&marked.as_bytes()[..start]) else {
            return false;
        };
        let lengths = 2..=rest.len().min(MAX_LANGUAGE_BYTES);
        lengths
            .filter_map(|length| str::from_utf8(rest.get(..length)?).ok())
            .filter(|text| Language::parse(text).is_some_and(|parsed| parsed.to_string() == *text))
            .any(|language| in_language(language) == name)
    }
}

fn value<'a>(placeholder: Placeholder, stem: &'a OsStr, facts: &'a TemplateValues) -> &'a [u8] {
    match placeholder {
        Placeholder::Stem => stem.as_bytes(),
        Placeholder::Lang => facts.language.as_bytes(),
        Placeholder::Source => facts.source.as_bytes(),
        Placeholder::Date => facts.date.as_bytes(),
        Placeholder::Model => facts.model.as_bytes(),
    }
}

impl FromStr for FileNameTemplate {
    type Err = FileNameError;

    fn from_str(text: &str) -> Result<Self, FileNameError> {
        let is_invalid = |char: char| char.is_control() || char == '/';
        if text.len() > MAX_BYTES || text.starts_with('.') || text.contains(is_invalid) {
            return Err(FileNameError::InvalidName(text.escape_debug().to_string()));
        }
        let parts = parts(text)?;
        if !parts.contains(&Part::Placeholder(Placeholder::Stem)) {
            return Err(FileNameError::MissingStem);
        }
        Ok(Self { parts })
    }
}

fn parts(text: &str) -> Result<Vec<Part>, FileNameError> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(['{', '}']) {
        if start > 0 {
            parts.push(Part::Text(rest[..start].to_owned()));
        }
        let end = rest[start..]
            .find('}')
            .map_or(rest.len(), |end| start + end + 1);
        parts.push(Part::Placeholder(placeholder(&rest[start..end])?));
        rest = &rest[end..];
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Ok(parts)
}

fn placeholder(name: &str) -> Result<Placeholder, FileNameError> {
    let known = PLACEHOLDERS.iter().find(|(known, _)| *known == name);
    let unknown = || FileNameError::UnknownPlaceholder {
        name: name.to_owned(),
        suggestion: suggestion(name, PLACEHOLDERS.map(|(known, _)| known)),
    };
    known
        .map(|(_, placeholder)| *placeholder)
        .ok_or_else(unknown)
}

impl TemplateValues {
    /// Creates the values. `model` is sanitized, so that it cannot form a path or a hidden file. Both ends are trimmed to
    /// an ASCII letter or digit, and the text is cut to 60 characters. Then every character except ASCII letters, digits,
    /// `-`, `_` and `.` is replaced by `-`.
    #[must_use]
    pub fn new(
        language: Option<&Language>,
        source: &str,
        date: Option<Timestamp>,
        model: &str,
    ) -> Self {
        Self {
            language: language.map(Language::to_string).unwrap_or_default(),
            source: source.to_owned(),
            date: date.map(day).unwrap_or_default(),
            model: sanitized(model),
        }
    }
}

/// Formats the UTC date, such as `2026-11-21`. Returns an empty string outside the calendar.
fn day(time: Timestamp) -> String {
    let text = time.to_string();
    let day = text.split_once('T').map(|(day, _)| day);
    day.filter(|day| day.len() == 10)
        .unwrap_or_default()
        .to_owned()
}

fn sanitized(text: &str) -> String {
    const MAX_CHARS: usize = 60;
    let is_allowed = |char: char| char.is_ascii_alphanumeric() || "-_.".contains(char);
    let sanitized: String = text
        .trim_matches(|char: char| !char.is_ascii_alphanumeric())
        .chars()
        .take(MAX_CHARS)
        .map(|char| if is_allowed(char) { char } else { '-' })
        .collect();
    sanitized
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn facts() -> TemplateValues {
        let day = Timestamp::from_millis(1_795_000_000_000);
        let language = Language::parse("en_us");
        TemplateValues::new(
            language.as_ref(),
            "pod casts",
            Some(day),
            "#g1_nova-2-general",
        )
    }

    fn file_name(template: &str, facts: &TemplateValues) -> String {
        let name = template.parse::<FileNameTemplate>().unwrap();
        name.render(OsStr::new("talk"), facts)
            .into_string()
            .unwrap()
    }

    #[test]
    fn names_in_any_language_are_recognized() {
        let facts = TemplateValues {
            language: String::new(),
            ..facts()
        };
        let gives = |template: &str, name: &str| {
            let template = template.parse::<FileNameTemplate>().unwrap();
            template.gives_in_some_language(OsStr::new(name), OsStr::new("talk"), &facts)
        };
        for (template, name) in [
            ("{stem}", "talk"),
            ("{stem}.{lang}", "talk.pt-BR"),
            ("{stem}.{lang}", "talk"),
            ("{lang}_{stem}.{lang}", "en_talk.en"),
            ("{date}-{stem}", "2026-11-18-talk"),
        ] {
            assert!(gives(template, name), "{template} {name}");
        }
        for (template, name) in [
            ("{stem}", "talk.en"),
            ("{stem}.{lang}", "talk.notes"),
            ("{stem}.{lang}", "talks.en"),
            ("{lang}_{stem}.{lang}", "en_talk.de"),
            ("{date}-{stem}", "talk"),
        ] {
            assert!(!gives(template, name), "{template} {name}");
        }
    }

    #[test]
    fn each_placeholder_is_replaced_by_its_value() {
        assert_eq!(file_name("{stem}", &facts()), "talk");
        assert_eq!(file_name("{stem}.{lang}", &facts()), "talk.en-US");
        assert_eq!(
            file_name("{date}_{source}-{stem} ({model})", &facts()),
            "2026-11-18_pod casts-talk (g1_nova-2-general)"
        );
    }

    #[test]
    fn an_empty_placeholder_is_removed_with_its_separator() {
        let none = TemplateValues::default();
        assert_eq!(file_name("{stem}.{lang}", &none), "talk");
        assert_eq!(file_name("{stem}-{lang}_{date}.x", &none), "talk.x");
        assert_eq!(file_name("{lang}.{stem}", &none), "talk");
        assert_eq!(file_name("_{stem}", &none), "_talk");
        assert_eq!(file_name("{lang}{date}-{stem}", &none), "talk");
    }

    #[test]
    fn an_invalid_template_is_rejected() {
        let error_text = |text: &str| text.parse::<FileNameTemplate>().unwrap_err().to_string();
        assert_eq!(
            error_text("{stem}.{langs}"),
            "unknown placeholder `{langs}`; did you mean `{lang}`? (expected {stem}, {lang}, {source}, {date} or {model})"
        );
        assert!(error_text("{lang}").starts_with("`{stem}` is missing"));
        for broken in ["{stem", "stem}", "{}", "{stem}{"] {
            assert!(
                error_text(broken).contains("unknown placeholder"),
                "{broken}"
            );
        }
        for invalid in ["", "a/{stem}", ".{stem}", "{stem}\n"] {
            assert!(invalid.parse::<FileNameTemplate>().is_err(), "{invalid}");
        }
    }

    #[test]
    fn the_model_is_sanitized() {
        let facts = TemplateValues::new(None, "s", Some(Timestamp::MAX), "open/whisper");
        assert_eq!(
            (facts.date.as_str(), facts.model.as_str()),
            ("", "open-whisper")
        );
    }

    proptest! {
        #[test]
        fn no_value_makes_a_path_or_hidden_file(language in ".{0,99}", model in ".{0,99}") {
            let language = Language::parse(&language);
            let facts = TemplateValues::new(language.as_ref(), "s", None, &model);
            let name = file_name("{lang}.{model}-{stem}_{lang}", &facts);
            prop_assert!(!name.contains('/') && !name.starts_with('.'));
            prop_assert!(name.contains("talk") && name.len() < 200);
        }
    }
}
