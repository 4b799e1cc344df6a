//! Types of the values of options.

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
    /// A text, or a non-empty list of at most this many texts.
    TextOrList(usize),
    /// A non-empty list of texts.
    List,
    /// `true`, `false`, or a non-empty list of texts.
    BoolOrList,
    /// `true`, `false` or a text.
    BoolOrText,
    /// `true`, `false`, a text or a non-empty list of texts.
    BoolTextOrList,
    /// A non-negative number of seconds.
    Seconds,
    /// A non-negative integer.
    Count,
    /// A number from 0 to 1.
    Fraction,
    /// Any value.
    Any,
}

impl OptionKind {
    /// Returns a description of the valid values.
    pub(super) fn expected(self) -> String {
        let fixed = match self {
            Self::OneOf(values) => {
                let values: Vec<_> = values.iter().map(|value| format!("\"{value}\"")).collect();
                return values.join(" or ");
            }
            Self::TextOrList(most) => {
                return format!("a text or a list of at most {most} texts");
            }
            Self::Bool => "true or false",
            Self::Text => "a text",
            Self::List => "a list of texts",
            Self::BoolOrList => "true, false or a list of texts",
            Self::BoolOrText => "true, false or a text",
            Self::BoolTextOrList => "true, false, a text or a list of texts",
            Self::Seconds => "a non-negative number of seconds",
            Self::Count => "a non-negative integer",
            Self::Fraction => "a number from 0 to 1",
            Self::Any => "any value",
        };
        fixed.to_owned()
    }

    /// Whether the service accepts `value`.
    pub(super) fn accepts(self, value: &Value) -> bool {
        let number = value.as_f64().filter(|number| number.is_finite());
        match self {
            Self::Bool => value.is_boolean(),
            Self::Text => is_text(value),
            Self::OneOf(values) => value.as_str().is_some_and(|text| values.contains(&text)),
            Self::TextOrList(most) => is_text(value) || is_list(value, most),
            Self::List => is_list(value, usize::MAX),
            Self::BoolOrList => value.is_boolean() || is_list(value, usize::MAX),
            Self::BoolOrText => value.is_boolean() || is_text(value),
            Self::BoolTextOrList => {
                value.is_boolean() || is_text(value) || is_list(value, usize::MAX)
            }
            Self::Seconds => number.is_some_and(|number| number >= 0.0),
            Self::Count => value.as_u64().is_some(),
            Self::Fraction => number.is_some_and(|number| (0.0..=1.0).contains(&number)),
            Self::Any => !value.is_null(),
        }
    }
}

fn is_list(value: &Value, most: usize) -> bool {
    value
        .as_array()
        .is_some_and(|items| (1..=most).contains(&items.len()) && items.iter().all(is_text))
}

fn is_text(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|text| !text.trim().is_empty() && !text.chars().any(char::is_control))
}
