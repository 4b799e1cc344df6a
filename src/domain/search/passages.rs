//! The passages of a transcript that answer a query, best first.

use super::occurrences::{Match, Occurrence, SpokenWord, occurrences};
use super::query::Query;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::Range;

/// Characters before the first match of a passage, at most.
const BEFORE_CHARS: usize = 60;
/// Characters of a passage, at most, unless a match is longer.
const PASSAGE_CHARS: usize = 200;

/// A passage: displayed words of one speaker, unless a match spans several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// Indices of its words.
    pub words: Range<usize>,
    /// Matches in it, in order. They do not overlap.
    pub matches: Vec<Match>,
}

/// Returns at most `limit` passages that do not overlap. Those with the most parts of the query come first, then those
/// with the most matches, then the earliest.
///
/// Empty if the text does not contain all that the query requires.
#[must_use]
pub fn passages(query: &Query, words: &[SpokenWord<'_>], limit: usize) -> Vec<Passage> {
    let found = occurrences(query, words);
    let mut candidates: Vec<_> = (0..found.len())
        .map(|first| candidate(&found, first, words))
        .collect();
    candidates.sort_by_key(|one| (Reverse(one.groups), Reverse(one.matches), one.words.start));
    let mut chosen: Vec<Passage> = Vec::new();
    for candidate in candidates {
        if chosen.len() == limit {
            break;
        }
        let overlaps = |other: &Passage| {
            other.words.start < candidate.words.end && candidate.words.start < other.words.end
        };
        if !chosen.iter().any(overlaps) {
            chosen.push(passage(&found, candidate.words));
        }
    }
    chosen
}

/// A passage that begins shortly before an occurrence.
struct Candidate {
    words: Range<usize>,
    /// Number of groups of the query in it.
    groups: usize,
    /// Number of occurrences in it.
    matches: usize,
}

fn candidate(found: &[Occurrence], first: usize, words: &[SpokenWord<'_>]) -> Candidate {
    let words = around(&found[first].words(), words);
    let inside = found[first..]
        .iter()
        .take_while(|one| one.words().start < words.end);
    let inside = inside.filter(|one| one.words().end <= words.end);
    let groups: Vec<_> = inside.map(|one| one.group).collect();
    Candidate {
        words,
        matches: groups.len(),
        groups: groups.into_iter().collect::<BTreeSet<_>>().len(),
    }
}

/// Returns the words around an occurrence that the same speaker says.
fn around(found: &Range<usize>, words: &[SpokenWord<'_>]) -> Range<usize> {
    let length = |word: &SpokenWord<'_>| word.text.chars().count() + 1;
    let speaker = words[found.start].speaker;
    let mut start = found.start;
    let mut chars = 0;
    while let Some(before) = start.checked_sub(1)
        && words[before].speaker == speaker
        && chars + length(&words[before]) <= BEFORE_CHARS
    {
        chars += length(&words[before]);
        start = before;
    }
    chars += words[found.clone()].iter().map(length).sum::<usize>();
    let mut end = found.end;
    while let Some(after) = words.get(end)
        && after.speaker == speaker
        && chars + length(after) <= PASSAGE_CHARS
    {
        chars += length(after);
        end += 1;
    }
    start..end
}

fn passage(found: &[Occurrence], words: Range<usize>) -> Passage {
    let is_inside = |found: &&Match| found.start.word >= words.start && found.end.word < words.end;
    let inside = found.iter().flat_map(|one| &one.matches).filter(is_inside);
    let mut all: Vec<_> = inside.cloned().collect();
    all.sort_by_key(|one| (one.start, one.end));
    let mut matches: Vec<Match> = Vec::new();
    for one in all {
        match matches.last_mut() {
            Some(last) if one.start < last.end => last.end = last.end.max(one.end),
            _ => matches.push(one),
        }
    }
    Passage { words, matches }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::search::parse::parse;
    use proptest::prelude::*;

    fn shown(query: &str, words: &[SpokenWord<'_>], limit: usize) -> Vec<String> {
        let passages = passages(&parse(query).unwrap(), words, limit);
        let text = |passage: &Passage| {
            let words: Vec<_> = words[passage.words.clone()]
                .iter()
                .map(|word| word.text)
                .collect();
            format!("{}: {}", passage.matches.len(), words.join(" "))
        };
        passages.iter().map(text).collect()
    }

    fn said<'a>(text: &'a str, speaker: Option<&'a str>) -> Vec<SpokenWord<'a>> {
        let words = text.split_whitespace();
        words.map(|text| SpokenWord { text, speaker }).collect()
    }

    #[test]
    fn the_passage_with_most_of_the_query_comes_first() {
        let filler = "and so on ".repeat(40);
        let text = format!(
            "a budget {filler} the plan {filler} a budget and its plan and budget {filler} budget"
        );
        let found = shown("budget plan", &said(&text, None), 3);
        assert!(
            found[0].starts_with("3: ") && found[0].contains("budget and its plan"),
            "{found:?}"
        );
        assert!(found[1].starts_with("1: a budget and so on"), "{found:?}");
        assert_eq!(found.len(), 3);
        assert_eq!(shown("budget plan", &said(&text, None), 1).len(), 1);
    }

    #[test]
    fn a_passage_is_that_of_one_speaker() {
        let words = [
            said("well then", Some("Anna")),
            said("the budget is small", Some("Bo")),
            said("is it", Some("Anna")),
        ]
        .concat();
        assert_eq!(shown("budget", &words, 9), ["1: the budget is small"]);
        assert_eq!(
            shown("\"then the budget\"", &words, 9),
            ["1: well then the budget"]
        );
    }

    #[test]
    fn overlapping_matches_are_one() {
        let words = said("a b c d", None);
        assert_eq!(shown("\"a b\" \"b c\" c", &words, 9), ["1: a b c d"]);
    }

    proptest! {
        #[test]
        fn passages_are_disjoint_and_have_matches(text in "([abc]( |\\.)){0,300}", query in "[abc]( [abc]){0,2}") {
            let words = said(&text, None);
            let found = passages(&parse(&query).unwrap(), &words, 5);
            for (index, one) in found.iter().enumerate() {
                prop_assert!(!one.matches.is_empty() && one.words.end <= words.len());
                prop_assert!(one.matches.windows(2).all(|pair| pair[0].end <= pair[1].start));
                let apart = |other: &Passage| other.words.end <= one.words.start || one.words.end <= other.words.start;
                prop_assert!(found[..index].iter().all(apart));
            }
        }
    }
}
