//! Arguments of a hook, with places for what it is run for.

use super::Format;
use super::nearest::suggestion;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The placeholders that stand for no file of a transcript.
const NAMES: [&str; 4] = ["id", "source", "recording", "dir"];

/// One argument: text, and placeholders such as `{txt}` in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Id,
    Source,
    Recording,
    Dir,
    File(Format),
}

/// A transcript that an argument is filled in for.
#[derive(Debug, Clone)]
pub struct Transcribed {
    /// The item's ID, as it is typed.
    pub id: String,
    /// Its source's name.
    pub source: String,
    /// The absolute path of the recording, or its URL.
    pub recording: OsString,
    /// Its files.
    pub outputs: Vec<PathBuf>,
}

/// The text holds a placeholder that there is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no placeholder `{{{0}}}`{1}")]
pub struct UnknownPlaceholder(String, String);

/// There is no file to fill in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no {} file of it", .0.map_or("", Format::as_str))]
pub struct NoFile(Option<Format>);

impl FromStr for Argument {
    type Err = UnknownPlaceholder;

    /// Braces around anything but lower-case letters and `_` are text.
    fn from_str(text: &str) -> Result<Self, UnknownPlaceholder> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, name, after)) = next_placeholder(rest) {
            parts.extend((!before.is_empty()).then(|| Part::Text(before.to_owned())));
            parts.push(part(name)?);
            rest = after;
        }
        parts.extend((!rest.is_empty()).then(|| Part::Text(rest.to_owned())));
        Ok(Self(parts))
    }
}

/// The text before the next placeholder, its name, and the text after it.
fn next_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let open = from + text[from..].find('{')?;
        let name = text[open + 1..]
            .find(|char: char| !(char.is_ascii_lowercase() || char == '_'))
            .map(|length| &text[open + 1..open + 1 + length]);
        match name {
            Some(name) if !name.is_empty() && text[open + 1 + name.len()..].starts_with('}') => {
                return Some((&text[..open], name, &text[open + name.len() + 2..]));
            }
            _ => from = open + 1,
        }
    }
}

fn part(name: &str) -> Result<Part, UnknownPlaceholder> {
    Ok(match name {
        "id" => Part::Id,
        "source" => Part::Source,
        "recording" => Part::Recording,
        "dir" => Part::Dir,
        format => Part::File(format.parse().map_err(|_| {
            let known = NAMES
                .into_iter()
                .chain(Format::ALL.into_iter().map(Format::as_str));
            UnknownPlaceholder(name.to_owned(), suggestion(name, known))
        })?),
    })
}

impl Argument {
    /// The formats whose files it wants.
    pub fn formats(&self) -> impl Iterator<Item = Format> + '_ {
        self.0.iter().filter_map(|part| match part {
            Part::File(format) => Some(*format),
            _ => None,
        })
    }

    /// The argument for one transcript.
    ///
    /// # Errors
    /// If it wants a file that there is not.
    pub fn fill(&self, transcribed: &Transcribed) -> Result<OsString, NoFile> {
        let mut filled = OsString::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => filled.push(text),
                Part::Id => filled.push(&transcribed.id),
                Part::Source => filled.push(&transcribed.source),
                Part::Recording => filled.push(&transcribed.recording),
                Part::Dir => filled.push(folder(&transcribed.outputs).ok_or(NoFile(None))?),
                Part::File(format) => {
                    filled.push(file(&transcribed.outputs, *format).ok_or(NoFile(Some(*format)))?)
                }
            }
        }
        Ok(filled)
    }
}

fn folder(outputs: &[PathBuf]) -> Option<&Path> {
    outputs.first()?.parent()
}

/// The file of a format: the shortest name with its ending, as `a.podcast.json` ends like JSON, too.
fn file(outputs: &[PathBuf], format: Format) -> Option<&Path> {
    let ending = format!(".{}", format.extension());
    let of_format = outputs.iter().filter(|path| {
        path.as_os_str()
            .as_encoded_bytes()
            .ends_with(ending.as_bytes())
    });
    of_format
        .min_by_key(|path| path.as_os_str().len())
        .map(PathBuf::as_path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> String {
        let transcribed = Transcribed {
            id: "17".to_owned(),
            source: "talks".to_owned(),
            recording: "/rec/a b.mp3".into(),
            outputs: ["/out/a b.json", "/out/a b.podcast.json", "/out/a b.txt"]
                .map(PathBuf::from)
                .into(),
        };
        let argument: Argument = text.parse().unwrap();
        match argument.fill(&transcribed) {
            Ok(filled) => filled.into_string().unwrap(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn placeholders_are_filled_in_and_all_else_is_text() {
        assert_eq!(filled("{id}-{source}"), "17-talks");
        assert_eq!(filled("--of={recording}"), "--of=/rec/a b.mp3");
        assert_eq!(filled("{dir}/x"), "/out/x");
        assert_eq!(filled("{json}"), "/out/a b.json");
        assert_eq!(filled("{podcast}"), "/out/a b.podcast.json");
        assert_eq!(filled("$HOME {{txt}} {"), "$HOME {/out/a b.txt} {");
        assert_eq!(filled(r#"{"id": {id}}"#), r#"{"id": 17}"#);
        assert_eq!(filled("{} {A} {txt"), "{} {A} {txt");
    }

    #[test]
    fn a_file_that_is_not_there_is_said() {
        assert_eq!(filled("{srt}"), "there is no srt file of it");
    }

    #[test]
    fn a_placeholder_that_there_is_not_is_refused_with_the_nearest() {
        let refused = "{recoding}".parse::<Argument>().unwrap_err();
        assert!(
            refused
                .to_string()
                .starts_with("there is no placeholder `{recoding}`"),
            "{refused}"
        );
        assert!(refused.to_string().contains("recording"), "{refused}");
    }
}
