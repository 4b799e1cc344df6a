//! Transcripts of known words. The queue takes them over from files.

use crate::harness::TestEnv;
use serde_json::{Value, json};
use std::fs;

/// Returns a result of the service with these words.
pub fn result(words: &[Value]) -> Value {
    let text = |word: &Value| word["punctuated_word"].as_str().unwrap().to_owned();
    let texts: Vec<_> = words.iter().map(text).collect();
    let end = words.last().map_or(json!(1), |word| word["end"].clone());
    json!({
        "metadata": {"duration": end, "channels": 1},
        "results": {"channels": [{"alternatives": [
            {"transcript": texts.join(" "), "confidence": 0.9, "words": words},
        ]}]},
    })
}

/// Returns a word of a result, with its times in seconds.
pub fn word(text: &str, start: f64, end: f64, speaker: u32) -> Value {
    json!({
        "word": text, "punctuated_word": text, "start": start, "end": end, "confidence": 0.9, "speaker": speaker,
    })
}

/// Gives transcribed recordings other results, by their names without extension. Ends with a new queue.
pub fn replace_results(env: &TestEnv, results: &[(String, Value)]) {
    for (name, result) in results {
        let path = env.path(format!("transcripts/talks/{name}.json"));
        let mut envelope: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        envelope["result"] = result.clone();
        fs::write(&path, envelope.to_string()).unwrap();
    }
    fs::remove_dir_all(env.path("state")).unwrap();
    env.run(&["run", "--once"]);
    // Those of the earlier results would count as edited.
    let formats = ["txt", "json", "srt", "vtt"].map(|format| ["--format", format]);
    let exported = env.run(&[&["export", "--all", "--force"], formats.as_flattened()].concat());
    assert_eq!(exported.code, 0, "{}", exported.stderr);
}
