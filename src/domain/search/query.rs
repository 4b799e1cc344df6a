//! A query: words that occur in a transcript, words that do not, and filters.

use super::entry::BEGINNING_CHARS;
use crate::domain::Language;
use jiff::civil::Date;

/// A query that was parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Groups of which each must occur. There is at least one.
    pub all: Vec<Group>,
    /// Terms of which none may occur.
    pub none: Vec<Term>,
    /// Properties of the transcript.
    pub filters: Filters,
}

/// Terms of which one must occur. There is at least one.
pub type Group = Vec<Term>;

/// Words or phrases that occur in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// A word, or several in a row.
    Phrase(Phrase),
    /// Phrases close to each other, in any order. There are at least two.
    Near {
        /// The phrases.
        phrases: Vec<Phrase>,
        /// Maximum number of words between the first and the last.
        distance: u32,
    },
}

impl Term {
    /// Returns the phrases of the term.
    #[must_use]
    pub fn phrases(&self) -> &[Phrase] {
        match self {
            Self::Phrase(phrase) => std::slice::from_ref(phrase),
            Self::Near { phrases, .. } => phrases,
        }
    }
}

/// Words in a row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Phrase {
    /// The words, as [`words`](super::words) returns them. There is at least one.
    pub words: Vec<String>,
    /// Whether the last one is the beginning of a word.
    pub is_prefix: bool,
}

impl Phrase {
    /// Returns the beginning of words that the phrase consists of, if it is short enough to be in the index on its own.
    #[must_use]
    pub fn short_prefix(&self) -> Option<&str> {
        match &*self.words {
            [word] if self.is_prefix && BEGINNING_CHARS.contains(&word.chars().count()) => {
                Some(word)
            }
            _ => None,
        }
    }
}

/// Properties of the transcript. Of several values of a kind, one must apply.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filters {
    /// Names of sources.
    pub sources: Vec<String>,
    /// Words of a speaker's label. The words of the query are those of that speaker.
    pub speakers: Vec<Phrase>,
    /// Languages. A language without a region stands for all of its regions.
    pub languages: Vec<Language>,
    /// First day of the recording, in local time.
    pub after: Option<Date>,
    /// Day before which it was made, in local time.
    pub before: Option<Date>,
}
