//! Deepgram results (nova and whisper models). Every field is optional, and an object may stand in for a list.

use crate::domain::extras::Extras;
use crate::domain::transcript::{Paragraph, Utterance, Word};
use crate::provider::json::list::{each, each_flat};
use crate::provider::json::reader::{JsonReader, Kind};
use crate::provider::result::paragraph;
use crate::provider::result::search::FoundText;
use crate::provider::result::utterance::{NAMES as UTTERANCE_NAMES, UtteranceDraft};
use crate::provider::result::word::{NAMES as WORD_NAMES, WordDraft};
use crate::provider::result::word_list::WordList;

const CHANNEL_NAMES: [&str; 2] = ["alternatives", "detected_language"];
const ALTERNATIVE_NAMES: [&str; 4] = ["transcript", "confidence", "words", "paragraphs"];

/// The field `results` while it is read.
#[derive(Debug, Default)]
pub(crate) struct ResultsDraft {
    /// Text of each channel.
    texts: Vec<String>,
    words: Vec<Word>,
    paragraphs: Vec<Paragraph>,
    utterances: Vec<Utterance>,
    language: Option<String>,
    channels: u32,
    pub(crate) extras: Extras,
    found: FoundText,
    /// Whether a field that Deepgram documents was read.
    pub(crate) is_known: bool,
}

/// The best alternative of a channel.
#[derive(Default)]
struct Alternative {
    text: Option<String>,
    words: WordList,
    paragraphs: Vec<Paragraph>,
    extras: Extras,
}

#[derive(Default)]
struct Channel {
    alternative: Option<Alternative>,
    language: Option<String>,
}

/// Parts of a transcript, as they were read.
pub(crate) struct Results {
    pub(crate) text: String,
    pub(crate) words: Vec<Word>,
    pub(crate) paragraphs: Vec<Paragraph>,
    pub(crate) utterances: Vec<Utterance>,
    pub(crate) language: Option<String>,
    /// Text in fields that Deepgram does not document.
    pub(crate) found: Option<String>,
    /// Whether a field that Deepgram documents was read.
    pub(crate) is_known: bool,
}

impl ResultsDraft {
    /// Reads `results`.
    pub(crate) fn read(&mut self, json: &mut JsonReader<'_>) {
        if json.kind() == Kind::Object {
            json.object(|json, name| self.field(json, name));
        } else {
            self.found.search(json, "");
        }
    }

    fn field(&mut self, json: &mut JsonReader<'_>, name: &str) {
        if json.null() {
            return;
        }
        match name {
            "channels" => {
                self.is_known = true;
                each(json, &CHANNEL_NAMES, Channel::field, |channel| {
                    self.add(channel);
                });
            }
            "utterances" => {
                self.is_known = true;
                each(json, &UTTERANCE_NAMES, UtteranceDraft::field, |draft| {
                    if let Some(Ok(utterance)) = draft.finish() {
                        self.utterances.push(utterance);
                    }
                });
            }
            _ if self.extras.record(name) => {}
            _ => self.found.search(json, name),
        }
    }

    fn add(&mut self, channel: Channel) {
        let number = self.channels;
        self.channels += 1;
        self.language = self.language.take().or(channel.language);
        let Some(best) = channel.alternative else {
            return;
        };
        let channel = Some(number);
        self.texts.extend(best.text);
        let (mut words, _) = best.words.finish(None);
        words.iter_mut().for_each(|word| word.channel = channel);
        match self.words.is_empty() {
            // Most results have one channel. Its words are not copied.
            true => self.words = words,
            false => self.words.append(&mut words),
        }
        let paragraphs = best.paragraphs.into_iter();
        self.paragraphs
            .extend(paragraphs.map(|one| Paragraph { channel, ..one }));
        self.extras.entities |= best.extras.entities;
        self.extras.summary |= best.extras.summary;
    }

    /// Returns the parts. The number of a channel is kept only if there are several.
    pub(crate) fn finish(mut self) -> Results {
        if self.channels <= 1 {
            self.words.iter_mut().for_each(|word| word.channel = None);
            self.paragraphs
                .iter_mut()
                .for_each(|one| one.channel = None);
            self.utterances
                .iter_mut()
                .for_each(|one| one.channel = None);
        }
        Results {
            text: self.texts.join("\n"),
            words: self.words,
            paragraphs: self.paragraphs,
            utterances: self.utterances,
            language: self.language,
            found: self.found.into_text(),
            is_known: self.is_known,
        }
    }
}

impl Channel {
    fn field(&mut self, json: &mut JsonReader<'_>, name: &str) {
        match name {
            "alternatives" => each(json, &ALTERNATIVE_NAMES, Alternative::field, |one| {
                self.alternative.get_or_insert(one);
            }),
            "detected_language" => self.language = json.text(),
            _ => {}
        }
    }
}

impl Alternative {
    fn field(&mut self, json: &mut JsonReader<'_>, name: &str) {
        match name {
            "transcript" => self.text = json.text().filter(|text| !text.trim().is_empty()),
            "words" => each_flat(json, &WORD_NAMES, WordDraft::field, |draft| {
                draft
                    .finish()
                    .into_iter()
                    .for_each(|word| self.words.push(word));
            }),
            "paragraphs" => {
                paragraph::read(json, |paragraph| self.paragraphs.push(paragraph));
            }
            "entities" | "summaries" if !json.null() => {
                self.extras.entities |= name == "entities";
                self.extras.summary |= name == "summaries";
            }
            _ => {}
        }
    }
}
