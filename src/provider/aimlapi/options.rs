//! Options of a submission: the 29 properties that the service documents in addition to `model`.

use crate::domain::did_you_mean::suggestion;
use serde_json::Value;

/// Type of the values of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionKind {
    /// `true` or `false`.
    Bool,
    /// Non-empty text.
    Text,
    /// One of the given texts.
    OneOf(&'static [&'static str]),
    /// A text, or a list of 1 to 100 texts.
    TextOrList,
    /// A non-empty list of texts.
    List,
    /// A non-negative number of seconds.
    Seconds,
}

impl OptionKind {
    fn expected(self) -> String {
        match self {
            Self::Bool => "true or false".to_owned(),
            Self::Text => "a text".to_owned(),
            Self::OneOf(values) => values
                .iter()
                .map(|value| format!("\"{value}\""))
                .collect::<Vec<_>>()
                .join(" or "),
            Self::TextOrList => "a text or a list of at most 100 texts".to_owned(),
            Self::List => "a list of texts".to_owned(),
            Self::Seconds => "a non-negative number of seconds".to_owned(),
        }
    }

    fn accepts(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Bool, Value::Bool(_)) => true,
            (Self::Text | Self::TextOrList, value @ Value::String(_)) => is_text(value),
            (Self::OneOf(values), Value::String(text)) => values.contains(&text.as_str()),
            (Self::TextOrList, Value::Array(items)) => {
                (1..=100).contains(&items.len()) && items.iter().all(is_text)
            }
            (Self::List, Value::Array(items)) => !items.is_empty() && items.iter().all(is_text),
            (Self::Seconds, Value::Number(number)) => number
                .as_f64()
                .is_some_and(|seconds| seconds.is_finite() && seconds >= 0.0),
            _ => false,
        }
    }
}

fn is_text(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|text| !text.trim().is_empty() && !text.chars().any(char::is_control))
}

/// Every option and the type of its values, in alphabetical order.
pub const OPTIONS: [(&str, OptionKind); 29] = [
    ("custom_intent", OptionKind::TextOrList),
    (
        "custom_intent_mode",
        OptionKind::OneOf(&["strict", "extended"]),
    ),
    ("custom_topic", OptionKind::TextOrList),
    (
        "custom_topic_mode",
        OptionKind::OneOf(&["strict", "extended"]),
    ),
    ("detect_entities", OptionKind::Bool),
    ("detect_language", OptionKind::Bool),
    ("detect_topics", OptionKind::Bool),
    ("diarize", OptionKind::Bool),
    ("diarize_version", OptionKind::Text),
    ("dictation", OptionKind::Bool),
    ("extra", OptionKind::Text),
    ("filler_words", OptionKind::Bool),
    ("intents", OptionKind::Bool),
    ("keywords", OptionKind::Text),
    ("language", OptionKind::Text),
    ("measurements", OptionKind::Bool),
    ("multi_channel", OptionKind::Bool),
    ("numerals", OptionKind::Bool),
    ("paragraphs", OptionKind::Bool),
    ("profanity_filter", OptionKind::Bool),
    ("punctuate", OptionKind::Bool),
    ("search", OptionKind::Text),
    ("sentiment", OptionKind::Bool),
    ("smart_format", OptionKind::Bool),
    ("summarize", OptionKind::Text),
    ("tag", OptionKind::List),
    ("topics", OptionKind::Bool),
    ("utt_split", OptionKind::Seconds),
    ("utterances", OptionKind::Bool),
];

/// Error for an option that the service would reject or silently ignore.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    /// Unknown option.
    #[error("`{name}` is not supported by the service{suggestion}")]
    Unknown {
        /// Name as written.
        name: String,
        /// Text `; did you mean …?`, or empty.
        suggestion: String,
    },
    /// Invalid value.
    #[error("`{name}` takes {expected}, not {given}")]
    InvalidValue {
        /// Name of the option.
        name: String,
        /// Description of the valid values.
        expected: String,
        /// Value as written, as JSON.
        given: String,
    },
}

/// Checks the name of an option, the type of its value and, where the option has one, its list of values.
///
/// # Errors
/// If the service does not accept the option or the value.
pub fn check(name: &str, value: &Value) -> Result<(), OptionError> {
    let Some((_, kind)) = OPTIONS.iter().find(|(known, _)| *known == name) else {
        let suggestion = suggestion(name, OPTIONS.iter().map(|(known, _)| *known));
        return Err(OptionError::Unknown {
            name: name.to_owned(),
            suggestion,
        });
    };
    if kind.accepts(value) {
        return Ok(());
    }
    Err(OptionError::InvalidValue {
        name: name.to_owned(),
        expected: kind.expected(),
        given: value.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn result_text(name: &str, value: &Value) -> String {
        check(name, value).map_or_else(|error| error.to_string(), |()| "accepted".to_owned())
    }

    #[test]
    fn the_table_is_sorted_without_duplicates() {
        assert!(OPTIONS.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn each_kind_accepts_only_its_own_values() {
        let accepted = [
            ("diarize", json!(true)),
            ("numerals", json!(false)),
            ("language", json!("en")),
            ("tag", json!(["a"])),
            ("custom_topic", json!("a")),
            ("custom_topic", json!(["a", "b"])),
            ("utt_split", json!(1)),
            ("utt_split", json!(0.8)),
            ("custom_intent_mode", json!("strict")),
            ("summarize", json!("v2")),
        ];
        for (name, value) in accepted {
            assert_eq!(result_text(name, &value), "accepted", "{name} {value}");
        }
        let rejected = [
            ("diarize", json!("true")),
            ("diarize", json!(1)),
            ("language", json!("")),
            ("language", json!(true)),
            ("language", json!("e\nn")),
            ("tag", json!("a")),
            ("tag", json!([])),
            ("tag", json!([1])),
            ("custom_topic", json!(vec!["a"; 101])),
            ("utt_split", json!(-1)),
            ("utt_split", json!("1")),
            ("custom_intent_mode", json!("loose")),
            ("search", json!(null)),
            ("extra", json!({})),
        ];
        for (name, value) in rejected {
            assert_ne!(result_text(name, &value), "accepted", "{name} {value}");
        }
    }

    #[test]
    fn an_error_names_valid_values_or_a_suggestion() {
        assert_eq!(
            result_text("diarise", &json!(true)),
            "`diarise` is not supported by the service; did you mean `diarize`?"
        );
        assert_eq!(
            result_text("multichannel", &json!(true)),
            "`multichannel` is not supported by the service; did you mean `multi_channel`?"
        );
        assert_eq!(
            result_text("diarize", &json!("yes")),
            "`diarize` takes true or false, not \"yes\""
        );
        assert_eq!(
            result_text("custom_topic_mode", &json!("x")),
            "`custom_topic_mode` takes \"strict\" or \"extended\", not \"x\""
        );
    }
}
