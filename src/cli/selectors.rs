//! Words that select items: IDs, ranges, paths, patterns, and `-` for standard input.

use super::exit::{CommandError, Exit};
use super::terminal::{escape_control_chars, print_error};
use crate::app::select::{Selection, select};
use crate::app::session::Session;
use crate::domain::JobId;
use crate::domain::item_selector::ItemSelector;
use serde_json::Value;
use std::fmt::Display;
use std::io::{BufRead, ErrorKind, stdin};

/// Selects the items of the words. Prints an error for each word that selects none, and returns whether there was one.
pub(super) async fn selected(
    session: &Session,
    words: &[String],
) -> Result<(Vec<JobId>, bool), CommandError> {
    let words = selectors(words)?;
    let Selection { items, unmatched } = select(session, &words).await?;
    for word in &unmatched {
        let word = escape_control_chars(word);
        print_error(&no_item(&word));
    }
    Ok((items, !unmatched.is_empty()))
}

/// Returns the error about a word that selects no item.
pub(super) fn no_item(word: &dyn Display) -> String {
    format!("there is no item `{word}`; `nightscribe list` shows all items")
}

/// Parses the words, and replaces `-` by the lines of standard input.
fn selectors(words: &[String]) -> Result<Vec<ItemSelector>, CommandError> {
    let mut selectors = Vec::new();
    for word in words {
        if word != "-" {
            selectors.push(parse(word)?);
            continue;
        }
        for line in stdin().lock().lines() {
            let line = line.map_err(|error| match error.kind() {
                ErrorKind::InvalidData => CommandError::new(
                    Exit::Usage,
                    "standard input is not text; expected an ID, a range, a path or a pattern on each line",
                ),
                _ => error.into(),
            })?;
            if !line.trim().is_empty() {
                selectors.push(of_line(line.trim_end_matches('\r'))?);
            }
        }
    }
    Ok(selectors)
}

/// Returns the item of a line: a word, or an object of `list --json`.
fn of_line(line: &str) -> Result<ItemSelector, CommandError> {
    let object: Option<Value> = serde_json::from_str(line).ok();
    match object.as_ref().and_then(|object| object["id"].as_i64()) {
        Some(id) => Ok(ItemSelector::Id(id)),
        None => parse(line),
    }
}

fn parse(word: &str) -> Result<ItemSelector, CommandError> {
    word.parse().map_err(|error| {
        let word = escape_control_chars(word);
        CommandError::new(Exit::Usage, format!("`{word}`: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_word_or_an_object_of_the_list() {
        let of = |line: &str| of_line(line).map_err(|error| error.one_line());
        assert_eq!(of(r#"{"id":7,"state":"failed"}"#), Ok(ItemSelector::Id(7)));
        assert_eq!(of("7"), Ok(ItemSelector::Id(7)));
        assert_eq!(of("a b.mp3"), Ok(ItemSelector::Path("a b.mp3".to_owned())));
        assert_eq!(
            of("9-3"),
            Err("`9-3`: the range ends before it starts; write 3-9".to_owned())
        );
    }
}
