//! Languages, as services name them and as media servers and other programs expect them.

use crate::domain::Request;
use crate::domain::language_codes::two_letters;
use std::fmt;

/// Codes that stand for no single language: undetermined, several, without linguistic content.
const NO_LANGUAGE: [&str; 5] = ["und", "mul", "mis", "zxx", "unk"];
/// Options that ask for a language, by family of models.
const OPTIONS: [&str; 2] = ["language", "language_code"];

/// A language, as a BCP-47 tag with at most a region: `en`, `pt-BR`, `es-419`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Language {
    primary: String,
    region: Option<String>,
}

impl Language {
    /// Parses a tag (`en_us`, `pt-BR`), a code of three letters (`deu`, `ger`) or an English name (`german`).
    ///
    /// Returns `None` for what is no single language, such as `multi` or `und`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase().replace('_', "-");
        let mut parts = text.split('-');
        let primary = primary(parts.next()?)?;
        // A subtag of one letter starts an extension. A region follows a script.
        let subtags = parts.take_while(|subtag| subtag.len() > 1).take(2);
        let region = subtags.filter_map(region).last();
        Some(Self { primary, region })
    }

    /// Returns the detected language, or otherwise the requested one.
    #[must_use]
    pub fn of(detected: Option<&str>, request: &Request) -> Option<Self> {
        let requested = || {
            let values = OPTIONS.iter().filter_map(|key| request.options().get(*key));
            values
                .filter_map(|value| value.as_str())
                .find_map(Self::parse)
        };
        detected.and_then(Self::parse).or_else(requested)
    }

    /// Whether the models know the language. They may know any language without a code of two letters.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.primary.len() > 2 || two_letters(&self.primary).is_some()
    }

    /// Returns the code without the region: two letters, or three if there is none of two.
    #[must_use]
    pub fn primary(&self) -> &str {
        &self.primary
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.primary)?;
        match &self.region {
            Some(region) => write!(f, "-{region}"),
            None => Ok(()),
        }
    }
}

fn primary(text: &str) -> Option<String> {
    let is_code = matches!(text.len(), 2 | 3) && text.bytes().all(|byte| byte.is_ascii_lowercase());
    match two_letters(text) {
        Some(code) => Some(code.to_owned()),
        None if is_code && !NO_LANGUAGE.contains(&text) => Some(text.to_owned()),
        None => None,
    }
}

/// Returns the region of a subtag after the language. Media servers know a written form of Chinese only by a region. They know no
/// other script.
fn region(subtag: &str) -> Option<String> {
    let is_country = subtag.len() == 2 && subtag.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_area = subtag.len() == 3 && subtag.bytes().all(|byte| byte.is_ascii_digit());
    match subtag {
        "hans" => Some("CN".to_owned()),
        "hant" => Some("TW".to_owned()),
        _ if is_country || is_area => Some(subtag.to_uppercase()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn tag(text: &str) -> Option<String> {
        Language::parse(text).map(|language| language.to_string())
    }

    #[test]
    fn only_an_unassigned_code_of_two_letters_is_unknown() {
        let is_known = |text: &str| Language::parse(text).map(|language| language.is_known());
        let known = ["en", "pt-BR", "fil", "xx", "xx-XX", "multi"].map(is_known);
        let expected = [true, true, true, false, false].map(Some);
        assert_eq!(known[..5], expected);
        assert_eq!(known[5], None);
    }

    #[test]
    fn tags_codes_and_names_are_parsed() {
        for (text, expected) in [
            ("en", "en"),
            ("en_us", "en-US"),
            ("PT-br", "pt-BR"),
            ("es-419", "es-419"),
            ("zh-Hant", "zh-TW"),
            ("zh-Hant-HK", "zh-HK"),
            ("hi-Latn", "hi"),
            ("sr_latn_rs", "sr-RS"),
            ("nb-NO", "nb-NO"),
            ("cmn", "zh"),
            ("iw", "he"),
            ("fil", "fil"),
            ("deu", "de"),
            ("ger", "de"),
            ("German", "de"),
            ("haitian creole", "ht"),
            ("yue", "yue"),
            ("en-x-private", "en"),
        ] {
            assert_eq!(tag(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_single_language_is_none() {
        for text in [
            "multi", "mul", "und", "auto", "unknown", "", "-", "../e n", "e1",
        ] {
            assert_eq!(tag(text), None, "{text}");
        }
    }

    #[test]
    fn the_detected_language_precedes_the_requested_one() {
        let request = |key: &str| Request::new("m", [(key.to_owned(), json!("ja"))]);
        let of = |detected, key| Language::of(detected, &request(key)).map(|one| one.to_string());
        assert_eq!(of(Some("en"), "language").as_deref(), Some("en"));
        assert_eq!(of(None, "language").as_deref(), Some("ja"));
        assert_eq!(of(Some("multi"), "language_code").as_deref(), Some("ja"));
        assert_eq!(of(None, "model"), None);
    }

    proptest! {
        #[test]
        fn a_tag_is_short_and_plain(text in ".{0,40}") {
            if let Some(tag) = tag(&text) {
                prop_assert!(tag.len() <= 7 && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
                prop_assert_eq!(Language::parse(&tag).unwrap().to_string(), tag);
            }
        }
    }
}
