//! Properties of all rendered files.

use super::is_control_char;
use nightscribe::domain::rendering::RenderOptions;
use nightscribe::domain::{Format, Request, Timestamp, Transcript};
use nightscribe::output::render::{TranscriptMetadata, render};
use nightscribe::provider::ResultJson;
use serde_json::Value;

/// Renders the transcript in every format and checks each file.
pub(super) fn holds(transcript: &Transcript, result: &ResultJson) {
    let request = Request::new("#g1_nova-2-general", []);
    let envelope = TranscriptMetadata {
        source: "talks",
        recording: "a\u{1b}[2J\u{202e}.mp3".to_owned(),
        recording_bytes: None,
        audio: "../a.mp3".to_owned(),
        sha256: None,
        sound_hash: None,
        size_bytes: None,
        request: &request,
        generation_id: Some("\u{7}../g\r\n"),
        recorded_at: Timestamp::from_millis(0),
        submitted_at: None,
        received_at: Timestamp::from_millis(1),
    };
    for format in Format::ALL {
        let file = render(
            format,
            transcript,
            result,
            &envelope,
            &RenderOptions::default(),
        );
        let file = file.to_bytes().expect("the result is not damaged");
        if format == Format::Docx {
            assert!(file.starts_with(b"PK"), "{file:?}");
            continue;
        }
        let file = String::from_utf8(file).expect("a file is UTF-8");
        match format {
            Format::Json => check_json(&file),
            Format::Podcast | Format::Whisperx => {
                check_plain(&file);
                check_json(&file);
            }
            Format::Txt | Format::Md | Format::Lrc | Format::Html | Format::Docx => {
                check_plain(&file)
            }
            Format::Tsv | Format::Aud => check_table(&file),
            Format::Srt => {
                check_plain(&file);
                check_srt(&file);
            }
            Format::Vtt => {
                check_plain(&file);
                check_vtt(&file);
            }
        }
    }
}

fn check_json(file: &str) {
    serde_json::from_str::<Value>(file).expect("a JSON file is JSON");
}

fn check_plain(file: &str) {
    let control = file
        .chars()
        .find(|char| is_control_char(*char) && *char != '\n');
    assert_eq!(control, None, "{file:?}");
}

/// Checks that each line has two times and a text.
fn check_table(file: &str) {
    for line in file.lines() {
        assert_eq!(line.matches('\t').count(), 2, "{line:?}");
    }
    check_plain(&file.replace('\t', " "));
}

/// Checks that the file consists of blocks of a number, a time and one or two lines, with one arrow each.
fn check_srt(file: &str) {
    let blocks: Vec<_> = file.split_terminator("\n\n").collect();
    for (number, block) in (1..).zip(&blocks) {
        let lines: Vec<_> = block.trim_end_matches('\n').split('\n').collect();
        assert!((3..=4).contains(&lines.len()), "{block:?}");
        assert_eq!(lines[0], format!("{number}"), "{file:?}");
        assert!(lines[1].contains(" --> "), "{block:?}");
    }
    assert_eq!(file.matches("-->").count(), blocks.len(), "{file:?}");
}

/// Checks that the file is a header followed by blocks with one arrow each.
fn check_vtt(file: &str) {
    let mut blocks = file.split_terminator("\n\n");
    assert!(blocks.next().is_some_and(|head| head.starts_with("WEBVTT")));
    for block in blocks {
        let arrows = block.matches("-->").count();
        let is_note = block.starts_with("NOTE");
        assert!(is_note || arrows == 1, "{block:?}");
    }
}
