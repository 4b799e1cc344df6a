//! Placeholders in the arguments of programs, such as `{txt}`.

/// Error for an unknown placeholder: its name and a suggestion, which may be empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown placeholder `{{{0}}}`{1}")]
pub struct UnknownPlaceholder(pub(super) String, pub(super) String);

/// Parses a text with placeholders into parts. `part` returns the part of a placeholder by its name.
///
/// # Errors
/// The error of `part`.
pub(super) fn parse_parts<P>(
    text: &str,
    text_part: impl Fn(String) -> P,
    part: impl Fn(&str) -> Result<P, UnknownPlaceholder>,
) -> Result<Vec<P>, UnknownPlaceholder> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, name, after)) = next_placeholder(rest) {
        parts.extend((!before.is_empty()).then(|| text_part(before.to_owned())));
        parts.push(part(name)?);
        rest = after;
    }
    parts.extend((!rest.is_empty()).then(|| text_part(rest.to_owned())));
    Ok(parts)
}

/// Finds the next placeholder: one or more lowercase ASCII letters or `_` in braces. Returns the text before it, its name and the
/// text after it. All other braces are text.
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
