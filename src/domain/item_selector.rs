//! Selection of items on the command line.

use std::str::FromStr;

/// One word that selects items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemSelector {
    /// The item with this ID.
    Id(i64),
    /// The items with these IDs, including both ends.
    Range(i64, i64),
    /// The recordings with this path or URL. If there are none, `*`, `?` and `[…]` match parts of a path.
    Path(String),
}

/// Error for a word that selects nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSelector {
    /// The word is empty.
    #[error("expected an item ID, a range of IDs, a path or a pattern")]
    Empty,
    /// The end of a range is before its start.
    #[error("the range ends before it starts; write {1}-{0}")]
    Reversed(i64, i64),
}

impl FromStr for ItemSelector {
    type Err = InvalidSelector;

    fn from_str(word: &str) -> Result<Self, InvalidSelector> {
        let number = |text: &str| -> Option<i64> {
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| text.parse().ok()).flatten()
        };
        if word.trim().is_empty() {
            return Err(InvalidSelector::Empty);
        }
        if let Some(id) = number(word) {
            return Ok(Self::Id(id));
        }
        let ends = word
            .split_once('-')
            .and_then(|(first, last)| Some((number(first)?, number(last)?)));
        match ends {
            Some((first, last)) if first > last => Err(InvalidSelector::Reversed(first, last)),
            Some((first, last)) => Ok(Self::Range(first, last)),
            None => Ok(Self::Path(word.to_owned())),
        }
    }
}

impl ItemSelector {
    /// Whether a path has characters of a pattern.
    #[must_use]
    pub fn is_pattern(path: &str) -> bool {
        path.contains(['*', '?', '['])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_an_id_a_range_or_a_path() {
        let parse = str::parse::<ItemSelector>;
        assert_eq!(parse("17"), Ok(ItemSelector::Id(17)));
        assert_eq!(parse("3-7"), Ok(ItemSelector::Range(3, 7)));
        assert_eq!(parse("7-3"), Err(InvalidSelector::Reversed(7, 3)));
        assert_eq!(parse(" "), Err(InvalidSelector::Empty));
        for path in ["-3", "3-", "2026-11-30.mp3", "a-b", "+3", "3.5", "*.mp3"] {
            assert_eq!(parse(path), Ok(ItemSelector::Path(path.to_owned())));
        }
    }
}
