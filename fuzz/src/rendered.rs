//! What holds of every rendered file.

use super::is_obeyed;
use nightscribe::domain::{Format, Request, Timestamp, Transcript};
use nightscribe::output::render::{Envelope, render};
use serde_json::Value;

/// Renders in every format, and looks at what came out.
pub(super) fn holds(transcript: &Transcript, raw: &str) {
    let request = Request::new("#g1_nova-2-general", []);
    let envelope = Envelope {
        source: "talks",
        recording: "a\u{1b}[2J\u{202e}.mp3".to_owned(),
        audio: "../a.mp3".to_owned(),
        sha256: None,
        request: &request,
        generation_id: Some("\u{7}../g\r\n"),
        recorded_at: Timestamp::from_millis(0),
        submitted_at: None,
        received_at: Timestamp::from_millis(1),
    };
    for format in Format::ALL {
        let file = render(format, transcript, raw, &envelope);
        let file = String::from_utf8(file).expect("a file is UTF-8");
        match format {
            Format::Json => json(&file),
            Format::Podcast | Format::Whisperx => {
                is_plain(&file);
                json(&file);
            }
            Format::Txt | Format::Md | Format::Lrc => is_plain(&file),
            Format::Tsv | Format::Aud => table(&file),
            Format::Srt => {
                is_plain(&file);
                srt(&file);
            }
            Format::Vtt => {
                is_plain(&file);
                vtt(&file);
            }
        }
    }
}

fn json(file: &str) {
    serde_json::from_str::<Value>(file).expect("a JSON file is JSON");
}

fn is_plain(file: &str) {
    let obeyed = file.chars().find(|char| is_obeyed(*char) && *char != '\n');
    assert_eq!(obeyed, None, "{file:?}");
}

/// Two times and a text in each line.
fn table(file: &str) {
    for line in file.lines() {
        assert_eq!(line.matches('\t').count(), 2, "{line:?}");
    }
    is_plain(&file.replace('\t', " "));
}

/// Blocks of a number, a time and one or two lines; one arrow each.
fn srt(file: &str) {
    let blocks: Vec<_> = file.split_terminator("\n\n").collect();
    for (number, block) in (1..).zip(&blocks) {
        let lines: Vec<_> = block.trim_end_matches('\n').split('\n').collect();
        assert!((3..=4).contains(&lines.len()), "{block:?}");
        assert_eq!(lines[0], format!("{number}"), "{file:?}");
        assert!(lines[1].contains(" --> "), "{block:?}");
    }
    assert_eq!(file.matches("-->").count(), blocks.len(), "{file:?}");
}

/// A header, then blocks that begin with a time; an arrow nowhere else.
fn vtt(file: &str) {
    let mut blocks = file.split_terminator("\n\n");
    assert!(blocks.next().is_some_and(|head| head.starts_with("WEBVTT")));
    for block in blocks {
        let arrows = block.matches("-->").count();
        let is_note = block.starts_with("NOTE");
        assert!(is_note || arrows == 1, "{block:?}");
    }
}
