//! A result as the service gives it for three hours of talk: word times, a paragraph every minute.

use serde_json::{Value, json};

/// Words of three hours at 150 a minute.
pub const WORDS: u32 = 3 * 60 * 150;
/// How long each of them takes, in seconds.
const EACH_S: f64 = 0.4;
const IN_A_SENTENCE: u32 = 15;
const IN_A_PARAGRAPH: u32 = 150;

/// The result's JSON.
pub fn result() -> String {
    let words: Vec<_> = (0..WORDS).map(word).collect();
    let text: Vec<_> = (0..WORDS).map(text).collect();
    let paragraphs: Vec<_> = (0..WORDS)
        .step_by(IN_A_PARAGRAPH as usize)
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
    f64::from(word) * EACH_S
}

fn text(word: u32) -> String {
    format!("word{}", word % 2000)
}

fn word(number: u32) -> Value {
    json!({
        "word": text(number), "punctuated_word": text(number), "start": start(number), "end": start(number) + 0.3,
        "confidence": 0.99, "speaker": number / IN_A_PARAGRAPH % 2,
    })
}

fn paragraph(first: u32) -> Value {
    let end = (first + IN_A_PARAGRAPH).min(WORDS);
    let sentences: Vec<_> = (first..end)
        .step_by(IN_A_SENTENCE as usize)
        .map(|first| {
            let end = (first + IN_A_SENTENCE).min(WORDS);
            let words: Vec<_> = (first..end).map(text).collect();
            json!({"text": words.join(" "), "start": start(first), "end": start(end)})
        })
        .collect();
    json!({"sentences": sentences, "start": start(first), "end": start(end), "speaker": first / IN_A_PARAGRAPH % 2})
}
