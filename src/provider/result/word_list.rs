//! Words in the order of a result, with times for those that the service left without.

use crate::domain::transcript::Word;

/// Words of a list. A word without times gets the time between its neighbours.
#[derive(Debug, Default)]
pub(crate) struct WordList {
    words: Vec<Word>,
    /// Words without times since the last word with times.
    waiting: Vec<Word>,
}

impl WordList {
    /// Adds a word, or as an error one without times.
    pub(crate) fn push(&mut self, word: Result<Word, Word>) {
        match word {
            Ok(word) => {
                let last_end_s = self.words.last().map_or(word.start_s, |last| last.end_s);
                self.place_waiting((last_end_s.min(word.start_s), word.start_s));
                self.words.push(word);
            }
            Err(word) => self.waiting.push(word),
        }
    }

    /// Returns the words. Those at the end without times end with `end_s`.
    ///
    /// The second list contains the words if none of them has times.
    pub(crate) fn finish(mut self, end_s: Option<f64>) -> (Vec<Word>, Vec<Word>) {
        if let Some(last_end_s) = self.words.last().map(|last| last.end_s) {
            let end_s = end_s.map_or(last_end_s, |end_s| end_s.max(last_end_s));
            self.place_waiting((last_end_s, end_s));
        }
        (self.words, self.waiting)
    }

    fn place_waiting(&mut self, (start_s, end_s): (f64, f64)) {
        let step_s = (end_s - start_s) / self.waiting.len().max(1) as f64;
        let words = std::mem::take(&mut self.waiting).into_iter().enumerate();
        self.words.extend(words.map(|(index, word)| {
            let start_s = start_s + step_s * index as f64;
            let end_s = start_s + step_s;
            Word {
                start_s,
                end_s,
                ..word
            }
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str, start_s: f64) -> Word {
        Word {
            text: text.into(),
            start_s,
            end_s: start_s + 1.0,
            speaker: None,
            channel: None,
            confidence: None,
        }
    }

    fn listed(words: &[(&str, Option<f64>)], end_s: Option<f64>) -> (Vec<(String, f64)>, usize) {
        let mut list = WordList::default();
        for (text, start_s) in words {
            list.push(match start_s {
                Some(start_s) => Ok(word(text, *start_s)),
                None => Err(word(text, 0.0)),
            });
        }
        let (words, untimed) = list.finish(end_s);
        let words = words
            .into_iter()
            .map(|word| (word.text.to_string(), word.start_s));
        (words.collect(), untimed.len())
    }

    #[test]
    fn words_without_times_lie_between_their_neighbours() {
        let words = [
            ("in", Some(1.0)),
            ("20", None),
            ("14", None),
            ("we", Some(4.0)),
        ];
        let expected = [("in", 1.0), ("20", 2.0), ("14", 3.0), ("we", 4.0)];
        let expected = expected.map(|(text, start_s)| (text.to_owned(), start_s));
        assert_eq!(listed(&words, None), (expected.to_vec(), 0));
    }

    #[test]
    fn words_without_times_may_begin_or_end_a_list() {
        let words = [("so", None), ("we", Some(1.0)), ("left", None)];
        let starts = |end_s| {
            let (words, _) = listed(&words, end_s);
            words.iter().map(|word| word.1).collect::<Vec<_>>()
        };
        assert_eq!(starts(Some(3.0)), [1.0, 1.0, 2.0]);
        assert_eq!(starts(None), [1.0, 1.0, 2.0]);
    }

    #[test]
    fn a_list_without_times_stays_apart() {
        assert_eq!(listed(&[("a", None), ("b", None)], Some(2.0)), (vec![], 2));
    }
}
