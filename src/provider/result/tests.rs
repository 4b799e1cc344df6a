//! One sample of each shape, and odd variants of them.

use crate::domain::Transcript;
use crate::domain::transcript::Speaker;
use crate::provider::json::reader::JsonReader;
use crate::provider::result::draft::{Draft, ResultReading};
use serde_json::{Value, json};

fn reading(result: &str) -> ResultReading {
    let mut draft = Draft::default();
    draft.value(&mut JsonReader::new(result.as_bytes()));
    draft.finish()
}

fn read(result: &Value) -> Transcript {
    reading(&result.to_string()).transcript
}

fn words(transcript: &Transcript) -> Vec<(&str, f64, f64)> {
    let words = transcript.words.iter();
    words
        .map(|word| (word.text.as_str(), word.start_s, word.end_s))
        .collect()
}

fn speakers(transcript: &Transcript) -> Vec<Option<&str>> {
    let words = transcript.words.iter();
    words
        .map(|word| word.speaker.as_ref().map(|Speaker(label)| label.as_str()))
        .collect()
}

#[test]
fn deepgram_results_are_read() {
    let result = json!({
        "metadata": {"duration": 25.5, "channels": 1, "sha256": "ab"},
        "results": {
            "channels": [{"detected_language": "en", "alternatives": [{
                "transcript": "Hi. Yes.", "confidence": 1,
                "words": [
                    {"word": "hi", "punctuated_word": "Hi.", "start": 0.5, "end": 0.9, "confidence": 1, "speaker": 0},
                    {"word": "yes", "start": 1, "end": 0.2, "confidence": 0.5, "speaker": 1}
                ],
                "paragraphs": {"transcript": "Hi.", "paragraphs": [
                    {"sentences": [{"text": "Hi.", "start": 0.5, "end": 0.9}], "speaker": 0, "start": 0.5, "end": 0.9}
                ]}
            }]}],
            "utterances": [{"start": 0.5, "end": 0.9, "transcript": "Hi.", "speaker": 0, "channel": 0}],
            "summary": {"short": "A greeting."}
        }
    });
    let ResultReading {
        transcript,
        extras,
        sha256,
        ..
    } = reading(&result.to_string());
    assert_eq!(transcript.text, "Hi. Yes.");
    assert_eq!(words(&transcript), [("Hi.", 0.5, 0.9), ("yes", 1.0, 1.0)]);
    assert_eq!(speakers(&transcript), [Some("0"), Some("1")]);
    assert_eq!(transcript.paragraphs[0].sentences, ["Hi."]);
    let utterance = &transcript.utterances[0];
    assert_eq!((utterance.text.as_str(), utterance.channel), ("Hi.", None));
    assert_eq!(transcript.duration_s, Some(25.5));
    assert_eq!(transcript.language.as_deref(), Some("en"));
    assert_eq!((extras.summary, extras.topics), (true, false));
    assert_eq!(sha256.as_deref(), Some("ab"));
}

#[test]
fn channels_alternatives_and_paragraphs_may_be_objects_or_lists() {
    let alternative = json!({"transcript": "x", "paragraphs": [{"sentences": [{"text": "x"}], "start": 0, "end": 1}]});
    for channels in [
        json!([{"alternatives": [alternative]}]),
        json!({"alternatives": [alternative]}),
        json!({"0": {"alternatives": alternative}}),
    ] {
        let transcript = read(&json!({"results": {"channels": channels}}));
        assert_eq!(
            (transcript.text.as_str(), transcript.paragraphs.len()),
            ("x", 1),
            "{channels}"
        );
    }
}

#[test]
fn several_channels_are_kept_apart_and_sorted() {
    let channel = |text: &str, start: f64| json!({"alternatives": [{"transcript": text, "words": [{"word": text, "start": start, "end": start + 1.0}]}]});
    let transcript = read(&json!({"results": {
        "channels": [channel("b", 1.0), channel("a", 0.0)],
        "utterances": [{"transcript": "b", "start": 1, "end": 2, "channel": 0}, {"transcript": "a", "start": 0, "end": 1, "channel": 1}]
    }}));
    assert_eq!(transcript.text, "b\na");
    assert_eq!(words(&transcript), [("a", 0.0, 1.0), ("b", 1.0, 2.0)]);
    assert_eq!(transcript.words[0].channel, Some(1));
    assert_eq!(transcript.utterances[0].channel, Some(1));
}

#[test]
fn assemblyai_times_are_milliseconds() {
    let transcript = read(&json!({
        "id": "other", "status": "completed", "text": "Hello you.", "audio_duration": 281, "language_code": "en_us",
        "words": [
            {"text": "Hello", "start": 250, "end": 650, "confidence": 0.97, "speaker": "A"},
            {"text": "you.", "start": 700, "end": 1000, "confidence": 1, "speaker": "B", "channel": "2"}
        ],
        "utterances": [{"text": "Hello you.", "start": 250, "end": 1000, "speaker": "A", "words": []}]
    }));
    assert_eq!(
        words(&transcript),
        [("Hello", 0.25, 0.65), ("you.", 0.7, 1.0)]
    );
    assert_eq!(speakers(&transcript), [Some("A"), Some("B")]);
    assert_eq!(transcript.words[1].channel, Some(1));
    assert_eq!(transcript.utterances[0].end_s, 1.0);
    assert_eq!(
        (transcript.duration_s, transcript.language.as_deref()),
        (Some(281.0), Some("en_us"))
    );
}

#[test]
fn scribe_times_are_seconds_and_sounds_are_not_speech() {
    let word = |text: &str, start: f64, kind: &str| json!({"text": text, "start": start, "end": start + 1.0, "type": kind, "speaker_id": "speaker_0", "logprob": -0.1});
    let transcript = read(&json!({
        "language_code": "eng", "language_probability": 0.98, "text": "Hello you. (laughs)",
        "words": [word("Hello", 1.0, "word"), word(" ", 2.0, "spacing"), word("you.", 3.0, "word"), word("(laughs)", 5.0, "audio_event")]
    }));
    assert_eq!(
        words(&transcript),
        [("Hello", 1.0, 2.0), ("you.", 3.0, 4.0)]
    );
    assert_eq!(
        speakers(&transcript),
        [Some("speaker_0"), Some("speaker_0")]
    );
    let plain = json!([{"text": "Hello", "start": 1, "end": 2}]);
    for mark in [
        json!({"words": plain, "audio_duration_secs": 60}),
        json!({"words": plain, "language_probability": null, "language_code": "eng", "audio_duration_secs": "60"}),
        json!({"words": [{"text": "Hello", "start": 1, "end": 2, "logprob": null}]}),
        json!({"words": [{"text": "Hello", "start": 1.0, "end": 2.0}, {"text": "you", "start": 2.25, "end": 3.0}]}),
    ] {
        assert_eq!(read(&mark).words[0].end_s, 2.0, "{mark}");
    }
}

#[test]
fn segments_are_utterances_with_or_without_text_and_words() {
    let segments = json!([
        {"id": 0, "start": 2.0, "end": 3.0, "text": " Good morning.", "avg_logprob": -0.2},
        {"id": 1, "start": "50.0", "end": 52, "text": " And now the weather.", "speaker": "B"}
    ]);
    let bare = read(&json!({"segments": segments}));
    assert_eq!(bare.text, "Good morning. And now the weather.");
    assert_eq!(bare.utterances[1].start_s, 50.0);
    assert_eq!(bare.utterances[1].speaker, Some(Speaker("B".into())));
    let verbose = read(&json!({
        "task": "transcribe", "language": "english", "duration": "60.5", "text": "Good morning.", "segments": segments,
        "words": [{"word": " Good", "start": 2.0, "end": 2.5}, {"word": "morning", "start": 2.5, "end": 3}]
    }));
    assert_eq!(words(&verbose), [("Good", 2.0, 2.5), ("morning", 2.5, 3.0)]);
    assert_eq!(
        (verbose.duration_s, verbose.text.as_str()),
        (Some(60.5), "Good morning.")
    );
    let nested = read(
        &json!({"segments": [{"start": 1, "end": 2, "text": "Hi", "words": [{"word": "Hi", "start": 1, "end": 2}]}]}),
    );
    assert_eq!(words(&nested), [("Hi", 1.0, 2.0)]);
    let untimed = read(&json!({"segments": [{"text": "a"}, "b", {"text": "c", "start": null}]}));
    assert_eq!(
        (untimed.text.as_str(), untimed.utterances.len()),
        ("a b c", 0)
    );
}

#[test]
fn segments_without_words_stay_beside_others() {
    let transcript = read(&json!({"segments": [
        {"start": 1.0, "end": 3.5, "text": " In 2014, yes.", "speaker": "A", "words": [
            {"word": "In", "start": 1.0, "end": 1.5}, {"word": "2014,"}, {"word": "yes.", "start": 3.0, "end": 3.5, "speaker": "B"}
        ]},
        {"start": 50, "end": 52.5, "text": " And now the weather."}
    ]}));
    assert_eq!(
        words(&transcript),
        [
            ("In", 1.0, 1.5),
            ("2014,", 1.5, 3.0),
            ("yes.", 3.0, 3.5),
            ("And now the weather.", 50.0, 52.5)
        ]
    );
    assert_eq!(
        speakers(&transcript),
        [Some("A"), Some("A"), Some("B"), None]
    );
}

#[test]
fn scribe_channels_are_results_of_their_own() {
    let channel = |number: u32, text: &str, start: f64| {
        json!({
            "language_code": "eng", "text": text, "channel_index": number,
            "words": [{"text": text, "start": start, "end": start + 1.0, "type": "word", "logprob": 0}]
        })
    };
    let call = read(&json!({"transcripts": [channel(0, "Hello.", 1.0), channel(1, "Mhm.", 0.0)]}));
    assert_eq!(call.text, "Hello.\nMhm.");
    assert_eq!(words(&call), [("Mhm.", 0.0, 1.0), ("Hello.", 1.0, 2.0)]);
    assert_eq!(call.words[0].channel, Some(1));
    assert_eq!(call.language.as_deref(), Some("eng"));
    let one = read(&json!({"transcripts": [channel(0, "Hello.", 1.0)]}));
    assert_eq!((one.text.as_str(), one.words[0].channel), ("Hello.", None));
}

#[test]
fn a_channel_is_not_also_a_speaker() {
    let word = |speaker: &str| json!({"text": "a", "start": 1, "end": 2, "channel": "1", "speaker": speaker});
    let words = ["1", "1A", "A", "12"].map(word);
    let call = read(&json!({"audio_duration": 3, "words": words}));
    assert_eq!(speakers(&call), [None, Some("A"), Some("A"), Some("12")]);
}

#[test]
fn text_only_results_are_read() {
    let transcript =
        read(&json!({"text": "Hello there.", "usage": {"type": "duration", "seconds": 12}}));
    assert_eq!(
        (transcript.text.as_str(), transcript.duration_s),
        ("Hello there.", Some(12.0))
    );
    assert!(transcript.words.is_empty());
    assert_eq!(read(&json!("just text")).text, "just text");
}

#[test]
fn a_result_is_found_within_others() {
    for result in [
        json!({"result": {"data": {"text": "hello"}}}),
        json!(r#"{"results": {"channels": [{"alternatives": [{"transcript": "hello"}]}]}}"#),
        json!({"results": {"transcripts": [{"transcript": "hello"}], "items": []}}),
        json!({"monologues": [{"elements": [{"text": "hello"}]}], "version": 3}),
        json!([{"text": "hello"}]),
        json!(["hello"]),
    ] {
        let reading = reading(&result.to_string());
        assert_eq!(reading.transcript.text, "hello", "{result}");
        assert!(reading.is_usable && !reading.extras.unknown_shape);
    }
}

#[test]
fn anything_but_a_result_is_silence() {
    for (result, is_unknown) in [
        (json!(null), false),
        (json!(3), false),
        (json!([]), false),
        (json!({}), false),
        (json!({"text": 5}), false),
        (json!({"text": null, "words": null}), false),
        (json!({"results": null}), false),
        (
            json!({"results": {"channels": [{"alternatives": []}]}}),
            false,
        ),
        (json!({"lattice": [{"w": "hello"}]}), true),
    ] {
        let reading = reading(&result.to_string());
        assert!(reading.transcript.is_silent(), "{result}");
        assert_eq!(reading.extras.unknown_shape, is_unknown, "{result}");
    }
}

#[test]
fn odd_fields_do_not_hide_the_rest() {
    let transcript = read(&json!({"results": {"channels": [{"alternatives": [{
        "transcript": "a b c", "confidence": "high",
        "words": [
            {"word": "a", "start": "0.5", "end": 1, "confidence": null, "speaker": null},
            {"word": "b", "start": -1, "end": 1}, {"word": null, "start": 1, "end": 2}, {"word": "c", "start": null, "end": 2}, 7
        ],
        "paragraphs": null
    }]}], "utterances": null, "summary": null}}));
    assert_eq!(transcript.text, "a b c");
    assert_eq!(
        words(&transcript),
        [("b", 0.0, 1.0), ("a", 0.5, 1.0), ("c", 1.0, 1.0)]
    );
}

#[test]
fn text_comes_from_the_parts_if_there_is_none() {
    let words = json!([{"word": "b", "start": 1, "end": 2}, {"word": "a", "start": 0, "end": 1}]);
    assert_eq!(read(&json!({"words": words})).text, "a b");
    assert_eq!(read(&json!({"text": " ", "words": words})).text, "a b");
    assert_eq!(
        read(&json!({"words": [{"word": "a"}, {"word": "b"}]})).text,
        "a b"
    );
    let utterances = json!([{"transcript": "A b.", "start": 0, "end": 1}]);
    assert_eq!(
        read(&json!({"results": {"channels": [], "utterances": utterances}})).text,
        "A b."
    );
}
