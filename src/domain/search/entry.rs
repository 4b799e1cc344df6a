//! The entry of a transcript in the index.

use super::words::{add_words, beginning};
use crate::domain::{JobId, Language};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// Word between the names of two speakers, so that no phrase spans both.
const BETWEEN: &str = "¶";
/// Numbers of characters of the beginnings of words that the index stores on their own. No query has a shorter prefix.
pub const BEGINNING_CHARS: RangeInclusive<usize> = 2..=3;
/// Part of each digest. It changes with what the index stores of a transcript.
const FORM: &str = "words, speakers, language, beginnings";

/// A transcript as the index stores it. Its text is not kept, only the places of its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchEntry {
    /// Job with the transcript.
    pub job: JobId,
    /// Words of the transcript, separated by spaces.
    pub words: String,
    /// Words of the labels of its speakers.
    pub speakers: String,
    /// Language of the transcript, detected or requested.
    pub language: Option<Language>,
}

impl SearchEntry {
    /// Creates the entry of a transcript. `texts` are its parts in order, and `speakers` the labels of its speakers.
    #[must_use]
    pub fn new<'a>(
        job: JobId,
        texts: impl Iterator<Item = &'a str>,
        speakers: impl Iterator<Item = &'a str>,
        language: Option<Language>,
    ) -> Self {
        let mut entry = Self {
            job,
            words: String::new(),
            speakers: String::new(),
            language,
        };
        texts.for_each(|text| add_words(text, &mut entry.words));
        for speaker in speakers {
            if !entry.speakers.is_empty() {
                entry.speakers.push(' ');
                entry.speakers.push_str(BETWEEN);
            }
            add_words(speaker, &mut entry.speakers);
        }
        entry
    }

    /// Returns the beginnings of the words, of two and three characters, each once and separated by spaces.
    #[must_use]
    pub fn beginnings(&self) -> String {
        let words: BTreeSet<_> = self.words.split(' ').collect();
        let long_enough = |word: &&str| word.chars().nth(1).is_some();
        let beginnings = words
            .into_iter()
            .filter(long_enough)
            .flat_map(|word| BEGINNING_CHARS.map(move |length| beginning(word, length)));
        let beginnings: BTreeSet<_> = beginnings.collect();
        beginnings.into_iter().collect::<Vec<_>>().join(" ")
    }

    /// Returns a number that is the same for equal entries, to tell whether an entry has changed.
    #[must_use]
    pub fn digest(&self) -> i64 {
        let language = self.language.as_ref().map(Language::to_string);
        let mut digest = Sha256::new();
        let language = language.unwrap_or_default();
        for part in [FORM, &*self.words, &*self.speakers, &*language] {
            digest.update(part.len().to_le_bytes());
            digest.update(part);
        }
        let bytes = digest.finalize();
        bytes
            .iter()
            .take(8)
            .fold(0, |number, &byte| (number << 8) | i64::from(byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speakers_are_apart() {
        let entry = |speakers: &[&str]| {
            let speakers = speakers.iter().copied();
            SearchEntry::new(JobId(1), ["Hello,", "world!"].into_iter(), speakers, None)
        };
        let two = entry(&["Anna Bo", "Speaker 2"]);
        assert_eq!(
            (&*two.words, &*two.speakers),
            ("hello world", "anna bo ¶ speaker 2")
        );
        assert_eq!(two.digest(), entry(&["Anna Bo", "Speaker 2"]).digest());
        assert_ne!(two.digest(), entry(&["Anna Bo"]).digest());
    }

    #[test]
    fn beginnings_are_those_of_all_words_once() {
        let beginnings = |text: &str| {
            let texts = [text].into_iter();
            SearchEntry::new(JobId(1), texts, std::iter::empty(), None).beginnings()
        };
        assert_eq!(beginnings("The theme, a Thing"), "th the thi");
        assert_eq!(beginnings("Ärzte 会議"), "ar arz");
        assert_eq!(beginnings("…"), "");
    }
}
