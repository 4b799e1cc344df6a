//! The places where the terms of a query occur in a spoken text.

use super::query::{Phrase, Query, Term};
use super::words::Words;
use std::collections::HashMap;
use std::ops::Range;

/// A word as it is displayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpokenWord<'a> {
    /// Text.
    pub text: &'a str,
    /// Label of the speaker, if known.
    pub speaker: Option<&'a str>,
}

/// A place within displayed words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Index of the word.
    pub word: usize,
    /// Offset in its text, in bytes.
    pub byte: usize,
}

/// A phrase in the text, from its first character to the end of its last one.
pub type Match = Range<Place>;

/// An occurrence of a term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Occurrence {
    /// Group of the query to which the term belongs.
    pub(super) group: usize,
    /// Its phrases: one, or those that are near to each other.
    pub(super) matches: Vec<Match>,
}

impl Occurrence {
    /// Returns the indices of the displayed words, from the first to the last.
    pub(super) fn words(&self) -> Range<usize> {
        let first = self.matches.iter().map(|found| found.start.word).min();
        let last = self.matches.iter().map(|found| found.end.word).max();
        first.unwrap_or_default()..last.map_or(0, |last| last + 1)
    }
}

/// Returns the occurrences of the terms that must occur, in order. With a filter for speakers, only theirs.
///
/// Empty unless each group of the query occurs. The time is linear in the number of words, times that of terms.
pub(super) fn occurrences(query: &Query, words: &[SpokenWord<'_>]) -> Vec<Occurrence> {
    let text = IndexedText::of(words);
    let mut is_speaker = SpeakerFilter::new(&query.filters.speakers);
    let mut all = Vec::new();
    for (group, terms) in query.all.iter().enumerate() {
        let found = terms.iter().flat_map(|term| text.occurrences(term));
        let found = found.map(|matches| Occurrence { group, matches });
        let before = all.len();
        all.extend(found.filter(|found| is_speaker.accepts(words[found.words().start].speaker)));
        if all.len() == before {
            return Vec::new();
        }
    }
    all.sort_by_key(|found| (found.words().start, found.words().end));
    all
}

/// Accepts the speakers whose labels contain one of the phrases. Accepts all without phrases.
struct SpeakerFilter<'a> {
    phrases: &'a [Phrase],
    known: HashMap<String, bool>,
}

impl<'a> SpeakerFilter<'a> {
    fn new(phrases: &'a [Phrase]) -> Self {
        Self {
            phrases,
            known: HashMap::new(),
        }
    }

    fn accepts(&mut self, speaker: Option<&str>) -> bool {
        if self.phrases.is_empty() {
            return true;
        }
        let Some(speaker) = speaker else {
            return false;
        };
        if let Some(known) = self.known.get(speaker) {
            return *known;
        }
        let label = [SpokenWord {
            text: speaker,
            speaker: None,
        }];
        let label = IndexedText::of(&label);
        let accepts = self
            .phrases
            .iter()
            .any(|phrase| !label.starts(phrase).is_empty());
        self.known.insert(speaker.to_owned(), accepts);
        accepts
    }
}

/// The words of the index, with their places in the displayed words.
struct IndexedText {
    text: String,
    words: Vec<IndexedWord>,
}

/// Offsets are of 32 bits, as a transcript may have hundreds of thousands of words. No answer of the service is as long as these
/// reach.
#[derive(Clone, Copy)]
struct IndexedWord {
    /// Offset of the word in the indexed text. It ends where the next one begins.
    text: u32,
    /// Index of the displayed word.
    word: u32,
    /// Offset in the displayed word, in bytes.
    start: u32,
    /// Offset of its end in the displayed word, in bytes.
    end: u32,
}

impl IndexedText {
    fn of(displayed: &[SpokenWord<'_>]) -> Self {
        let mut indexed = Self {
            text: String::new(),
            words: Vec::with_capacity(displayed.len()),
        };
        let mut words = Words::default();
        for (number, shown) in displayed.iter().enumerate() {
            if shown.text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                indexed.add(number, shown.text, 0..shown.text.len());
                let start = indexed.text.len() - shown.text.len();
                indexed.text[start..].make_ascii_lowercase();
                continue;
            }
            words.read(shown.text);
            for (text, bytes) in words.iter() {
                indexed.add(number, text, bytes);
            }
        }
        indexed
    }

    fn add(&mut self, number: usize, text: &str, bytes: Range<usize>) {
        if text.is_empty() {
            return;
        }
        self.words.push(IndexedWord {
            text: self.text.len() as u32,
            word: number as u32,
            start: bytes.start as u32,
            end: bytes.end as u32,
        });
        self.text.push_str(text);
    }

    fn word(&self, index: usize) -> &str {
        let next = self.words.get(index + 1);
        let end = next.map_or(self.text.len(), |next| next.text as usize);
        &self.text[self.words[index].text as usize..end]
    }

    fn occurrences(&self, term: &Term) -> Vec<Vec<Match>> {
        match term {
            Term::Phrase(phrase) => {
                let starts = self.starts(phrase).into_iter();
                starts
                    .map(|start| vec![self.found(start, phrase)])
                    .collect()
            }
            Term::Near { phrases, distance } => self.near(phrases, *distance),
        }
    }

    /// Returns the indices of the words with which the phrase begins.
    fn starts(&self, phrase: &Phrase) -> Vec<usize> {
        let length = phrase.words.len();
        let last = self.words.len().checked_sub(length);
        let starts = last.map_or(0..0, |last| 0..last + 1);
        let is_start = |&start: &usize| {
            phrase.words.iter().enumerate().all(|(offset, word)| {
                let there = self.word(start + offset);
                match phrase.is_prefix && offset + 1 == length {
                    true => there.starts_with(word.as_str()),
                    false => there == word,
                }
            })
        };
        starts.filter(is_start).collect()
    }

    fn found(&self, start: usize, phrase: &Phrase) -> Match {
        let place = |word: u32, byte: u32| Place {
            word: word as usize,
            byte: byte as usize,
        };
        let (first, last) = (
            &self.words[start],
            &self.words[start + phrase.words.len() - 1],
        );
        place(first.word, first.start)..place(last.word, last.end)
    }

    /// Returns where all phrases are near to each other: for each that comes last, the closest ones before it. The rule is
    /// that of FTS5: at most `distance` words lie between the end of each and the start of the last.
    fn near(&self, phrases: &[Phrase], distance: u32) -> Vec<Vec<Match>> {
        let starts: Vec<_> = phrases.iter().map(|phrase| self.starts(phrase)).collect();
        let mut lasts: Vec<_> = starts.iter().flatten().copied().collect();
        lasts.sort_unstable();
        lasts.dedup();
        let closest = |last: usize| {
            let parts = phrases.iter().zip(&starts).map(|(phrase, starts)| {
                let before = starts
                    .partition_point(|start| *start <= last)
                    .checked_sub(1)?;
                let start = starts[before];
                let gap = last.saturating_sub(start + phrase.words.len());
                (gap <= distance as usize).then(|| self.found(start, phrase))
            });
            parts.collect::<Option<Vec<_>>>()
        };
        lasts.into_iter().filter_map(closest).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::search::parse::parse;

    fn found(query: &str, words: &[(&str, &str)]) -> Vec<String> {
        let words = words.iter().map(|(text, speaker)| SpokenWord {
            text,
            speaker: Some(speaker).filter(|speaker| !speaker.is_empty()).copied(),
        });
        let words: Vec<_> = words.collect();
        let found = occurrences(&parse(query).unwrap(), &words);
        let shown = |found: &Match| match found.start.word == found.end.word {
            true => words[found.start.word].text[found.start.byte..found.end.byte].to_owned(),
            false => format!(
                "{}..{}",
                &words[found.start.word].text[found.start.byte..],
                &words[found.end.word].text[..found.end.byte]
            ),
        };
        let shown = found
            .iter()
            .map(|one| one.matches.iter().map(shown).collect::<Vec<_>>().join("+"));
        shown.collect()
    }

    fn said(text: &str) -> Vec<(&str, &str)> {
        text.split(' ').map(|word| (word, "")).collect()
    }

    #[test]
    fn phrases_span_words_and_parts_of_words() {
        let text = said("Our COVID-19 plan, the Covid plan; plans!");
        assert_eq!(found("covid", &text), ["COVID", "Covid"]);
        assert_eq!(found("\"covid 19 plan\"", &text), ["COVID-19..plan"]);
        assert_eq!(found("plan*", &text), ["plan", "plan", "plans"]);
        assert_eq!(found("\"the covid pl\"*", &text), ["the..plan"]);
        assert_eq!(found("plan OR nothing our", &text), ["Our", "plan", "plan"]);
        assert!(found("plan nothing", &text).is_empty());
        let text = said("今日の会議は 会 議室");
        assert_eq!(found("会議", &text), ["会議", "会..議"]);
    }

    #[test]
    fn near_phrases_are_at_most_so_far_apart() {
        let text = said("a x x b x x x a");
        assert_eq!(found("NEAR(a b, 2)", &text), ["a+b"]);
        assert_eq!(found("NEAR(b a, 3)", &text), ["b+a", "b+a"]);
        assert!(found("NEAR(a b, 1)", &text).is_empty());
    }

    #[test]
    fn a_speaker_says_all_words() {
        let text = [
            ("yes", "Anna B"),
            ("no", "Anna B"),
            ("yes", "Bo"),
            ("maybe", ""),
        ];
        assert_eq!(found("yes", &text).len(), 2);
        assert_eq!(found("yes speaker:anna", &text).len(), 1);
        assert_eq!(found("yes speaker:\"anna b\" speaker:bo", &text).len(), 2);
        assert_eq!(found("yes no speaker:an*", &text).len(), 2);
        assert!(found("yes no speaker:bo", &text).is_empty());
        assert!(found("maybe speaker:bo", &text).is_empty());
    }
}
