//! Arguments of the player, with placeholders.

use super::did_you_mean::suggestion;
use super::placeholder::{UnknownPlaceholder, parse_parts};
use std::ffi::OsString;
use std::str::FromStr;

/// Argument of the player: text that may contain `{file}` and `{start}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlayerArgument(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    File,
    Start,
}

/// Recording, and the moment at which the player starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Playback {
    /// Absolute path or URL of the recording.
    pub file: OsString,
    /// Start in seconds. `None` plays it from its start.
    pub start_s: Option<f64>,
}

impl FromStr for PlayerArgument {
    type Err = UnknownPlaceholder;

    fn from_str(text: &str) -> Result<Self, UnknownPlaceholder> {
        parse_parts(text, Part::Text, part).map(Self)
    }
}

fn part(name: &str) -> Result<Part, UnknownPlaceholder> {
    match name {
        "file" => Ok(Part::File),
        "start" => Ok(Part::Start),
        _ => {
            let suggestion = suggestion(name, ["file", "start"]);
            Err(UnknownPlaceholder(name.to_owned(), suggestion))
        }
    }
}

impl PlayerArgument {
    /// Whether the argument has the recording.
    #[must_use]
    pub fn has_file(&self) -> bool {
        self.0.contains(&Part::File)
    }

    /// Returns the argument with all placeholders replaced.
    #[must_use]
    pub fn fill(&self, playback: &Playback) -> OsString {
        let mut filled = OsString::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => filled.push(text),
                Part::File => filled.push(&playback.file),
                Part::Start => filled.push(playback.start_s.unwrap_or_default().to_string()),
            }
        }
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_replaced() {
        let filled = |text: &str, start_s| {
            let playback = Playback {
                file: "/a b.mp3".into(),
                start_s,
            };
            text.parse::<PlayerArgument>().unwrap().fill(&playback)
        };
        assert_eq!(filled("--start={start}", Some(83.25)), "--start=83.25");
        assert_eq!(filled("{file}#{start} {", None), "/a b.mp3#0 {");
        let error = "{fil}".parse::<PlayerArgument>().unwrap_err().to_string();
        assert_eq!(error, "unknown placeholder `{fil}`; did you mean `file`?");
    }
}
