//! The words of one channel, prepared for the choice of subtitle and line breaks.

use super::plain;
use super::punctuation::{ends_clause, ends_sentence};
use super::token::Token;
use super::weak_words::{Binding, WordBinding};

/// The place between a word and the next one, by how well a line or subtitle may end there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Boundary {
    /// After a sentence, or before another speaker.
    Sentence,
    /// After another clause.
    Clause,
    /// Before a conjunction or preposition.
    Phrase,
    /// Between words without a mark.
    Words,
    /// After a word that belongs to the next one.
    WeakWord,
    /// Within a word or number, or where the script forbids a line break.
    Inside,
}

/// The words of one channel, in order.
pub(super) struct Speech<'a> {
    pub(super) words: &'a [Token<'a>],
    /// Boundary after each word.
    pub(super) boundaries: Vec<Boundary>,
    /// Column at which each word would start if all were on one line, without its own leading space. The last value is the
    /// width of that line.
    columns: Vec<usize>,
}

impl<'a> Speech<'a> {
    pub(super) fn new(words: &'a [Token<'a>], binding: &WordBinding) -> Self {
        let bindings: Vec<_> = words
            .iter()
            .map(|word| binding.binding(&word.text))
            .collect();
        let boundary = |index: usize| match words.get(index + 1) {
            Some(next) => {
                let bindings = (bindings[index], bindings[index + 1]);
                boundary(&words[index], next, bindings)
            }
            None => Boundary::Sentence,
        };
        let mut column = 0;
        let mut columns = vec![0];
        columns.extend(words.iter().map(|word| {
            column += word.width + usize::from(word.has_space);
            column
        }));
        Self {
            words,
            boundaries: (0..words.len()).map(boundary).collect(),
            columns,
        }
    }

    /// Returns the first word in `from..to` from which the words up to `to` fit on one line, or `to`.
    pub(super) fn first_within(&self, from: usize, to: usize, max_columns: usize) -> usize {
        let is_wider = |column: &usize| self.columns[to] - column > max_columns + 1;
        let at_least = from + self.columns[from..to].partition_point(is_wider);
        // The leading space of a word does not count, so one more word may fit.
        (at_least..to)
            .find(|&word| self.width(word, to) <= max_columns)
            .unwrap_or(to)
    }

    /// Returns the width of the words on one line, in columns.
    pub(super) fn width(&self, from: usize, to: usize) -> usize {
        let leading = self
            .words
            .get(from)
            .is_some_and(|first| first.has_space && to > from);
        self.columns[to] - self.columns[from] - usize::from(leading)
    }
}

fn boundary(
    word: &Token<'_>,
    next: &Token<'_>,
    (binding, next_binding): (Binding, Binding),
) -> Boundary {
    if word.label != next.label {
        Boundary::Sentence
    } else if !next.has_space && !may_break(&word.text, &next.text) {
        Boundary::Inside
    } else if ends_sentence(&word.text) {
        Boundary::Sentence
    } else if ends_clause(&word.text) {
        Boundary::Clause
    } else if binding != Binding::Free {
        Boundary::WeakWord
    } else if next_binding == Binding::Connective {
        Boundary::Phrase
    } else {
        Boundary::Words
    }
}

/// Whether a line may break between two words that are not separated by a space.
fn may_break(word: &str, next: &str) -> bool {
    let pair = word.chars().next_back().zip(next.chars().next());
    pair.is_some_and(|(before, after)| plain::may_break_unspaced(before, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<Token<'_>> {
        super::super::token::text_tokens(text, 42)
    }

    fn boundaries(text: &str) -> Vec<Boundary> {
        Speech::new(&tokens(text), &WordBinding::of(None)).boundaries
    }

    #[test]
    fn boundaries_are_graded_by_meaning() {
        use Boundary::{Clause, Phrase, Sentence, WeakWord, Words};
        let found = boundaries("Well, the old box stood under stairs. Yes");
        let expected = [
            Clause, WeakWord, Words, Words, Phrase, WeakWord, Sentence, Sentence,
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn widths_leave_out_the_leading_space() {
        let tokens = tokens("one two three");
        let speech = Speech::new(&tokens, &WordBinding::of(None));
        assert_eq!(speech.width(0, 3), 13);
        assert_eq!(speech.width(1, 2), 3);
        assert_eq!(speech.width(1, 1), 0);
    }
}
