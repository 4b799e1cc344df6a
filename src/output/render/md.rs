//! Markdown with front matter and a chapter for each paragraph.
//!
//! The heading of a chapter links to its position in the audio.

use super::metadata::TranscriptMetadata;
use super::paragraph::paragraphs;
use super::plain;
use super::timing::{clock_time, millis};
use crate::domain::Transcript;

/// Text of a transcript without speech.
const NO_SPEECH: &str = "*No speech.*";

pub(super) fn render(transcript: &Transcript, envelope: &TranscriptMetadata<'_>) -> String {
    let mut text = front_matter(transcript, envelope);
    let chapters = paragraphs(transcript);
    for chapter in &chapters {
        let time = clock_time(chapter.start_ms);
        let link = format!("{}#t={}", envelope.audio, chapter.start_ms / 1000);
        let speaker = chapter.label.as_deref().map(escape);
        let speaker = speaker.map_or_else(String::new, |label| format!(" {label}"));
        let body = escape(&chapter.text);
        text.push_str(&format!("\n## [{time}](<{link}>){speaker}\n\n{body}\n"));
    }
    if chapters.is_empty() {
        text.push_str(&format!("\n{NO_SPEECH}\n"));
    }
    text
}

/// Returns the YAML front matter. All values are quoted, so that no reader takes a title or a time for another type.
fn front_matter(transcript: &Transcript, envelope: &TranscriptMetadata<'_>) -> String {
    let mut lines = vec![
        format!("title: {}", quoted(&envelope.title())),
        format!("source: {}", quoted(envelope.source)),
        format!("recording: {}", quoted(&envelope.recording)),
        format!("model: {}", quoted(envelope.request.model())),
    ];
    let mut add = |key: &str, value: Option<String>| {
        lines.extend(value.map(|value| format!("{key}: {value}")));
    };
    let language = envelope.language(transcript);
    add("language", language.map(|one| quoted(&one.to_string())));
    let length = transcript
        .duration_s
        .map(|length| clock_time(millis(length)));
    add("duration", length.as_deref().map(quoted));
    add("sha256", envelope.sha256.map(quoted));
    add("generation_id", envelope.generation_id.map(quoted));
    add(
        "transcribed_at",
        Some(quoted(&envelope.received_at.to_string())),
    );
    format!("---\n{}\n---\n", lines.join("\n"))
}

/// Quotes a text as a JSON string, which is valid YAML. The two characters that YAML does not allow are escaped.
fn quoted(text: &str) -> String {
    let quoted = serde_json::Value::from(plain::printable_line(text)).to_string();
    quoted
        .replace('\u{fffe}', "\\ufffe")
        .replace('\u{ffff}', "\\uffff")
}

/// Escapes all characters that have a meaning in CommonMark, in its common extensions or in Obsidian.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    let mut is_first = true;
    while let Some(char) = chars.next() {
        let is_doubled = before == char || chars.peek() == Some(&char);
        let is_mark = match char {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '$' | '^' => true,
            // A tag. A number sign within a word has no meaning.
            '#' => !before.is_alphanumeric(),
            // A highlight or a comment.
            '=' | '%' => is_doubled || is_first && char == '=',
            '+' | '-' | ':' => is_first,
            _ => false,
        };
        if is_mark {
            escaped.push('\\');
        }
        escaped.push(char);
        (before, is_first) = (char, false);
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
