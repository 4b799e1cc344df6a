//! How a transcript's files are named: a text with placeholders.

use super::Timestamp;
use super::nearest::suggestion;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::str::FromStr;

/// The placeholders.
const PLACEHOLDERS: [(&str, Placeholder); 5] = [
    ("{stem}", Placeholder::Stem),
    ("{lang}", Placeholder::Lang),
    ("{source}", Placeholder::Source),
    ("{date}", Placeholder::Date),
    ("{model}", Placeholder::Model),
];
/// Goes before a placeholder, and with it when there is nothing to put there.
const SEPARATORS: [u8; 3] = *b".-_";
/// Longest text of a template, in bytes.
const MOST_BYTES: usize = 100;

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

/// A file's name without its extension, with placeholders for what is known of the recording. Holds `{stem}`, as no
/// two recordings of a folder have the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileName {
    parts: Vec<Part>,
}

/// What is known of a recording, beside its stem. Empty where it is not known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// The language spoken.
    pub language: String,
    /// The source's name.
    pub source: String,
    /// The day of its last change.
    pub date: String,
    /// The model.
    pub model: String,
}

/// Why a text names no files.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileNameError {
    /// No such placeholder.
    #[error(
        "`{name}` is no placeholder{suggestion}; there are {{stem}}, {{lang}}, {{source}}, {{date}} and {{model}}"
    )]
    Unknown {
        /// As it was given.
        name: String,
        /// `; did you mean …?`, or empty.
        suggestion: String,
    },
    /// All transcripts of a folder would have one name.
    #[error("`{{stem}}` is missing: transcripts of different recordings would have the same name")]
    NoStem,
    /// No file can have this name.
    #[error(
        "expected a file's name of at most {MOST_BYTES} bytes, without `/`, not beginning with `.`; found \"{0}\""
    )]
    NoName(String),
}

impl FileName {
    /// The name for a recording. A placeholder for what is not known disappears, with the `.`, `-` or `_` before it; at
    /// the beginning, with the one after it.
    #[must_use]
    pub fn of(&self, stem: &OsStr, facts: &Facts) -> OsString {
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

fn value<'a>(placeholder: Placeholder, stem: &'a OsStr, facts: &'a Facts) -> &'a [u8] {
    match placeholder {
        Placeholder::Stem => stem.as_bytes(),
        Placeholder::Lang => facts.language.as_bytes(),
        Placeholder::Source => facts.source.as_bytes(),
        Placeholder::Date => facts.date.as_bytes(),
        Placeholder::Model => facts.model.as_bytes(),
    }
}

impl FromStr for FileName {
    type Err = FileNameError;

    fn from_str(text: &str) -> Result<Self, FileNameError> {
        let is_odd = |char: char| char.is_control() || char == '/';
        if text.len() > MOST_BYTES || text.starts_with('.') || text.contains(is_odd) {
            return Err(FileNameError::NoName(text.escape_debug().to_string()));
        }
        let parts = parts(text)?;
        if !parts.contains(&Part::Placeholder(Placeholder::Stem)) {
            return Err(FileNameError::NoStem);
        }
        Ok(Self { parts })
    }
}

fn parts(text: &str) -> Result<Vec<Part>, FileNameError> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(begin) = rest.find(['{', '}']) {
        if begin > 0 {
            parts.push(Part::Text(rest[..begin].to_owned()));
        }
        let end = rest[begin..]
            .find('}')
            .map_or(rest.len(), |end| begin + end + 1);
        parts.push(Part::Placeholder(placeholder(&rest[begin..end])?));
        rest = &rest[end..];
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Ok(parts)
}

fn placeholder(name: &str) -> Result<Placeholder, FileNameError> {
    let known = PLACEHOLDERS.iter().find(|(known, _)| *known == name);
    let unknown = || FileNameError::Unknown {
        name: name.to_owned(),
        suggestion: suggestion(name, PLACEHOLDERS.map(|(known, _)| known)),
    };
    known
        .map(|(_, placeholder)| *placeholder)
        .ok_or_else(unknown)
}

impl Facts {
    /// Facts as parts of a file's name: whatever they hold, they lead nowhere else, and stay short.
    #[must_use]
    pub fn new(language: Option<&str>, source: &str, date: Option<Timestamp>, model: &str) -> Self {
        Self {
            language: plain(language.unwrap_or_default()),
            source: source.to_owned(),
            date: date.map(day).unwrap_or_default(),
            model: plain(model),
        }
    }
}

/// `2026-11-21`, in UTC; nothing for a time that has no such day.
fn day(time: Timestamp) -> String {
    let text = time.to_string();
    let day = text.split_once('T').map(|(day, _)| day);
    day.filter(|day| day.len() == 10)
        .unwrap_or_default()
        .to_owned()
}

fn plain(text: &str) -> String {
    const MOST: usize = 60;
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "-_.".contains(char);
    let plain: String = text
        .trim_matches(|char: char| !char.is_ascii_alphanumeric())
        .chars()
        .take(MOST)
        .map(|char| if is_plain(char) { char } else { '-' })
        .collect();
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn facts() -> Facts {
        let day = Timestamp::from_millis(1_795_000_000_000);
        Facts::new(Some("en_us"), "pod casts", Some(day), "#g1_nova-2-general")
    }

    fn named(template: &str, facts: &Facts) -> String {
        let name = template.parse::<FileName>().unwrap();
        name.of(OsStr::new("talk"), facts).into_string().unwrap()
    }

    #[test]
    fn each_placeholder_is_what_it_says() {
        assert_eq!(named("{stem}", &facts()), "talk");
        assert_eq!(named("{stem}.{lang}", &facts()), "talk.en_us");
        assert_eq!(
            named("{date}_{source}-{stem} ({model})", &facts()),
            "2026-11-18_pod casts-talk (g1_nova-2-general)"
        );
    }

    #[test]
    fn what_is_not_known_disappears_with_its_separator() {
        let none = Facts::default();
        assert_eq!(named("{stem}.{lang}", &none), "talk");
        assert_eq!(named("{stem}-{lang}_{date}.x", &none), "talk.x");
        assert_eq!(named("{lang}.{stem}", &none), "talk");
        assert_eq!(named("_{stem}", &none), "_talk");
        assert_eq!(named("{lang}{date}-{stem}", &none), "talk");
    }

    #[test]
    fn what_names_no_files_is_refused_with_the_nearest_name() {
        let said = |text: &str| text.parse::<FileName>().unwrap_err().to_string();
        assert_eq!(
            said("{stem}.{langs}"),
            "`{langs}` is no placeholder; did you mean `{lang}`?; there are {stem}, {lang}, {source}, {date} and {model}"
        );
        assert!(said("{lang}").starts_with("`{stem}` is missing"));
        for broken in ["{stem", "stem}", "{}", "{stem}{"] {
            assert!(said(broken).contains("is no placeholder"), "{broken}");
        }
        for odd in ["", "a/{stem}", ".{stem}", "{stem}\n"] {
            assert!(odd.parse::<FileName>().is_err(), "{odd}");
        }
    }

    #[test]
    fn what_the_service_says_leads_nowhere() {
        let facts = Facts::new(Some("../../e n"), "s", Some(Timestamp::MAX), "open/whisper");
        assert_eq!(facts.language, "e-n");
        assert_eq!(
            (facts.date.as_str(), facts.model.as_str()),
            ("", "open-whisper")
        );
    }

    proptest! {
        #[test]
        fn no_fact_makes_a_path_or_a_hidden_file(language in ".{0,99}", model in ".{0,99}") {
            let facts = Facts::new(Some(&language), "s", None, &model);
            let name = named("{lang}.{model}-{stem}_{lang}", &facts);
            prop_assert!(!name.contains('/') && !name.starts_with('.'));
            prop_assert!(name.contains("talk") && name.len() < 200);
        }
    }
}
