//! Speaker labels.

use super::plain;
use crate::domain::transcript::Speaker;
use unicode_width::UnicodeWidthStr;

/// Maximum width of a label, in columns. With its colon it fits on one line of a subtitle.
pub(super) const MAX_COLUMNS: usize = 40;

/// Returns `Speaker 1`, `Channel 2`, or both. Returns `None` if neither is known. Numbers start at 1.
pub(super) fn label(speaker: Option<&Speaker>, channel: Option<u32>) -> Option<String> {
    let channel = channel.map(|channel| format!("Channel {}", u64::from(channel) + 1));
    let speaker = speaker
        .and_then(name)
        .map(|speaker| format!("Speaker {speaker}"));
    match (channel, speaker) {
        (Some(channel), Some(speaker)) => Some(truncate(format!("{channel}, {speaker}"))),
        (one, other) => one.or(other).map(truncate),
    }
}

/// Returns the printable name of a speaker, or `None` if no character is printable.
fn name(speaker: &Speaker) -> Option<String> {
    let name = plain::printable_line(&speaker.0);
    match name.parse::<u32>() {
        Ok(number) => Some((u64::from(number) + 1).to_string()),
        Err(_) => Some(name).filter(|name| !name.is_empty()),
    }
}

/// Truncates a label to its maximum width.
fn truncate(label: String) -> String {
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
        label(Some(&Speaker(name.to_owned())), None)
    }

    #[test]
    fn numbers_start_at_one_and_letters_stay() {
        assert_eq!(speaker("0").as_deref(), Some("Speaker 1"));
        assert_eq!(speaker("A").as_deref(), Some("Speaker A"));
        assert_eq!(speaker("4294967295").as_deref(), Some("Speaker 4294967296"));
        let both = label(Some(&Speaker("1".to_owned())), Some(0));
        assert_eq!(both.as_deref(), Some("Channel 1, Speaker 2"));
    }

    #[test]
    fn unprintable_names_are_dropped_and_long_ones_truncated() {
        assert_eq!(speaker("\u{1b}[0m \u{202e}"), None);
        let long = speaker(&"名".repeat(5000)).unwrap();
        assert_eq!(long.width(), MAX_COLUMNS);
    }
}
