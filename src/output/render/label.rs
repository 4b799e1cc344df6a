//! Speaker labels.

use super::plain;
use crate::domain::speaker_names::SpeakerNames;
use crate::domain::transcript::Speaker;
use unicode_width::UnicodeWidthStr;

/// Maximum width of a label, in columns. With its colon it fits on one line of a subtitle.
pub(super) const MAX_COLUMNS: usize = 40;

/// Returns the name of a speaker, or otherwise `Speaker 1`, `Channel 2`, or both. Returns `None` if neither is known. Numbers
/// start at 1.
pub(super) fn label(
    names: &SpeakerNames,
    speaker: Option<&Speaker>,
    channel: Option<u32>,
) -> Option<String> {
    let given = names.name(speaker, channel).map(plain::printable_line);
    if let Some(name) = given.filter(|name| !name.is_empty()) {
        return Some(truncate(&name));
    }
    let channel = channel.map(|channel| format!("Channel {}", u64::from(channel) + 1));
    let speaker = speaker
        .and_then(name)
        .map(|speaker| format!("Speaker {speaker}"));
    match (channel, speaker) {
        (Some(channel), Some(speaker)) => Some(truncate(&format!("{channel}, {speaker}"))),
        (one, other) => one.or(other).as_deref().map(truncate),
    }
}

/// Right-to-left mark. It is invisible.
const RIGHT_TO_LEFT: char = '\u{200f}';

/// Returns the text with its label before it.
///
/// A line takes its direction from its first letter. A mark keeps that of a text from the right to the left.
pub(super) fn labelled(label: &str, text: &str) -> String {
    let mark = is_right_to_left(text).then_some(RIGHT_TO_LEFT);
    let mark = mark.map_or_else(String::new, String::from);
    let space = if text.is_empty() { "" } else { " " };
    format!("{mark}{label}:{space}{text}")
}

/// Whether the text starts with a letter of a script that is written from the right to the left.
pub(super) fn is_right_to_left(text: &str) -> bool {
    let first = text.chars().find(|char| char.is_alphabetic());
    first.is_some_and(is_right_to_left_letter)
}

const fn is_right_to_left_letter(char: char) -> bool {
    matches!(
        char,
        '\u{0590}'..='\u{08ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' | '\u{10800}'..='\u{10fff}'
            | '\u{1e800}'..='\u{1efff}'
    )
}

/// Returns the printable name of a speaker, or `None` if no character is printable. Services count from 0.
fn name(speaker: &Speaker) -> Option<String> {
    let name = plain::printable_line(speaker.key());
    match name.parse::<u32>() {
        Ok(number) => Some((u64::from(number) + 1).to_string()),
        Err(_) => Some(name.into_owned()).filter(|name| !name.is_empty()),
    }
}

/// Truncates a label to its maximum width.
fn truncate(label: &str) -> String {
    let mut label: String = label.chars().take(MAX_COLUMNS).collect();
    while label.width() > MAX_COLUMNS {
        label.pop();
    }
    label
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speaker(name: &str) -> Option<String> {
        label(&SpeakerNames::default(), Some(&Speaker(name.into())), None)
    }

    #[test]
    fn numbers_start_at_one_and_letters_stay() {
        assert_eq!(speaker("0").as_deref(), Some("Speaker 1"));
        assert_eq!(speaker("A").as_deref(), Some("Speaker A"));
        assert_eq!(speaker("4294967295").as_deref(), Some("Speaker 4294967296"));
        assert_eq!(speaker("speaker_0").as_deref(), Some("Speaker 1"));
        assert_eq!(speaker("SPEAKER_09").as_deref(), Some("Speaker 10"));
        assert_eq!(speaker("speakers").as_deref(), Some("Speaker speakers"));
        let second = Speaker("1".into());
        let mut names = SpeakerNames::default();
        let both = label(&names, Some(&second), Some(0));
        assert_eq!(both.as_deref(), Some("Channel 1, Speaker 2"));
        names.set("0/1", "Anna").unwrap();
        let named = label(&names, Some(&second), Some(0));
        assert_eq!(named.as_deref(), Some("Anna"));
    }

    #[test]
    fn a_label_keeps_the_direction_of_its_text() {
        assert_eq!(labelled("Speaker 1", "Yes."), "Speaker 1: Yes.");
        assert_eq!(labelled("Speaker 1", ""), "Speaker 1:");
        assert_eq!(labelled("Speaker 1", "«نعم»"), "\u{200f}Speaker 1: «نعم»");
        assert_eq!(labelled("Speaker 1", "כן"), "\u{200f}Speaker 1: כן");
    }

    #[test]
    fn unprintable_names_are_dropped_and_long_ones_truncated() {
        assert_eq!(speaker("\u{1b}[0m \u{202e}"), None);
        let long = speaker(&"名".repeat(5000)).unwrap();
        assert_eq!(long.width(), MAX_COLUMNS);
    }
}
