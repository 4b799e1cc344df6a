//! Text in a result of an unknown shape.

use crate::provider::json::reader::{JsonReader, Kind};

/// Names of fields whose strings are taken for text.
const NAMES: [&str; 3] = ["text", "transcript", "transcription"];
/// Maximum nesting that is searched.
const MAX_DEPTH: usize = 64;

/// Text found so far.
///
/// The strings closest to the root are the transcript: deeper ones usually repeat it in parts. Of two at the same depth,
/// one outside of lists comes first.
#[derive(Debug, Default)]
pub(crate) struct FoundText {
    best: Option<Rank>,
    texts: Vec<String>,
}

/// Number of lists around a string, and its depth.
type Rank = (usize, usize);

impl FoundText {
    /// Searches a value in the field `name`.
    pub(crate) fn search(&mut self, json: &mut JsonReader<'_>, name: &str) {
        self.search_at(json, name, (0, 0));
    }

    /// Returns the text, one string on each line. Returns `None` if there is none.
    pub(crate) fn into_text(self) -> Option<String> {
        (!self.texts.is_empty()).then(|| self.texts.join("\n"))
    }

    fn search_at(&mut self, json: &mut JsonReader<'_>, name: &str, rank: Rank) {
        let (lists, depth) = rank;
        match json.kind() {
            _ if depth >= MAX_DEPTH => json.skip(),
            Kind::Object => {
                json.object(|json, name| self.search_at(json, name, (lists, depth + 1)))
            }
            Kind::Array => json.array(|json| self.search_at(json, name, (lists + 1, depth + 1))),
            Kind::String if NAMES.contains(&name) => {
                let text = json.text().unwrap_or_default();
                self.add(text, rank);
            }
            _ => json.skip(),
        }
    }

    fn add(&mut self, text: String, rank: Rank) {
        if text.trim().is_empty() || self.best.is_some_and(|best| rank > best) {
            return;
        }
        if self.best != Some(rank) {
            self.texts.clear();
            self.best = Some(rank);
        }
        self.texts.push(text.trim().to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Option<String> {
        let mut found = FoundText::default();
        found.search(&mut JsonReader::new(value.as_bytes()), "");
        found.into_text()
    }

    #[test]
    fn the_outermost_text_is_found() {
        for (value, expected) in [
            (
                r#"{"a": {"text": "whole", "parts": [{"text": "who"}]}}"#,
                Some("whole"),
            ),
            (
                r#"{"parts": [{"text": "a"}, {"x": {"text": "deep"}}, {"transcript": "b"}]}"#,
                Some("a\nb"),
            ),
            (
                r#"{"parts": [{"text": "a"}], "data": {"inner": {"transcript": "whole"}}}"#,
                Some("whole"),
            ),
            (r#"{"text": ["a", "b"]}"#, Some("a\nb")),
            (r#"{"text": " ", "label": "a"}"#, None),
            ("[]", None),
        ] {
            assert_eq!(text(value).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn deep_nesting_is_not_searched() {
        let (open, close) = (r#"{"a": "#.repeat(100_000), "}".repeat(100_000));
        let deep = format!(r#"{open}{{"text": "a"}}{close}"#);
        assert_eq!(text(&deep), None);
    }
}
