//! Parts that the results of several model families have.

use crate::speech::SpokenWord;

/// Confidence of every word.
pub(crate) const CONFIDENCE: f64 = 0.99;

/// Returns the first 32 digits of the hash in the format of a UUID.
pub(crate) fn request_id(hash: &str) -> String {
    let part = |from: usize, to: usize| &hash[from..to];
    [
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32),
    ]
    .join("-")
}

/// Returns the speaker of a word. Two speakers alternate by sentence.
pub(crate) fn speaker(word: &SpokenWord) -> usize {
    word.sentence % 2
}

/// Returns the words of each sentence.
pub(crate) fn sentences<'a, 'w>(
    words: &'a [&'w SpokenWord],
) -> impl Iterator<Item = &'a [&'w SpokenWord]> {
    words.chunk_by(|a, b| a.sentence == b.sentence)
}

/// Returns the text of words.
pub(crate) fn punctuated(words: &[&SpokenWord]) -> String {
    words
        .iter()
        .map(|word| word.text.as_ref())
        .collect::<Vec<_>>()
        .join(" ")
}
