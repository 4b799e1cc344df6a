//! Who speaks, in words.

use super::plain;
use crate::domain::transcript::Speaker;
use unicode_width::UnicodeWidthStr;

/// Longest label, in columns: with its colon it fits a line of a subtitle, where no name can be broken.
pub(super) const COLUMNS: usize = 40;

/// `Speaker 1`, `Channel 2`, or both; `None` where neither was told apart. Numbers are shown from 1.
pub(super) fn label(speaker: Option<&Speaker>, channel: Option<u32>) -> Option<String> {
    let channel = channel.map(|channel| format!("Channel {}", u64::from(channel) + 1));
    let speaker = speaker
        .and_then(name)
        .map(|speaker| format!("Speaker {speaker}"));
    match (channel, speaker) {
        (Some(channel), Some(speaker)) => Some(fitting(format!("{channel}, {speaker}"))),
        (one, other) => one.or(other).map(fitting),
    }
}

/// Nothing where nothing of the name can be shown.
fn name(speaker: &Speaker) -> Option<String> {
    let name = plain::line(&speaker.0);
    match name.parse::<u32>() {
        Ok(number) => Some((u64::from(number) + 1).to_string()),
        Err(_) => Some(name).filter(|name| !name.is_empty()),
    }
}

fn fitting(label: String) -> String {
    let mut label: String = label.chars().take(COLUMNS).collect();
    while label.width() > COLUMNS {
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
    fn numbers_count_from_one_and_letters_stay() {
        assert_eq!(speaker("0").as_deref(), Some("Speaker 1"));
        assert_eq!(speaker("A").as_deref(), Some("Speaker A"));
        assert_eq!(speaker("4294967295").as_deref(), Some("Speaker 4294967296"));
        let both = label(Some(&Speaker("1".to_owned())), Some(0));
        assert_eq!(both.as_deref(), Some("Channel 1, Speaker 2"));
    }

    #[test]
    fn names_that_cannot_be_shown_are_none_and_endless_ones_are_cut() {
        assert_eq!(speaker("\u{1b}[0m \u{202e}"), None);
        let long = speaker(&"名".repeat(5000)).unwrap();
        assert_eq!(long.width(), COLUMNS);
    }
}
