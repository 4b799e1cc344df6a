//! Snapshots of every format for several kinds of transcripts.

mod subtitles;

use super::*;
use crate::domain::rendering::TxtOptions;
use crate::domain::transcript::{Paragraph, Speaker, Utterance, Word};
use crate::domain::{Request, Timestamp};
use crate::provider::Completed;
use insta::assert_snapshot;
use serde_json::json;

fn envelope(request: &Request) -> TranscriptMetadata<'_> {
    TranscriptMetadata {
        source: "podcasts",
        recording: "2019/talk \"one\".mp3".to_owned(),
        recording_bytes: None,
        audio: "../three%20hours.mp3".to_owned(),
        sha256: Some("ba7816bf"),
        sound_hash: Some("6437b3ac"),
        size_bytes: Some(1_048_576),
        request,
        generation_id: Some("g-1"),
        recorded_at: Timestamp::from_millis(1_000),
        submitted_at: None,
        received_at: Timestamp::from_millis(61_000),
    }
}

pub(in crate::output::render) fn rendered(format: Format, transcript: &Transcript) -> String {
    rendered_with(format, transcript, &RenderOptions::default())
}

fn rendered_with(format: Format, transcript: &Transcript, options: &RenderOptions) -> String {
    let request = Request::new("#g1_nova-2-general", [("diarize".to_owned(), json!(true))]);
    let raw = "{\"n\": 1.50, \"t\":\"h\\u00e9\"}";
    let completed = Completed::from_body(raw.as_bytes().to_vec()).unwrap();
    let result = completed.result_json().unwrap();
    let file = render(format, transcript, &result, &envelope(&request), options);
    // A document for word processors is binary.
    String::from_utf8_lossy(&file.to_bytes().unwrap()).into_owned()
}

fn speaker(name: &str) -> Option<Speaker> {
    (!name.is_empty()).then(|| Speaker(name.into()))
}

/// Returns words of 0.3 s that start every 0.4 s from `from`.
pub(in crate::output::render) fn words(
    text: &str,
    from: f64,
    name: &str,
    channel: Option<u32>,
) -> Vec<Word> {
    let word = |(index, text): (usize, &str)| {
        let start_s = from + 0.4 * index as f64;
        Word {
            text: text.into(),
            start_s,
            end_s: start_s + 0.3,
            speaker: speaker(name),
            channel,
            confidence: None,
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

/// Formats of other programs.
const EXTERNAL_FORMATS: [Format; 7] = [
    Format::Md,
    Format::Tsv,
    Format::Lrc,
    Format::Podcast,
    Format::Whisperx,
    Format::Aud,
    Format::Html,
];

#[test]
fn formats_of_other_programs_match_snapshots() {
    let transcripts = [
        ("diarized", diarized()),
        ("channels", two_channels()),
        ("paragraphs", in_paragraphs()),
        ("hostile", hostile()),
        ("silence", Transcript::default()),
    ];
    for (name, transcript) in transcripts {
        let files =
            EXTERNAL_FORMATS.map(|format| format!("{format}:\n{}", rendered(format, &transcript)));
        assert_snapshot!(format!("others_{name}"), files.join("\n"));
    }
}

#[test]
fn text_matches_snapshots() {
    assert_snapshot!("txt_plain", rendered(Format::Txt, &plain()));
    assert_snapshot!("txt_diarized", rendered(Format::Txt, &diarized()));
    assert_snapshot!("txt_channels", rendered(Format::Txt, &two_channels()));
    assert_snapshot!("txt_paragraphs", rendered(Format::Txt, &in_paragraphs()));
    assert_snapshot!("txt_hostile", rendered(Format::Txt, &hostile()));
}

#[test]
fn subtitles_match_snapshots() {
    assert_snapshot!("srt_plain", rendered(Format::Srt, &plain()));
    assert_snapshot!("srt_diarized", rendered(Format::Srt, &diarized()));
    assert_snapshot!("srt_channels", rendered(Format::Srt, &two_channels()));
    assert_snapshot!("srt_paragraphs", rendered(Format::Srt, &in_paragraphs()));
    assert_snapshot!("srt_hostile", rendered(Format::Srt, &hostile()));
    assert_snapshot!("vtt_plain", rendered(Format::Vtt, &plain()));
    assert_snapshot!("vtt_diarized", rendered(Format::Vtt, &diarized()));
    assert_snapshot!("vtt_hostile", rendered(Format::Vtt, &hostile()));
}

#[test]
fn unspaced_scripts_and_long_words_are_split() {
    let text = "今日は夜の間に四千の録音を書き起こす道具についてお話しします。".repeat(3);
    let japanese = Transcript {
        text,
        duration_s: Some(20.0),
        ..Transcript::default()
    };
    assert_snapshot!("srt_japanese", rendered(Format::Srt, &japanese));
    let endless = Transcript {
        text: "a".repeat(100),
        duration_s: Some(6.0),
        ..Transcript::default()
    };
    assert_snapshot!("srt_endless", rendered(Format::Srt, &endless));
}

#[test]
fn utterances_replace_missing_words() {
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
    assert_snapshot!("vtt_utterances", rendered(Format::Vtt, &transcript));
    assert_snapshot!("txt_utterances", rendered(Format::Txt, &transcript));
}

/// Returns a transcript of words: text, start and end in seconds, channel.
fn spoken(words: &[(&str, f64, f64, u32)]) -> Transcript {
    let word = |(text, start_s, end_s, channel): &(&str, f64, f64, u32)| Word {
        text: (*text).into(),
        start_s: *start_s,
        end_s: *end_s,
        speaker: None,
        channel: Some(*channel),
        confidence: None,
    };
    Transcript {
        words: words.iter().map(word).collect(),
        ..Transcript::default()
    }
}

#[test]
fn alternating_channels_label_every_turn() {
    let call = spoken(&[
        ("Hello?", 0.0, 1.0, 0),
        ("Yes?", 2.0, 3.0, 1),
        ("It", 4.0, 4.2, 0),
        ("ran.", 4.2, 5.0, 0),
        ("Good.", 6.0, 7.0, 1),
        ("Bye.", 8.0, 9.0, 1),
    ]);
    assert_snapshot!("srt_alternating", rendered(Format::Srt, &call));
    assert_snapshot!("txt_alternating", rendered(Format::Txt, &call));
    assert_snapshot!("vtt_alternating", rendered(Format::Vtt, &call));
}

#[test]
fn speech_is_shown_from_any_field() {
    let words = Transcript {
        words: words("Only words.", 0.0, "", None),
        ..Transcript::default()
    };
    assert_eq!(rendered(Format::Txt, &words), "Only words.\n");
    let empty = Paragraph {
        sentences: Vec::new(),
        start_s: 0.0,
        end_s: 0.0,
        speaker: None,
        channel: None,
    };
    let text = Transcript {
        text: "Only text.".to_owned(),
        paragraphs: vec![empty],
        ..Transcript::default()
    };
    assert_eq!(rendered(Format::Txt, &text), "Only text.\n");
    assert_eq!(
        rendered(Format::Srt, &text),
        "1\n00:00:00,000 --> 00:00:01,000\nOnly text.\n\n"
    );
}

#[test]
fn overlapping_utterances_keep_their_words_together() {
    let utterance = |text: &str, start_s: f64, name: &str| Utterance {
        text: text.to_owned(),
        start_s,
        end_s: start_s + 3.0,
        speaker: speaker(name),
        channel: None,
    };
    let transcript = Transcript {
        utterances: vec![
            utterance("One after the other.", 0.0, "A"),
            utterance("Two at once.", 1.0, "B"),
        ],
        ..Transcript::default()
    };
    assert_snapshot!("vtt_overlapping", rendered(Format::Vtt, &transcript));
}

#[test]
fn written_spaces_stay_and_han_words_get_none() {
    let text = Transcript {
        text: "今日 はい 。".to_owned(),
        ..Transcript::default()
    };
    assert!(rendered(Format::Srt, &text).contains("\n今日 はい 。\n"));
    let words = Transcript {
        words: words("今日 は 夜 です。", 0.0, "", None),
        ..Transcript::default()
    };
    assert!(rendered(Format::Srt, &words).contains("\n今日は夜です。\n"));
}

#[test]
fn impossible_times_are_rendered() {
    let far = f64::MAX;
    for (start, end) in [
        (f64::NAN, f64::NAN),
        (f64::NEG_INFINITY, f64::INFINITY),
        (far, far),
        (-far, far),
        (5.0, 1.0),
        (1e300, 0.0),
    ] {
        let mut transcript = spoken(&[
            ("a", start, end, 0),
            ("b", start, end, 0),
            ("c", 1.0, 2.0, 1),
        ]);
        for format in Format::ALL {
            rendered(format, &transcript);
        }
        transcript.words.clear();
        transcript.text = "a b".to_owned();
        transcript.duration_s = Some(end);
        for format in Format::ALL {
            rendered(format, &transcript);
        }
    }
}

#[test]
fn silence_gives_files_that_readers_accept() {
    let silence = Transcript {
        duration_s: Some(60.0),
        ..Transcript::default()
    };
    assert_eq!(rendered(Format::Txt, &silence), "[no speech]\n");
    let cue = "1\n00:00:00,000 --> 00:00:01,000\n[no speech]\n\n";
    assert_eq!(rendered(Format::Srt, &silence), cue);
    assert_eq!(rendered(Format::Lrc, &silence), "[00:00.00](no speech)\n");
    assert_eq!(rendered(Format::Vtt, &silence), "WEBVTT\n");
    assert!(rendered(Format::Json, &silence).contains("\"silent\": true"));
}

/// Returns a transcript of `text`, with a word of 0.3 s for each character.
fn by_character(text: &str) -> Transcript {
    let words = text.chars().enumerate().map(|(index, char)| Word {
        text: char.to_string().into(),
        start_s: 0.3 * index as f64,
        end_s: 0.3 * index as f64 + 0.28,
        speaker: None,
        channel: None,
        confidence: None,
    });
    Transcript {
        words: words.collect(),
        text: text.to_owned(),
        ..Transcript::default()
    }
}

#[test]
fn all_formats_space_words_as_the_transcript() {
    let text = "血糖从300降到100还有mga3的油";
    let mut transcript = by_character(text);
    let shown = [
        Format::Txt,
        Format::Md,
        Format::Tsv,
        Format::Lrc,
        Format::Podcast,
        Format::Srt,
        Format::Vtt,
    ];
    for format in shown {
        assert!(rendered(format, &transcript).contains(text), "{format}");
    }
    // The sentences of the service have a space between all characters.
    let spaced: Vec<_> = text.chars().map(String::from).collect();
    transcript.paragraphs = vec![Paragraph {
        sentences: vec![spaced.join(" ")],
        start_s: 0.0,
        end_s: 6.0,
        speaker: None,
        channel: None,
    }];
    for format in [Format::Txt, Format::Md] {
        assert!(rendered(format, &transcript).contains(text), "{format}");
    }
}

#[test]
fn text_has_paragraphs_without_those_of_the_service() {
    let sentence = "We looked at the plan and found that most of it can be done.";
    let paragraph_lengths = |transcript: &Transcript| {
        let text = rendered(Format::Txt, transcript);
        assert_eq!(text.split_whitespace().count(), 14 * 40);
        text.lines().map(str::len).max().unwrap()
    };
    let text = [sentence; 40].join(" ");
    let timed = Transcript {
        words: words(&text, 0.0, "", None),
        text: text.clone(),
        ..Transcript::default()
    };
    assert!(paragraph_lengths(&timed) < 700);
    let untimed = Transcript {
        text,
        ..Transcript::default()
    };
    assert!(paragraph_lengths(&untimed) < 700);
}

#[test]
fn text_that_the_words_lack_is_shown() {
    let transcript = Transcript {
        words: words("Only some", 0.0, "", None),
        text: "Only some words have times.".to_owned(),
        ..Transcript::default()
    };
    let text = rendered(Format::Txt, &transcript);
    assert_eq!(text, "Only some words have times.\n");
}

#[test]
fn each_table_row_names_its_speaker_and_is_unquoted() {
    let transcript = Transcript {
        words: words("\"Never again. He said that twice.\"", 0.0, "0", None),
        ..Transcript::default()
    };
    let table = rendered(Format::Tsv, &transcript);
    let rows: Vec<_> = table.lines().skip(1).collect();
    assert!(
        rows.iter().all(|row| row.contains("\tSpeaker 1: ")),
        "{table}"
    );
    assert_eq!((rows.len(), table.matches('"').count()), (2, 0));
}

#[test]
fn the_requested_language_replaces_an_undetected_one() {
    let request = Request::new("m", [("language".to_owned(), json!("zh_tw"))]);
    let rendered = |format| {
        let files = render(
            format,
            &plain(),
            &ResultJson::default(),
            &envelope(&request),
            &RenderOptions::default(),
        );
        String::from_utf8(files.to_bytes().unwrap()).unwrap()
    };
    assert!(rendered(Format::Whisperx).contains("\"language\": \"zh\""));
    assert!(rendered(Format::Md).contains("language: \"zh-TW\"\n"));
}

#[test]
fn markdown_has_long_clocks_and_no_accidental_marks() {
    let text = "a #tag ==mark== %%note%% $x$ C# 50% a=b";
    let transcript = Transcript {
        words: words(text, 360_000.0, "", None),
        ..Transcript::default()
    };
    let markdown = rendered(Format::Md, &transcript);
    assert!(markdown.contains("## [100:00:00](<"), "{markdown}");
    let escaped = r"a \#tag \=\=mark\=\= \%\%note\%\% \$x\$ C# 50% a=b";
    assert!(markdown.contains(escaped), "{markdown}");
}

#[test]
fn json_wraps_the_unmodified_result() {
    let json = rendered(Format::Json, &plain());
    assert_snapshot!("json", json);
    let read: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(read["result"]["t"], "hé");
}

#[test]
fn text_follows_its_settings() {
    let shown = |transcript: &Transcript, txt| {
        let options = RenderOptions {
            txt,
            ..RenderOptions::default()
        };
        rendered_with(Format::Txt, transcript, &options)
    };
    let default = TxtOptions::default();
    let timed = TxtOptions {
        timestamps: true,
        width: Some(30),
        ..default
    };
    assert_snapshot!("txt_timed_width", shown(&diarized(), timed));
    let bare = TxtOptions {
        speakers: false,
        ..default
    };
    assert!(shown(&diarized(), bare).starts_with("Did it run last night?\n\nIt did."));
    let untimed = Transcript {
        text: "Only text.".to_owned(),
        ..Transcript::default()
    };
    assert_eq!(shown(&untimed, timed), "Only text.\n");
}
