//! The speakers of a transcript, each with a first sentence.

use super::label::label;
use super::segment::{segment_words, segments};
use crate::domain::Transcript;
use crate::domain::speaker_names::{SpeakerNames, speaker_key};
use crate::domain::transcript::Speaker;
use std::collections::HashMap;

/// A speaker of a transcript.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SpeakerSample {
    /// Key by which a name is given: the number from 0 or the letter of the service.
    pub speaker: String,
    /// Label without a name.
    pub label: String,
    /// Name, if one was given.
    pub name: Option<String>,
    /// First sentence.
    pub sentence: String,
}

/// Returns the speakers of a transcript in the order in which they first speak.
#[must_use]
pub fn speaker_samples(mut transcript: Transcript) -> Vec<SpeakerSample> {
    let names = std::mem::take(&mut transcript.speaker_names);
    let mut keys: HashMap<String, String> = voices(&transcript)
        .filter_map(|(speaker, channel)| {
            let label = label(&SpeakerNames::default(), speaker, channel)?;
            Some((label, speaker_key(speaker, channel)?))
        })
        .collect();
    let mut samples = Vec::new();
    for segment in segments(&segment_words(&transcript)) {
        let Some(label) = segment.label else {
            continue;
        };
        // Each label is found once, at its first segment.
        if let Some(speaker) = keys.remove(label) {
            samples.push(SpeakerSample {
                name: names.get(&speaker).map(str::to_owned),
                label: label.to_owned(),
                sentence: segment.text(),
                speaker,
            });
        }
    }
    samples
}

/// Returns the speaker and the channel of each part of a transcript.
fn voices(transcript: &Transcript) -> impl Iterator<Item = (Option<&Speaker>, Option<u32>)> {
    let words = transcript.words.iter();
    let words = words.map(|one| (one.speaker.as_ref(), one.channel));
    let utterances = transcript.utterances.iter();
    let utterances = utterances.map(|one| (one.speaker.as_ref(), one.channel));
    let paragraphs = transcript.paragraphs.iter();
    let paragraphs = paragraphs.map(|one| (one.speaker.as_ref(), one.channel));
    words.chain(utterances).chain(paragraphs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::transcript::Word;

    #[test]
    fn each_speaker_is_listed_with_a_first_sentence() {
        let word = |(index, (text, speaker)): (u32, &(&str, &str))| Word {
            text: (*text).into(),
            start_s: f64::from(index),
            end_s: f64::from(index) + 0.9,
            speaker: Some(Speaker((*speaker).into())),
            channel: None,
            confidence: None,
        };
        let said = [
            ("Hello", "speaker_1"),
            ("there.", "speaker_1"),
            ("Hi.", "A"),
            ("Bye.", "speaker_1"),
        ];
        let mut transcript = Transcript {
            words: (0..).zip(&said).map(word).collect(),
            ..Transcript::default()
        };
        transcript.speaker_names.set("1", "Anna").unwrap();
        let samples: Vec<_> = speaker_samples(transcript)
            .into_iter()
            .map(|one| (one.speaker, one.label, one.name, one.sentence))
            .collect();
        let text = str::to_owned;
        let expected = [
            (
                text("1"),
                text("Speaker 2"),
                Some(text("Anna")),
                text("Hello there."),
            ),
            (text("A"), text("Speaker A"), None, text("Hi.")),
        ];
        assert_eq!(samples, expected);
    }
}
