//! Parsers of single values. Each error names the expected and the found value.

use bytesize::ByteSize;
use serde_json::Value;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use url::Url;

/// A parsed value, or an error message without the key.
pub(super) type ParseResult<T> = Result<T, String>;

fn expected<T>(what: &str, found: &Value) -> ParseResult<T> {
    Err(format!("expected {what}, found {found}"))
}

pub(super) fn string(value: &Value) -> ParseResult<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Ok(text.clone()),
        other => expected("a string", other),
    }
}

pub(super) fn boolean(value: &Value) -> ParseResult<bool> {
    value
        .as_bool()
        .map_or_else(|| expected("true or false", value), Ok)
}

pub(super) fn path(value: &Value) -> ParseResult<PathBuf> {
    match value {
        Value::String(text) if !text.trim().is_empty() && !text.contains('\0') => {
            Ok(PathBuf::from(text))
        }
        other => expected("a path", other),
    }
}

pub(super) fn strings(value: &Value) -> ParseResult<Vec<String>> {
    let items = value
        .as_array()
        .map(|items| items.iter().map(string).collect::<Result<Vec<_>, _>>());
    match items {
        Some(Ok(texts)) => Ok(texts),
        _ => expected("a list of strings like [\"a\", \"b\"]", value),
    }
}

/// Parses a duration, which may be zero.
pub(super) fn duration(value: &Value) -> ParseResult<Duration> {
    let parsed = value
        .as_str()
        .and_then(|text| humantime::parse_duration(text).ok());
    parsed.map_or_else(
        || expected("a duration like \"10s\" or \"1h 30m\"", value),
        Ok,
    )
}

/// Parses a duration of at least one millisecond.
pub(super) fn positive_duration(value: &Value) -> ParseResult<Duration> {
    match duration(value)? {
        short if short < Duration::from_millis(1) => {
            expected("a duration of at least \"1ms\"", value)
        }
        span => Ok(span),
    }
}

/// Parses a positive size: `"500 MB"`, `"2 GiB"`, or a number of bytes.
pub(super) fn bytes(value: &Value) -> ParseResult<u64> {
    let parsed = match value {
        Value::String(text) => text.parse::<ByteSize>().ok().map(|size| size.as_u64()),
        number => number.as_u64(),
    };
    let positive = parsed.filter(|&bytes| bytes > 0);
    positive.map_or_else(
        || expected("a size like \"500 MB\" or \"2 GiB\"", value),
        Ok,
    )
}

/// Parses a finite number above zero.
pub(super) fn positive_number(value: &Value) -> ParseResult<f64> {
    let number = value
        .as_f64()
        .filter(|number| *number > 0.0 && number.is_finite());
    number.map_or_else(|| expected("a number above 0", value), Ok)
}

/// Parses a price, which may be zero.
pub(super) fn price(value: &Value) -> ParseResult<f64> {
    let number = value
        .as_f64()
        .filter(|number| *number >= 0.0 && number.is_finite());
    number.map_or_else(
        || expected("a price per minute of audio, such as 0.0043", value),
        Ok,
    )
}

pub(super) fn rate(value: &Value) -> ParseResult<NonZeroU32> {
    let number = value
        .as_u64()
        .and_then(|number| u32::try_from(number).ok())
        .and_then(NonZeroU32::new);
    number.map_or_else(
        || expected("a whole number of requests per minute, at least 1", value),
        Ok,
    )
}

pub(super) fn count(range: RangeInclusive<usize>) -> impl Fn(&Value) -> ParseResult<usize> {
    move |value| {
        let number = value
            .as_u64()
            .and_then(|number| usize::try_from(number).ok());
        match number.filter(|number| range.contains(number)) {
            Some(number) => Ok(number),
            None => expected(
                &format!("a whole number from {} to {}", range.start(), range.end()),
                value,
            ),
        }
    }
}

/// Parses a string with `T`'s parser.
pub(super) fn parsed<T: FromStr<Err = E>, E: std::fmt::Display>(value: &Value) -> ParseResult<T> {
    string(value)?.parse().map_err(|error: E| error.to_string())
}

/// Parses a string or a non-empty list of strings with `T`'s parser.
pub(super) fn one_or_more<T: FromStr<Err = E>, E: std::fmt::Display>(
    value: &Value,
) -> ParseResult<Vec<T>> {
    match value {
        Value::Array(items) if !items.is_empty() => items.iter().map(parsed).collect(),
        single => Ok(vec![parsed(single)?]),
    }
}

/// Parses a non-empty list of strings with `T`'s parser. Rejects duplicates.
pub(super) fn parsed_list<T: FromStr<Err = E> + PartialEq, E: std::fmt::Display>(
    value: &Value,
) -> ParseResult<Vec<T>> {
    let mut words = Vec::new();
    for text in strings(value)? {
        let word = text.parse().map_err(|error: E| error.to_string())?;
        if words.contains(&word) {
            return Err(format!("`{text}` is listed twice"));
        }
        words.push(word);
    }
    if words.is_empty() {
        Err("expected at least one".to_owned())
    } else {
        Ok(words)
    }
}

/// Parses the name of an environment variable. The error does not show the value, which may be the secret itself.
pub(super) fn variable_name(value: &Value) -> ParseResult<String> {
    let name = value
        .as_str()
        .filter(|text| is_variable_name(text) && !is_like_a_key(text));
    name.map(str::to_owned).ok_or_else(|| {
        "expected the name of the environment variable that holds the secret (letters, digits and `_`)"
            .to_owned()
    })
}

fn is_variable_name(text: &str) -> bool {
    let plain = |char: char| char.is_ascii_alphanumeric() || char == '_';
    !text.starts_with(|char: char| char.is_ascii_digit())
        && !text.is_empty()
        && text.chars().all(plain)
}

/// Whether the text looks like a key: a long run of letters and digits. A variable name of that length contains `_`.
fn is_like_a_key(text: &str) -> bool {
    text.len() >= 24 && !text.contains('_') && text.contains(|char: char| char.is_ascii_digit())
}

pub(super) fn base_url(value: &Value) -> ParseResult<Url> {
    const CREDENTIALS: &str = "the URL contains a user name or password; put the key in the variable named by `key_env` or in the file named by `key_file`";
    let text = string(value)?;
    let url = Url::parse(text.trim())
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some());
    let Some(url) = url else {
        return match text.contains('@') {
            true => Err(CREDENTIALS.to_owned()),
            false => expected("an http:// or https:// URL", value),
        };
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(CREDENTIALS.to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("the URL has a query or fragment; set only the part before /stt".to_owned());
    }
    Ok(url)
}

/// Parses a program and its arguments.
pub(super) fn command(value: &Value) -> ParseResult<(String, Vec<String>)> {
    const EXPECTED: &str = "a program and its arguments, as in [\"program\", \"argument\"]";
    let texts = value.as_array().map(|items| {
        let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
        texts.collect::<Option<Vec<_>>>()
    });
    match texts.flatten() {
        Some(texts) if texts.iter().all(|text| !text.contains('\0')) => {
            let mut texts = texts.into_iter();
            match texts.next() {
                Some(program) if !program.trim().is_empty() => Ok((program, texts.collect())),
                _ => expected(EXPECTED, value),
            }
        }
        _ => expected(EXPECTED, value),
    }
}

/// Parses the URL of a webhook or monitor. The error does not show the value, whose path may be a secret.
pub(super) fn web_url(value: &Value) -> ParseResult<Url> {
    let url = Url::parse(string(value)?.trim())
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some());
    let url = url.ok_or("expected an http:// or https:// URL")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "the URL contains a user name or password; credentials are not allowed in the configuration"
                .to_owned(),
        );
    }
    Ok(url)
}
