//! Answers to polls that are odd, late or belong to another recording. None of them may cost a second payment.

mod service;

use service::AnswerService;

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
