//! The words of a text, in the form in which they are compared.
//!
//! The index and the queries use the same words, and so do the passages. The index needs no tokenizer of its own.
//!
//! A word is a run of letters, digits and their marks. Case, accents, vowel points and compatible forms of a letter do not
//! count: `Café`, `CAFE` and `ｃａｆｅ` are equal, and so are `Straße` and `Strasse`. In scripts without spaces, each character with
//! its marks is a word. A longer word is found as a phrase of them, whatever a dictionary says.

use crate::domain::script::is_unspaced;
use std::ops::Range;
use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// Words of a text, with their places.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    text: String,
    words: Vec<(Range<usize>, Range<usize>)>,
}

impl Words {
    /// Returns the words of `text`.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut words = Self::default();
        words.read(text);
        words
    }

    /// Replaces the words by those of `text`, in the same memory.
    pub fn read(&mut self, text: &str) {
        self.text.clear();
        self.words.clear();
        split(text, |step| match step {
            Step::Start(char, place) => {
                let at = self.text.len();
                self.text.push(char);
                self.words.push((at..self.text.len(), place));
            }
            Step::More(char, place) => {
                self.text.push(char);
                if let Some((word, whole)) = self.words.last_mut() {
                    word.end = self.text.len();
                    whole.end = place.end;
                }
            }
        });
    }

    /// Returns each word with its place in the text, in bytes.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, Range<usize>)> {
        let words = self.words.iter();
        words.map(|(word, place)| (&self.text[word.clone()], place.clone()))
    }
}

/// Adds the words of `text` to `words`, separated by spaces.
pub fn add_words(text: &str, words: &mut String) {
    split(text, |step| match step {
        Step::Start(char, _) => {
            if !words.is_empty() {
                words.push(' ');
            }
            words.push(char);
        }
        Step::More(char, _) => words.push(char),
    });
}

/// Returns the beginning of a word, of at most `characters` characters.
#[must_use]
pub fn beginning(word: &str, characters: usize) -> &str {
    match word.char_indices().nth(characters) {
        Some((end, _)) => &word[..end],
        None => word,
    }
}

/// Whether a word is a character of a script without spaces.
#[must_use]
pub fn is_single_character(word: &str) -> bool {
    word.chars().next().is_some_and(is_unspaced)
}

/// A character of a word, with the place of its origin in bytes.
enum Step {
    /// The first of a word.
    Start(char, Range<usize>),
    /// Another one of the same word.
    More(char, Range<usize>),
}

/// The word before a character.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    Word,
    /// A character of a script without spaces. Only marks can follow it.
    Character,
}

fn split(text: &str, mut step: impl FnMut(Step)) {
    let mut before = Before::Nothing;
    for (at, source) in text.char_indices() {
        let place = at..at + source.len_utf8();
        if source.is_ascii() {
            let char = source.to_ascii_lowercase();
            let is_part = char.is_ascii_alphanumeric();
            match (is_part, before) {
                (true, Before::Word) => step(Step::More(char, place)),
                (true, _) => step(Step::Start(char, place)),
                (false, _) => {}
            }
            before = if is_part {
                Before::Word
            } else {
                Before::Nothing
            };
            continue;
        }
        fold(source, |char| {
            let is_mark = is_combining_mark(char);
            let after = match char {
                _ if is_mark && before != Before::Nothing => before,
                _ if is_mark || !is_unspaced(char) && is_letter(char) => Before::Word,
                _ if is_letter(char) => Before::Character,
                _ => Before::Nothing,
            };
            let continues = is_mark || after == Before::Word;
            match after {
                Before::Nothing => {}
                _ if continues && before == after => step(Step::More(char, place.clone())),
                _ => step(Step::Start(char, place.clone())),
            }
            before = after;
        });
    }
}

/// Whether a character that is not a mark belongs to words. Scripts of one's own have private characters.
fn is_letter(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}')
}

/// Passes on the characters that stand for a character in comparisons. None for an accent.
fn fold(source: char, mut add: impl FnMut(char)) {
    decompose_compatible(source, |char| {
        if is_ignored(char) {
            return;
        }
        for char in char.to_lowercase().filter(|char| !is_ignored(*char)) {
            match char {
                'ß' => ['s', 's'].into_iter().for_each(&mut add),
                'æ' => ['a', 'e'].into_iter().for_each(&mut add),
                'œ' => ['o', 'e'].into_iter().for_each(&mut add),
                'ø' => add('o'),
                'ł' => add('l'),
                'đ' => add('d'),
                'ı' => add('i'),
                'ς' => add('σ'),
                // Persian and Arabic forms of the same letters.
                'ی' | 'ى' => add('ي'),
                'ک' => add('ك'),
                char => add(char),
            }
        }
    });
}

/// Whether a character does not count: accents, vowel points, and signs that only join or hyphenate.
const fn is_ignored(char: char) -> bool {
    matches!(char,
        '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}'..='\u{5c2}'
        | '\u{5c4}'..='\u{5c5}' | '\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}'
        | '\u{6d6}'..='\u{6dc}' | '\u{6df}'..='\u{6e4}' | '\u{6e7}'..='\u{6e8}' | '\u{6ea}'..='\u{6ed}'
        | '\u{200c}'..='\u{200d}' | '\u{2060}' | '\u{fe00}'..='\u{fe0f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> String {
        let mut words = String::new();
        add_words(text, &mut words);
        words
    }

    #[test]
    fn words_are_compared_without_case_and_accents() {
        assert_eq!(words("What? COVID-19, isn't it…"), "what covid 19 isn t it");
        assert_eq!(
            words("Café CAFÉ Cafe\u{301} ｃａｆｅ"),
            "cafe cafe cafe cafe"
        );
        assert_eq!(words("Straße STRASSE ẞ"), "strasse strasse ss");
        assert_eq!(
            words("Ängström İstanbul Łódź Œuvre"),
            "angstrom istanbul lodz oeuvre"
        );
        assert_eq!(words("ΣΟΦΟΣ σοφός"), "σοφοσ σοφοσ");
        assert_eq!(words("?! … -"), "");
    }

    #[test]
    fn marks_stay_with_their_letters_in_all_scripts() {
        assert_eq!(words("हिन्दी की बात"), "हिन्दी की बात");
        assert_eq!(words("مُحَمَّد أحمد ـ"), "محمد احمد");
        assert_eq!(words("שָׁלוֹם"), "שלום");
        assert_eq!(words("می\u{200c}خواهم"), "ميخواهم");
        // Both spellings of a syllable.
        assert_eq!(
            words("한국"),
            words("\u{1112}\u{1161}\u{11ab}\u{1100}\u{116e}\u{11a8}")
        );
    }

    #[test]
    fn characters_without_spaces_are_words() {
        assert_eq!(words("会議はAI会議室"), "会 議 は ai 会 議 室");
        assert_eq!(
            words("が ガ か\u{3099}"),
            "か\u{3099} カ\u{3099} か\u{3099}"
        );
        assert_eq!(words("ที่นี่ดี"), "ที่ นี่ ดี");
        assert_eq!(words("မြန်မာ"), "မြ န် မာ");
    }

    #[test]
    fn places_are_those_of_the_text() {
        let text = "«Straße», 会議 e\u{301}.";
        let words = Words::of(text);
        let places: Vec<_> = words.iter().map(|(_, place)| &text[place]).collect();
        // An accent at the end is not a part of the place.
        assert_eq!(places, ["Straße", "会", "議", "e"]);
    }

    proptest! {
        #[test]
        fn both_forms_agree_and_are_stable(text in "(\\PC|[\u{300}-\u{36f}会ßé ]){0,40}") {
            let joined = words(&text);
            let split = Words::of(&text);
            let parts: Vec<_> = split.iter().map(|(word, _)| word).collect();
            prop_assert_eq!(parts.join(" "), &*joined);
            prop_assert_eq!(words(&joined), &*joined);
            for (word, place) in split.iter() {
                prop_assert!(!word.is_empty() && text.get(place).is_some());
            }
        }

        #[test]
        fn sqlite_finds_the_same_words(text in "\\PC{0,40}") {
            // The tokenizer `ascii` of FTS5 separates only at ASCII characters that are no letters or digits.
            let is_separator = |char: char| char.is_ascii() && !char.is_ascii_alphanumeric();
            prop_assert!(!words(&text).split(' ').any(|word| word.contains(is_separator)));
        }
    }
}
