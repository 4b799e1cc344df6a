//! Utterances and segments of every model family: text with a start and an end.

use crate::domain::transcript::{Speaker, Utterance, Word};
use crate::provider::json::list::each_flat;
use crate::provider::json::reader::JsonReader;
use crate::provider::result::number::{Span, index, length};
use crate::provider::result::word::{NAMES as WORD_NAMES, WordDraft, speaker};
use crate::provider::result::word_list::WordList;

/// Names of the fields of an utterance.
pub(crate) const NAMES: [&str; 5] = ["transcript", "text", "start", "end", "speaker"];

/// An utterance while its fields are read. Times are in the unit of the service.
#[derive(Debug, Default)]
pub(crate) struct UtteranceDraft {
    text: Option<String>,
    span: Span,
    speaker: Option<Speaker>,
    channel: Option<u32>,
    words: WordList,
}

impl UtteranceDraft {
    /// Reads one field, except the words.
    pub(crate) fn field(&mut self, json: &mut JsonReader<'_>, name: &str) {
        match name {
            "transcript" | "text" | "" => self.text = json.text().or(self.text.take()),
            "start" => self.span.start = length(json),
            "end" => self.span.end = length(json),
            "speaker" | "speaker_id" => self.speaker = json.value(speaker).or(self.speaker.take()),
            "channel" => self.channel = index(json),
            _ => {}
        }
    }

    /// Reads one field, also the words.
    pub(crate) fn field_or_words(&mut self, json: &mut JsonReader<'_>, name: &str) {
        match name {
            "words" => each_flat(json, &WORD_NAMES, WordDraft::field, |word| {
                word.finish()
                    .into_iter()
                    .for_each(|word| self.words.push(word));
            }),
            _ => self.field(json, name),
        }
    }

    /// Takes the words, with the speaker and the channel of the utterance if they name none.
    pub(crate) fn finish_words(&mut self) -> Vec<Word> {
        let (mut words, _) = std::mem::take(&mut self.words).finish(self.span.end);
        for word in &mut words {
            word.speaker = word.speaker.take().or_else(|| self.speaker.clone());
            word.channel = word.channel.or(self.channel);
        }
        words
    }

    /// Returns the utterance, or only its text if it has no times. Returns `None` if it has no text.
    pub(crate) fn finish(self) -> Option<Result<Utterance, String>> {
        let text = self.text.filter(|text| !text.trim().is_empty())?;
        let Some((start_s, end_s)) = self.span.times() else {
            return Some(Err(text));
        };
        Some(Ok(Utterance {
            text,
            start_s,
            end_s,
            speaker: self.speaker,
            channel: self.channel,
        }))
    }
}
