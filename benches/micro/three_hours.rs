//! A result of the service for three hours of speech, with word times and a paragraph per minute.

use serde_json::{Value, json};

/// Number of words in three hours, at 150 words per minute.
pub const WORDS: u32 = 3 * 60 * 150;
/// Length of a word, in seconds.
const WORD_S: f64 = 0.4;
const WORDS_PER_SENTENCE: u32 = 15;
const WORDS_PER_PARAGRAPH: u32 = 150;

/// Returns the JSON of the result.
pub fn result() -> String {
    let words: Vec<_> = (0..WORDS).map(word).collect();
    let text: Vec<_> = (0..WORDS).map(text).collect();
    let paragraphs: Vec<_> = (0..WORDS)
        .step_by(WORDS_PER_PARAGRAPH as usize)
        .map(paragraph)
        .collect();
    json!({
        "metadata": {"duration": start(WORDS), "channels": 1},
        "results": {"channels": [{"alternatives": [{
            "transcript": text.join(" "),
            "confidence": 0.99,
            "words": words,
            "paragraphs": {"paragraphs": paragraphs},
        }]}]},
    })
    .to_string()
}

fn start(word: u32) -> f64 {
    f64::from(word) * WORD_S
}

fn text(word: u32) -> String {
    format!("word{}", word % 2000)
}

fn word(number: u32) -> Value {
    json!({
        "word": text(number), "punctuated_word": text(number), "start": start(number), "end": start(number) + 0.3,
        "confidence": 0.99, "speaker": number / WORDS_PER_PARAGRAPH % 2,
    })
}

fn paragraph(first: u32) -> Value {
    let end = (first + WORDS_PER_PARAGRAPH).min(WORDS);
    let sentences: Vec<_> = (first..end)
        .step_by(WORDS_PER_SENTENCE as usize)
        .map(|first| {
            let end = (first + WORDS_PER_SENTENCE).min(WORDS);
            let words: Vec<_> = (first..end).map(text).collect();
            json!({"text": words.join(" "), "start": start(first), "end": start(end)})
        })
        .collect();
    json!({"sentences": sentences, "start": start(first), "end": start(end), "speaker": first / WORDS_PER_PARAGRAPH % 2})
}
