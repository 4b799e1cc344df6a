//! Arguments of a hook, with placeholders.

use crate::domain::Format;
use crate::domain::did_you_mean::suggestion;
use crate::domain::placeholder::{UnknownPlaceholder, parse_parts};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Placeholders other than output formats.
const NAMES: [&str; 4] = ["id", "source", "recording", "dir"];

/// Argument of a hook: text that may contain placeholders such as `{txt}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookArgument(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Id,
    Source,
    Recording,
    Dir,
    File(Format),
}

/// Values for the placeholders: the transcript that the hook runs for.
#[derive(Debug, Clone)]
pub struct HookContext {
    /// ID of the item, as used on the command line.
    pub id: String,
    /// Name of the source.
    pub source: String,
    /// Absolute path or URL of the recording.
    pub recording: OsString,
    /// Paths of the output files.
    pub outputs: Vec<PathBuf>,
}

/// Error for a placeholder whose output file does not exist. Without a format, there are no output files at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the transcript has no {} file", .0.map_or("output", Format::as_str))]
pub struct MissingFile(Option<Format>);

impl FromStr for HookArgument {
    type Err = UnknownPlaceholder;

    /// Parses text and placeholders.
    fn from_str(text: &str) -> Result<Self, UnknownPlaceholder> {
        parse_parts(text, Part::Text, part).map(Self)
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

impl HookArgument {
    /// Returns the formats whose files the argument refers to.
    pub fn formats(&self) -> impl Iterator<Item = Format> + '_ {
        self.0.iter().filter_map(|part| match part {
            Part::File(format) => Some(*format),
            _ => None,
        })
    }

    /// Returns the argument with all placeholders replaced.
    ///
    /// # Errors
    /// If a placeholder refers to a file that does not exist.
    pub fn fill(&self, transcribed: &HookContext) -> Result<OsString, MissingFile> {
        let mut filled = OsString::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => filled.push(text),
                Part::Id => filled.push(&transcribed.id),
                Part::Source => filled.push(&transcribed.source),
                Part::Recording => filled.push(&transcribed.recording),
                Part::Dir => filled.push(folder(&transcribed.outputs).ok_or(MissingFile(None))?),
                Part::File(format) => filled
                    .push(file(&transcribed.outputs, *format).ok_or(MissingFile(Some(*format)))?),
            }
        }
        Ok(filled)
    }
}

fn folder(outputs: &[PathBuf]) -> Option<&Path> {
    outputs.first()?.parent()
}

/// Returns the output file of a format: the shortest name with its extension, because `a.podcast.json` also ends
/// with `.json`.
fn file(outputs: &[PathBuf], format: Format) -> Option<&Path> {
    let extension = format!(".{}", format.extension());
    let of_format = outputs.iter().filter(|path| {
        path.as_os_str()
            .as_encoded_bytes()
            .ends_with(extension.as_bytes())
    });
    of_format
        .min_by_key(|path| path.as_os_str().len())
        .map(PathBuf::as_path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> String {
        let transcribed = HookContext {
            id: "17".to_owned(),
            source: "talks".to_owned(),
            recording: "/rec/a b.mp3".into(),
            outputs: ["/out/a b.json", "/out/a b.podcast.json", "/out/a b.txt"]
                .map(PathBuf::from)
                .into(),
        };
        let argument: HookArgument = text.parse().unwrap();
        match argument.fill(&transcribed) {
            Ok(filled) => filled.into_string().unwrap(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn placeholders_are_replaced_and_other_text_is_kept() {
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
    fn a_missing_file_is_an_error() {
        assert_eq!(filled("{srt}"), "the transcript has no srt file");
    }

    #[test]
    fn an_unknown_placeholder_is_rejected_with_a_suggestion() {
        let error = "{recoding}".parse::<HookArgument>().unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("unknown placeholder `{recoding}`"),
            "{error}"
        );
        assert!(error.to_string().contains("recording"), "{error}");
    }
}
