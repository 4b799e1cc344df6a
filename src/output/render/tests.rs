//! Every format of every kind of transcript, as it is written.

use super::*;
use crate::domain::transcript::{Paragraph, Speaker, Utterance, Word};
use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::json;
use unicode_width::UnicodeWidthStr;

fn envelope(request: &Request) -> Envelope<'_> {
    Envelope {
        source: "podcasts",
        recording: "2019/talk \"one\".mp3".to_owned(),
        sha256: Some("ba7816bf"),
        request,
        generation_id: Some("g-1"),
        recorded_at: Timestamp::from_millis(1_000),
        submitted_at: None,
        received_at: Timestamp::from_millis(61_000),
    }
}

fn rendered(format: Format, transcript: &Transcript) -> String {
    let request = Request::new("#g1_nova-2-general", [("diarize".to_owned(), json!(true))]);
    let raw = "{\"n\": 1.50, \"t\":\"h\\u00e9\"}";
    String::from_utf8(render(format, transcript, raw, &envelope(&request))).unwrap()
}

fn speaker(name: &str) -> Option<Speaker> {
    (!name.is_empty()).then(|| Speaker(name.to_owned()))
}

/// Words of 0.3 s, one each 0.4 s from `from`.
fn words(text: &str, from: f64, name: &str, channel: Option<u32>) -> Vec<Word> {
    let word = |(index, text): (usize, &str)| {
        let start_s = from + 0.4 * index as f64;
        Word {
            text: text.to_owned(),
            start_s,
            end_s: start_s + 0.3,
            speaker: speaker(name),
            channel,
        }
    };
    text.split(' ').enumerate().map(word).collect()
}

fn plain() -> Transcript {
    let text = "Good evening, and welcome back. Tonight we look at how a queue is kept, why it matters, and what \
                happens when the light goes out in the middle of the night.";
    Transcript {
        text: text.to_owned(),
        words: words(text, 0.0, "", None),
        ..Transcript::default()
    }
}

fn diarized() -> Transcript {
    let mut all = words("Did it run last night?", 0.0, "0", None);
    all.extend(words(
        "It did. All four thousand of them, and none was lost or paid for twice.",
        3.0,
        "1",
        None,
    ));
    all.extend(words("Good.", 12.0, "0", None));
    Transcript {
        text: "x".to_owned(),
        words: all,
        ..Transcript::default()
    }
}

fn two_channels() -> Transcript {
    let mut all = words(
        "Hello, this is the left channel speaking.",
        0.0,
        "",
        Some(0),
    );
    all.extend(words("And this is the right one.", 0.2, "", Some(1)));
    all.sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
    Transcript {
        text: "x".to_owned(),
        words: all,
        ..Transcript::default()
    }
}

fn in_paragraphs() -> Transcript {
    let paragraph = |sentences: &[&str], start_s: f64, name: &str| Paragraph {
        sentences: sentences
            .iter()
            .map(|sentence| (*sentence).to_owned())
            .collect(),
        start_s,
        end_s: start_s + 4.0,
        speaker: speaker(name),
        channel: None,
    };
    Transcript {
        text: "x".to_owned(),
        paragraphs: vec![
            paragraph(&["First thought.", "Second thought."], 0.0, "A"),
            paragraph(&["The same voice, later."], 5.0, "A"),
            paragraph(&["Another voice."], 10.0, "B"),
        ],
        ..Transcript::default()
    }
}

fn hostile() -> Transcript {
    let text = "a --> b <b>bold</b> & \u{1b}[31mred\u{1b}[0m \u{202e}tfel\n\n1\n00:00:01,000 --> 00:00:02,000";
    Transcript {
        text: text.to_owned(),
        duration_s: Some(8.0),
        ..Transcript::default()
    }
}

#[test]
fn text_is_for_reading() {
    assert_snapshot!("txt plain", rendered(Format::Txt, &plain()));
    assert_snapshot!("txt diarized", rendered(Format::Txt, &diarized()));
    assert_snapshot!("txt channels", rendered(Format::Txt, &two_channels()));
    assert_snapshot!("txt paragraphs", rendered(Format::Txt, &in_paragraphs()));
    assert_snapshot!("txt hostile", rendered(Format::Txt, &hostile()));
}

#[test]
fn subtitles_fit_a_screen() {
    assert_snapshot!("srt plain", rendered(Format::Srt, &plain()));
    assert_snapshot!("srt diarized", rendered(Format::Srt, &diarized()));
    assert_snapshot!("srt channels", rendered(Format::Srt, &two_channels()));
    assert_snapshot!("srt paragraphs", rendered(Format::Srt, &in_paragraphs()));
    assert_snapshot!("srt hostile", rendered(Format::Srt, &hostile()));
    assert_snapshot!("vtt plain", rendered(Format::Vtt, &plain()));
    assert_snapshot!("vtt diarized", rendered(Format::Vtt, &diarized()));
    assert_snapshot!("vtt hostile", rendered(Format::Vtt, &hostile()));
}

#[test]
fn scripts_without_spaces_and_endless_words_are_cut_too() {
    let text = "今日は夜の間に四千の録音を書き起こす道具についてお話しします。".repeat(3);
    let japanese = Transcript {
        text,
        duration_s: Some(20.0),
        ..Transcript::default()
    };
    assert_snapshot!("srt japanese", rendered(Format::Srt, &japanese));
    let endless = Transcript {
        text: "a".repeat(100),
        duration_s: Some(6.0),
        ..Transcript::default()
    };
    assert_snapshot!("srt endless", rendered(Format::Srt, &endless));
}

#[test]
fn utterances_do_where_there_are_no_words() {
    let utterance = |text: &str, start_s: f64, name: &str| Utterance {
        text: text.to_owned(),
        start_s,
        end_s: start_s + 2.0,
        speaker: speaker(name),
        channel: None,
    };
    let transcript = Transcript {
        text: "x".to_owned(),
        utterances: vec![
            utterance("Hello there.", 1.0, "0"),
            utterance("Hi.", 4.0, "1"),
        ],
        ..Transcript::default()
    };
    assert_snapshot!("vtt utterances", rendered(Format::Vtt, &transcript));
    assert_snapshot!("txt utterances", rendered(Format::Txt, &transcript));
}

#[test]
fn silence_is_said_or_an_empty_but_valid_file() {
    let silence = Transcript {
        duration_s: Some(60.0),
        ..Transcript::default()
    };
    assert_eq!(rendered(Format::Txt, &silence), "[no speech]\n");
    assert_eq!(rendered(Format::Srt, &silence), "");
    assert_eq!(rendered(Format::Vtt, &silence), "WEBVTT\n");
    assert!(rendered(Format::Json, &silence).contains("\"silent\": true"));
}

#[test]
fn json_is_the_result_as_it_came_in_an_envelope() {
    let json = rendered(Format::Json, &plain());
    assert_snapshot!("json", json);
    let read: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(read["result"]["t"], "hé");
}

fn any_transcript() -> impl Strategy<Value = Transcript> {
    let word = (
        ".{0,50}",
        0.0..100.0_f64,
        0.0..3.0_f64,
        0..3_u32,
        proptest::option::of(0..2_u32),
    );
    (
        ".{0,300}",
        proptest::collection::vec(word, 0..60),
        proptest::option::of(0.0..100.0_f64),
    )
        .prop_map(|(text, words, duration_s)| {
            let mut words: Vec<_> = words
                .into_iter()
                .map(|(text, start_s, length, name, channel)| Word {
                    text,
                    start_s,
                    end_s: start_s + length,
                    speaker: (name > 0).then(|| Speaker(name.to_string())),
                    channel,
                })
                .collect();
            words.sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
            Transcript {
                text,
                words,
                duration_s,
                ..Transcript::default()
            }
        })
}

proptest! {
    #[test]
    fn every_transcript_renders_and_always_to_the_same_bytes(transcript in any_transcript()) {
        for format in Format::ALL {
            prop_assert_eq!(rendered(format, &transcript), rendered(format, &transcript));
        }
    }

    #[test]
    fn cues_are_in_order_and_fit(transcript in any_transcript()) {
        for labels in [cue::Labels::InText, cue::Labels::Aside] {
            let cues = cue::cues(&transcript, labels);
            prop_assert!(cues.windows(2).all(|pair| pair[0].span.1 <= pair[1].span.0));
            for cue in cues {
                prop_assert!(cue.span.0 < cue.span.1);
                prop_assert!((1..=2).contains(&cue.lines.len()));
                prop_assert!(cue.lines.iter().all(|line| line.width() <= 42 && !line.is_empty()), "{:?}", cue.lines);
            }
        }
    }

    #[test]
    fn every_word_is_shown_once_and_in_order(text in "[a-z]{1,12}( [a-z]{1,12}){0,80}") {
        let transcript = Transcript { words: words(&text, 0.0, "", None), text: text.clone(), ..Transcript::default() };
        let shown: Vec<_> = cue::cues(&transcript, cue::Labels::InText).into_iter().flat_map(|cue| cue.lines).collect();
        prop_assert_eq!(shown.join(" "), text);
    }
}
