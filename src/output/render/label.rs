//! Who speaks, in words.

use super::plain;
use crate::domain::transcript::Speaker;

/// Longest name of a speaker that is shown, in characters.
const LONGEST: usize = 24;

/// `Speaker 1`, `Channel 2`, or both; `None` where neither was told apart. Numbers are shown from 1.
pub(super) fn label(speaker: Option<&Speaker>, channel: Option<u32>) -> Option<String> {
    let channel = channel.map(|channel| format!("Channel {}", u64::from(channel) + 1));
    let speaker = speaker.map(|speaker| format!("Speaker {}", name(speaker)));
    match (channel, speaker) {
        (Some(channel), Some(speaker)) => Some(format!("{channel}, {speaker}")),
        (one, other) => one.or(other),
    }
}

fn name(speaker: &Speaker) -> String {
    match speaker.0.parse::<u32>() {
        Ok(number) => (u64::from(number) + 1).to_string(),
        Err(_) => plain::line(&speaker.0).chars().take(LONGEST).collect(),
    }
}
