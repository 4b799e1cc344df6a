//! Markdown with front matter and a chapter for each paragraph.
//!
//! The heading of a chapter links to its position in the audio.

use super::label::label;
use super::metadata::TranscriptMetadata;
use super::plain;
use super::segment::{Segment, segments};
use super::timing::{format_time, millis};
use crate::domain::Transcript;
use std::path::Path;

/// Text of a transcript without speech.
const SILENCE: &str = "*No speech.*";
/// Maximum number of sentences in a chapter, if the service returned no paragraphs.
const MAX_SENTENCES: usize = 6;
/// Length of the silence that ends a chapter, in milliseconds, if the service returned no paragraphs.
const PAUSE_MS: u64 = 2000;

struct Chapter {
    start_ms: u64,
    label: Option<String>,
    text: String,
}

pub(super) fn render(transcript: &Transcript, envelope: &TranscriptMetadata<'_>) -> String {
    let mut text = front_matter(transcript, envelope);
    let chapters = chapters(transcript);
    for chapter in &chapters {
        let time = clock_seconds(chapter.start_ms);
        let link = format!("{}#t={}", envelope.audio, chapter.start_ms / 1000);
        let speaker = chapter.label.as_deref().map(escape);
        let speaker = speaker.map_or_else(String::new, |label| format!(" {label}"));
        let body = escape(&chapter.text);
        text.push_str(&format!("\n## [{time}](<{link}>){speaker}\n\n{body}\n"));
    }
    if chapters.is_empty() {
        text.push_str(&format!("\n{SILENCE}\n"));
    }
    text
}

/// Returns the YAML front matter. Values are quoted as JSON strings, which are valid YAML.
fn front_matter(transcript: &Transcript, envelope: &TranscriptMetadata<'_>) -> String {
    let quoted = |text: &str| serde_json::Value::from(plain::printable_line(text)).to_string();
    let stem = Path::new(&envelope.recording).file_stem();
    let title = stem.map_or_else(
        || envelope.recording.as_str().into(),
        |stem| stem.to_string_lossy(),
    );
    let mut lines = vec![
        format!("title: {}", quoted(&title)),
        format!("source: {}", quoted(envelope.source)),
        format!("recording: {}", quoted(&envelope.recording)),
        format!("model: {}", quoted(envelope.request.model())),
    ];
    let mut add = |key: &str, value: Option<String>| {
        lines.extend(value.map(|value| format!("{key}: {value}")));
    };
    add("language", transcript.language.as_deref().map(quoted));
    let length = transcript
        .duration_s
        .map(|length| clock_seconds(millis(length)));
    add("duration", length.as_deref().map(quoted));
    add("sha256", envelope.sha256.map(quoted));
    add("generation_id", envelope.generation_id.map(quoted));
    add("transcribed_at", Some(envelope.received_at.to_string()));
    format!("---\n{}\n---\n", lines.join("\n"))
}

/// Returns a chapter for each paragraph of the service, or chapters grouped from sentences if there are none.
fn chapters(transcript: &Transcript) -> Vec<Chapter> {
    let chapters = from_paragraphs(transcript);
    if chapters.is_empty() {
        from_segments(segments(transcript))
    } else {
        chapters
    }
}

fn from_paragraphs(transcript: &Transcript) -> Vec<Chapter> {
    let chapters = transcript.paragraphs.iter().map(|paragraph| {
        let sentences: Vec<_> = paragraph
            .sentences
            .iter()
            .map(|sentence| plain::printable_line(sentence))
            .collect();
        Chapter {
            start_ms: millis(paragraph.start_s),
            label: label(paragraph.speaker.as_ref(), paragraph.channel),
            text: plain::join(sentences.iter().map(String::as_str)),
        }
    });
    chapters
        .filter(|chapter| !chapter.text.is_empty())
        .collect()
}

fn from_segments(segments: Vec<Segment>) -> Vec<Chapter> {
    let mut groups: Vec<Vec<Segment>> = Vec::new();
    for segment in segments {
        match groups.last_mut() {
            Some(group) if continues(group, &segment) => group.push(segment),
            _ => groups.push(vec![segment]),
        }
    }
    let chapter = |group: Vec<Segment>| {
        let sentences: Vec<_> = group.iter().map(Segment::text).collect();
        Chapter {
            start_ms: group[0].start_ms,
            label: group[0].label.clone(),
            text: plain::join(sentences.iter().map(String::as_str)),
        }
    };
    groups.into_iter().map(chapter).collect()
}

/// Whether `next` belongs to the same chapter.
fn continues(group: &[Segment], next: &Segment) -> bool {
    let last = &group[group.len() - 1];
    group.len() < MAX_SENTENCES
        && last.label == next.label
        && next.start_ms < last.end_ms.saturating_add(PAUSE_MS)
}

/// Formats a time without milliseconds.
fn clock_seconds(millis: u64) -> String {
    format_time(millis, '.')[..8].to_owned()
}

/// Escapes all characters that have a meaning in Markdown.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (index, char) in text.chars().enumerate() {
        let is_mark = matches!(
            char,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&'
        );
        if is_mark || index == 0 && matches!(char, '#' | '+' | '-' | '=' | ':') {
            escaped.push('\\');
        }
        escaped.push(char);
    }
    escape_list_number(escaped)
}

/// Escapes the mark after a leading number (`.` or `)`), which would turn the paragraph into a list.
fn escape_list_number(text: String) -> String {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    match text.as_bytes().get(digits) {
        Some(b'.' | b')') if digits > 0 => format!("{}\\{}", &text[..digits], &text[digits..]),
        _ => text,
    }
}
