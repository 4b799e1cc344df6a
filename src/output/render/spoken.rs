//! The words of a transcript in the order in which they are spoken, for the search.

use super::label::label;
use super::token::{spoken_order, timed_text, tokens};
use crate::domain::search::entry::SearchEntry;
use crate::domain::transcript::Speaker;
use crate::domain::{JobId, Language, Transcript};
use std::borrow::Cow;
use std::rc::Rc;

/// Maximum width of a word, in columns. No word of a language is wider, so that each is shown as a whole.
const MAX_WIDTH: usize = 200;

/// A word as it is displayed.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownWord<'a> {
    /// Text.
    pub text: Cow<'a, str>,
    /// Whether a space separates it from the word before.
    pub has_space: bool,
    /// Label of the speaker, if known.
    pub speaker: Option<Rc<str>>,
    /// Start in seconds. `None` if the transcript has no times.
    pub start_s: Option<f64>,
    /// End in seconds. `None` if the transcript has no times.
    pub end_s: Option<f64>,
}

/// Returns the words of a transcript, one channel after another, with the names and replacements that were applied to it.
#[must_use]
pub fn shown_words(transcript: &Transcript) -> Vec<ShownWord<'_>> {
    let has_times = transcript.has_times();
    let seconds = |millis: u64| has_times.then(|| millis as f64 / 1000.0);
    let words = tokens(transcript, MAX_WIDTH).into_iter();
    words
        .map(|word| ShownWord {
            text: word.text,
            has_space: word.has_space,
            speaker: word.label,
            start_s: seconds(word.start_ms),
            end_s: seconds(word.end_ms),
        })
        .collect()
}

/// A part of a transcript with its speaker and channel.
type Spoken<'a> = (&'a str, Option<&'a Speaker>, Option<u32>);

/// Returns the entry of a transcript in the search index, in the order of [`shown_words`].
#[must_use]
pub fn search_entry(
    job: JobId,
    transcript: &Transcript,
    language: Option<Language>,
) -> SearchEntry {
    let words = spoken_order(&transcript.words).into_iter().map(|index| {
        let word = &transcript.words[index];
        (&*word.text, word.speaker.as_ref(), word.channel)
    });
    let mut spoken: Vec<Spoken<'_>> = words.collect();
    // The words may be empty although there is a text.
    if spoken.iter().all(|(text, ..)| text.trim().is_empty()) {
        let texts = timed_text(transcript).into_iter();
        spoken = texts
            .map(|one| (one.text, one.speaker, one.channel))
            .collect();
    }
    let mut voices: Vec<_> = spoken
        .iter()
        .map(|(_, speaker, channel)| (*speaker, *channel))
        .collect();
    voices.dedup();
    voices.sort_unstable();
    voices.dedup();
    let labels = voices
        .into_iter()
        .filter_map(|(speaker, channel)| label(&transcript.speaker_names, speaker, channel));
    let mut labels: Vec<_> = labels.collect();
    labels.sort_unstable();
    labels.dedup();
    let texts = spoken.iter().map(|(text, ..)| *text);
    SearchEntry::new(job, texts, labels.iter().map(String::as_str), language)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::transcript::Word;

    fn transcript(words: &[(&str, f64, &str, u32)]) -> Transcript {
        let words = words.iter().map(|(text, start_s, speaker, channel)| Word {
            text: (*text).into(),
            start_s: *start_s,
            end_s: start_s + 0.5,
            speaker: Some(Speaker((*speaker).into())),
            channel: Some(*channel),
            confidence: None,
        });
        let mut transcript = Transcript {
            words: words.collect(),
            ..Transcript::default()
        };
        transcript.speaker_names.set("0/0", "Anna").unwrap();
        transcript
    }

    #[test]
    fn the_entry_has_the_order_of_the_shown_words() {
        let transcript = transcript(&[
            ("One,", 0.0, "0", 0),
            ("Other", 0.2, "0", 1),
            ("two.", 0.4, "0", 0),
        ]);
        let entry = search_entry(JobId(1), &transcript, None);
        assert_eq!(entry.words, "one two other");
        assert_eq!(entry.speakers, "anna ¶ channel 2 speaker 1");
        let shown = shown_words(&transcript);
        let texts: Vec<_> = shown.iter().map(|word| &*word.text).collect();
        assert_eq!(texts, ["One,", "two.", "Other"]);
        assert_eq!(shown[1].speaker.as_deref(), Some("Anna"));
        assert_eq!(shown[1].start_s, Some(0.4));
    }

    #[test]
    fn a_text_without_words_has_no_times() {
        let transcript = Transcript {
            text: "Only text.".to_owned(),
            ..Transcript::default()
        };
        assert_eq!(search_entry(JobId(1), &transcript, None).words, "only text");
        let shown = shown_words(&transcript);
        assert_eq!((&*shown[1].text, shown[1].start_s), ("text.", None));
    }
}
