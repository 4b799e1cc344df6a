//! Answers to polls that are odd, late or belong to another recording. None of them may cost a second payment.

mod service;

use crate::harness::wav;
use serde_json::{Value, json};
use service::AnswerService;
use std::fs;

/// A retention after which a generation is given up soon.
const SHORT_RETENTION: &str = "retention = '1s'";

/// Returns a completed answer with the text `text`.
fn completed(generation: &str, text: &str) -> Vec<u8> {
    format!(r#"{{"id":"{generation}","status":"completed","result":{{"text":"{text}"}}}}"#)
        .into_bytes()
}

#[test]
fn a_result_attached_after_completion_is_awaited() {
    for missing in ["", r#","result":null"#, r#","output":null,"error":null"#] {
        let service = AnswerService::start(move |generation, poll| {
            let early = format!(r#"{{"id":"{generation}","status":"completed"{missing}}}"#);
            match poll {
                1 | 2 => (200, early.into_bytes()),
                _ => (200, completed(generation, "late words")),
            }
        });
        let env = service.env(1, "");
        env.run_once(0);
        assert_eq!(env.transcript("0.txt").trim(), "late words");
        assert_eq!(service.submissions(), 1);
    }
}

#[test]
fn the_result_of_another_generation_is_not_taken() {
    let service = AnswerService::start(|generation, poll| match poll {
        1 => (200, completed("other", "another talk")),
        _ => (200, completed(generation, &format!("talk {generation}"))),
    });
    let env = service.env(2, "");
    let result = env.run_once(0);
    assert!(
        result.stderr.contains("another generation"),
        "{}",
        result.stderr
    );
    let mut texts = [env.transcript("0.txt"), env.transcript("1.txt")];
    texts.sort();
    assert_eq!(
        texts.map(|text| text.trim().to_owned()),
        ["talk g-1", "talk g-2"]
    );
}

#[test]
fn the_result_of_other_audio_fails_without_another_payment() {
    let service = AnswerService::start(|_, poll| {
        let sha256 = "0".repeat(64);
        let result = format!(r#"{{"metadata":{{"sha256":"{sha256}"}},"text":"another talk"}}"#);
        match poll {
            1..20 => (
                200,
                format!(r#"{{"status":"completed","result":{result}}}"#).into_bytes(),
            ),
            _ => (404, b"{}".to_vec()),
        }
    });
    let env = service.env(1, SHORT_RETENTION);
    env.run_once(1);
    let item = env.item("0.wav");
    assert_eq!(
        (&item["state"], &item["error"]["class"]),
        (&"failed".into(), &"protocol".into())
    );
    assert_eq!(service.submissions(), 1);
}

#[test]
fn answers_that_strict_parsers_reject_become_transcripts() {
    let service = AnswerService::start(|generation, _| {
        let body = match generation {
            "g-1" => {
                let result = r#"{"text":"x","text":"good words","a":NaN,"b":"\ud800"}"#;
                format!(r#"{{"status":"completed","result":{result}}}"#).into_bytes()
            }
            _ => b"{\"status\":\"completed\",\"result\":{\"text\":\"good words\",\"a\":\"\xff\"}} trailing".to_vec(),
        };
        (200, body)
    });
    let env = service.env(2, "");
    env.run_once(0);
    for name in ["0", "1"] {
        assert_eq!(env.transcript(&format!("{name}.txt")).trim(), "good words");
        let json: Value = serde_json::from_str(&env.transcript(&format!("{name}.json"))).unwrap();
        assert_eq!(json["result"]["text"], "good words");
    }
    assert_eq!(service.submissions(), 2);
}

#[test]
fn an_unknown_status_ends_without_another_payment_and_the_answer_is_kept() {
    let answer = r#"{"status":"archived","where":"elsewhere"}"#;
    let service = AnswerService::start(move |_, _| (200, answer.into()));
    let env = service.env(1, SHORT_RETENTION);
    env.run_once(1);
    assert_eq!(service.submissions(), 1);
    assert_eq!(env.item("0.wav")["error"]["class"], "protocol");
    let shown = env.run(&["show", "1"]).stdout;
    assert!(shown.contains("unknown status `archived`"), "{shown}");
    assert!(
        shown.contains("nightscribe export --format json 1"),
        "{shown}"
    );
    let exported = env.run(&["export", "--format", "json", "1"]);
    assert_eq!(exported.code, 0, "{}", exported.stderr);
    assert_eq!(env.transcript("0.wav.answer"), answer);
}

#[test]
fn text_without_times_gives_no_subtitles_but_a_warning() {
    let service = AnswerService::start(|generation, _| (200, completed(generation, "hello")));
    let env = service.env(1, "");
    let run = env.run_once(0);
    assert!(run.stderr.contains("1 with warnings"), "{}", run.stderr);
    assert_eq!(env.file_names("transcripts/talks"), ["0.json", "0.txt"]);
    assert_eq!(env.item("0.wav")["warnings"], json!(["no_times"]));
    for command in [&["list"][..], &["show", "1"]] {
        let shown = env.run(command).stdout;
        assert!(shown.contains("text without times"), "{shown}");
    }
    let report = env.run(&["report", "--json"]).stdout;
    assert!(report.contains("\"warned\":1"), "{report}");
    let exported = env.run(&["export", "1", "--format", "srt"]);
    assert_eq!(exported.code, 1);
    assert!(
        exported.stderr.contains("text without times"),
        "{}",
        exported.stderr
    );
}

#[test]
fn a_transcript_that_lacks_what_was_requested_is_done_with_a_warning() {
    let service = AnswerService::start(|generation, _| {
        let result = json!({"words": [{"word": "hello", "start": 0.1, "end": 0.5}]});
        (
            200,
            json!({"id": generation, "status": "completed", "result": result})
                .to_string()
                .into(),
        )
    });
    let env = service.env(1, "");
    let config = env.path("nightscribe.toml");
    let text = fs::read_to_string(&config).unwrap() + "[source.options]\ndiarize = true\n";
    fs::write(&config, text).unwrap();
    // Two minutes, of which the transcript covers half a second.
    fs::write(env.path("recordings/0.wav"), wav(1, 120 * 8_000)).unwrap();
    let run = env.run_once(0);
    assert!(run.stderr.contains("small part"), "{}", run.stderr);
    assert_eq!(
        env.item("0.wav")["warnings"],
        json!(["small_part", "no_speakers"])
    );
}
