//! Words of a made-up transcript: a description of the recording, then filler sentences for the rest of its duration.

use crate::submission::ReceivedSubmission;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use std::borrow::Cow;

/// Average speaking rate, in words per minute.
const WORDS_PER_MINUTE: f64 = 150.0;
/// Maximum number of words, enough for over three hours.
const MAX_WORDS: usize = 30_000;
/// A recording with this in its name has no words.
const SILENCE: &str = "silence";

/// Filler sentences for recordings longer than the opening.
const FILLERS: [&str; 16] = [
    "The lamp above the desk was left on.",
    "Nobody in the house was awake any more.",
    "Every recording waited for its turn.",
    "A train went by, far away.",
    "The first answers came back before midnight.",
    "Somebody had labelled the folders with care.",
    "It rained for an hour, and then it stopped.",
    "The list grew shorter, one line after the other.",
    "Two of the talks were about the sea.",
    "What had been paid for was written down at once.",
    "The fan of the computer turned slowly.",
    "A door closed somewhere downstairs.",
    "The longest interview took its time.",
    "Nothing had to be done twice.",
    "By five o'clock the birds began.",
    "In the morning, all of it was there.",
];

/// Word with its times in milliseconds from the start of the audio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SpokenWord {
    /// Text with capitals and punctuation.
    pub(crate) text: Cow<'static, str>,
    pub(crate) start_ms: u64,
    pub(crate) end_ms: u64,
    /// Index of its sentence.
    pub(crate) sentence: usize,
}

impl SpokenWord {
    /// Returns the word in lower case, without punctuation at its ends.
    pub(crate) fn bare(&self) -> String {
        let bare = self.text.trim_matches(|c: char| !c.is_alphanumeric());
        let text = if bare.is_empty() { &self.text } else { bare };
        text.to_lowercase()
    }
}

/// Returns the words of a recording, spread evenly over its duration. The same recording always gives the same words.
pub(crate) fn words(submission: &ReceivedSubmission) -> Vec<SpokenWord> {
    if submission.name.to_lowercase().contains(SILENCE) {
        return Vec::new();
    }
    let mut words = Vec::new();
    for (sentence, text) in opening(submission).into_iter().enumerate() {
        push_sentence(
            &mut words,
            text.split_whitespace().map(|word| word.to_owned().into()),
            sentence,
        );
    }
    let wanted = (submission.duration_s * WORDS_PER_MINUTE / 60.0) as usize;
    let mut rng = StdRng::from_seed(submission.sha256.0);
    let mut sentence = words.last().map_or(0, |word| word.sentence + 1);
    while words.len() < wanted.min(MAX_WORDS) {
        let filler = FILLERS.choose(&mut rng).copied().unwrap_or_default();
        push_sentence(&mut words, filler.split(' ').map(Cow::Borrowed), sentence);
        sentence += 1;
    }
    words.truncate(MAX_WORDS);
    spread(&mut words, (submission.duration_s * 1000.0) as u64);
    words
}

fn opening(submission: &ReceivedSubmission) -> [String; 2] {
    let hash = submission.sha256.to_string();
    [
        "This is the nightscribe sandbox, not speech recognition.".to_owned(),
        format!(
            "The recording {} lasts {:.1} seconds, and its SHA-256 begins with {}.",
            submission.name,
            submission.duration_s,
            &hash[..8]
        ),
    ]
}

fn push_sentence(
    words: &mut Vec<SpokenWord>,
    texts: impl Iterator<Item = Cow<'static, str>>,
    sentence: usize,
) {
    words.extend(texts.map(|text| SpokenWord {
        text,
        start_ms: 0,
        end_ms: 0,
        sentence,
    }));
}

/// Gives each word an equal slot. The word takes four fifths of it.
fn spread(words: &mut [SpokenWord], total_ms: u64) {
    let count = words.len() as u64;
    for (index, word) in (0..).zip(words) {
        let (start, next) = (total_ms * index / count, total_ms * (index + 1) / count);
        word.start_ms = start;
        word.end_ms = start + (next - start) * 4 / 5;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn submission_of(duration_s: f64) -> ReceivedSubmission {
        ReceivedSubmission {
            duration_s,
            ..ReceivedSubmission::example("talk one.mp3")
        }
    }

    fn text(words: &[SpokenWord]) -> String {
        words
            .iter()
            .map(|word| word.text.as_ref())
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn a_short_recording_gets_only_the_opening() {
        assert_eq!(
            text(&words(&submission_of(4.2))),
            "This is the nightscribe sandbox, not speech recognition. The recording talk one.mp3 lasts 4.2 seconds, \
             and its SHA-256 begins with abababab."
        );
    }

    #[test]
    fn a_longer_recording_gets_complete_filler_sentences() {
        let words = words(&submission_of(60.0));
        assert!((150..160).contains(&words.len()), "{}", words.len());
        let rest = text(&words).split_off(text(&words).find("abababab.").unwrap() + 9);
        for sentence in rest.trim().split_inclusive('.') {
            assert!(FILLERS.contains(&sentence.trim()), "{sentence}");
        }
    }

    #[test]
    fn a_day_long_recording_gets_max_words() {
        let words = words(&submission_of(86_400.0));
        assert_eq!(words.len(), MAX_WORDS);
        assert_eq!(words.last().unwrap().start_ms, 86_397_120);
    }

    #[test]
    fn silence_has_no_words() {
        assert_eq!(words(&ReceivedSubmission::example("Long Silence.wav")), []);
    }

    #[test]
    fn bare_words_have_no_punctuation_at_their_ends() {
        let bare = |text: &'static str| {
            let word = SpokenWord {
                text: text.into(),
                start_ms: 0,
                end_ms: 0,
                sentence: 0,
            };
            word.bare()
        };
        assert_eq!(
            ["SHA-256", "o'clock,", "Sandbox.", "–"].map(bare),
            ["sha-256", "o'clock", "sandbox", "–"]
        );
    }

    proptest! {
        #[test]
        fn words_are_ordered_within_the_recording(duration_s in 0.0..20_000.0_f64, name in ".{0,40}") {
            let words = words(&ReceivedSubmission { duration_s, ..ReceivedSubmission::example(&name) });
            let mut last = 0;
            for word in &words {
                prop_assert!(last <= word.start_ms && word.start_ms <= word.end_ms);
                last = word.end_ms;
            }
            prop_assert!(last as f64 <= duration_s * 1000.0);
        }
    }
}
