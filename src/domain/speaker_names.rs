//! Names of speakers, which replace the numbers and letters of the service.

use super::control_chars::is_control_char;
use super::speaker::Speaker;
use std::collections::BTreeMap;

/// Names of speakers by key.
///
/// The key of a speaker is its number from 0 or its letter. That of a channel without speakers is its number from 0. That of
/// a speaker on a channel is both, as `0/1`. Keys are compared without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SpeakerNames(BTreeMap<String, String>);

impl SpeakerNames {
    /// Sets the name of a key, or removes it if the name is empty.
    ///
    /// # Errors
    /// If the key is empty, or one of both has control characters.
    pub fn set(&mut self, key: &str, name: &str) -> Result<(), InvalidSpeakerName> {
        let (key, name) = (normal_key(key), name.trim());
        if key.is_empty() || format!("{key}{name}").chars().any(is_control_char) {
            return Err(InvalidSpeakerName);
        }
        if name.is_empty() {
            self.0.remove(&key);
        } else {
            self.0.insert(key, name.to_owned());
        }
        Ok(())
    }

    /// Returns the name of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        // Often none are given, and renderers ask for each word.
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&normal_key(key)).map(String::as_str)
    }

    /// Returns the name of a speaker, or of a channel without speakers.
    #[must_use]
    pub fn name(&self, speaker: Option<&Speaker>, channel: Option<u32>) -> Option<&str> {
        if self.0.is_empty() {
            return None;
        }
        self.get(&speaker_key(speaker, channel)?)
    }

    /// Adds names. They replace those of the same keys.
    pub fn extend(&mut self, names: Self) {
        self.0.extend(names.0);
    }

    /// Returns all keys, in normal form, and names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(key, name)| (key.as_str(), name.as_str()))
    }
}

/// Error for a key or name that is empty or has control characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected the number or letter of a speaker and a name, without control characters")]
pub struct InvalidSpeakerName;

/// Returns the key of a speaker, or of a channel without speakers. `None` if neither is known.
#[must_use]
pub fn speaker_key(speaker: Option<&Speaker>, channel: Option<u32>) -> Option<String> {
    let speaker = speaker.map(Speaker::key);
    match (channel, speaker) {
        (Some(channel), Some(speaker)) => Some(format!("{channel}/{speaker}")),
        (Some(channel), None) => Some(channel.to_string()),
        (None, speaker) => speaker.map(str::to_owned),
    }
}

/// Whether two keys stand for the same speaker.
#[must_use]
pub fn is_same_speaker(one: &str, other: &str) -> bool {
    normal_key(one) == normal_key(other)
}

fn normal_key(key: &str) -> String {
    let parts = key.split('/').map(|part| Speaker(part.into()));
    let parts: Vec<_> = parts.map(|part| part.key().to_lowercase()).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speaker(name: &str) -> Speaker {
        Speaker(name.into())
    }

    #[test]
    fn a_speaker_is_named_by_number_or_letter() {
        let mut names = SpeakerNames::default();
        for (key, name) in [("0", "Anna"), ("speaker_1", "Jan de Vries"), ("B", "Bo")] {
            names.set(key, name).unwrap();
        }
        let name = |text: &str| names.name(Some(&speaker(text)), None);
        assert_eq!(name("0"), Some("Anna"));
        assert_eq!(name("SPEAKER_00"), Some("Anna"));
        assert_eq!(name("1"), Some("Jan de Vries"));
        assert_eq!(name("b"), Some("Bo"));
        assert_eq!(name("2"), None);
        assert_eq!(names.name(None, None), None);
    }

    #[test]
    fn channels_have_keys_of_their_own() {
        let mut names = SpeakerNames::default();
        names.set("1", "Jan").unwrap();
        names.set("0/1", "Anna").unwrap();
        assert_eq!(names.name(None, Some(1)), Some("Jan"));
        assert_eq!(names.name(Some(&speaker("1")), Some(0)), Some("Anna"));
        assert_eq!(names.name(Some(&speaker("1")), Some(1)), None);
    }

    #[test]
    fn an_empty_name_removes_one() {
        let mut names = SpeakerNames::default();
        names.set("0", "Anna").unwrap();
        names.set("00", " ").unwrap();
        assert_eq!(names, SpeakerNames::default());
        assert_eq!(names.set(" ", "Anna"), Err(InvalidSpeakerName));
        assert_eq!(names.set("0", "An\u{7}na"), Err(InvalidSpeakerName));
    }
}
