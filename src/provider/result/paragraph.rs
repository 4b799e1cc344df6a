//! Paragraphs of Deepgram: a list, or an object that contains one.

use crate::domain::transcript::{Paragraph, Speaker};
use crate::provider::json::list::each;
use crate::provider::json::reader::{JsonReader, Kind};
use crate::provider::result::number::{Span, length};
use crate::provider::result::word::speaker;

const NAMES: [&str; 5] = ["sentences", "start", "end", "speaker", "num_words"];
const SENTENCE_NAMES: [&str; 3] = ["text", "start", "end"];

/// Reads the paragraphs of one channel.
pub(crate) fn read(json: &mut JsonReader<'_>, mut done: impl FnMut(Paragraph)) {
    let mut list = |json: &mut JsonReader<'_>| {
        each(json, &NAMES, Draft::field, |draft: Draft| {
            draft.finish().into_iter().for_each(&mut done);
        });
    };
    if json.kind() != Kind::Object {
        return list(json);
    }
    json.object(|json, name| {
        if name == "paragraphs" {
            list(json);
        }
    });
}

#[derive(Default)]
struct Draft {
    sentences: Vec<Sentence>,
    text: Option<String>,
    span: Span,
    speaker: Option<Speaker>,
}

impl Draft {
    fn field(&mut self, json: &mut JsonReader<'_>, name: &str) {
        match name {
            "sentences" => each(json, &SENTENCE_NAMES, Sentence::field, |sentence| {
                self.sentences.push(sentence);
            }),
            "text" => self.text = json.text(),
            "start" => self.span.start = length(json),
            "end" => self.span.end = length(json),
            "speaker" => self.speaker = json.value(speaker),
            _ => {}
        }
    }

    fn finish(self) -> Option<Paragraph> {
        let times = self.span.times().or_else(|| self.sentence_times());
        let sentences = self.sentences.into_iter().filter_map(|one| one.text);
        let mut sentences: Vec<_> = sentences.collect();
        if sentences.is_empty() {
            sentences.extend(self.text);
        }
        let (start_s, end_s) = times?;
        (!sentences.is_empty()).then_some(Paragraph {
            sentences,
            start_s,
            end_s,
            speaker: self.speaker,
            channel: None,
        })
    }

    fn sentence_times(&self) -> Option<(f64, f64)> {
        let (start, _) = self.sentences.first()?.span.times()?;
        let (_, end) = self.sentences.last()?.span.times()?;
        Some((start, end.max(start)))
    }
}

#[derive(Default)]
struct Sentence {
    text: Option<String>,
    span: Span,
}

impl Sentence {
    fn field(&mut self, json: &mut JsonReader<'_>, name: &str) {
        match name {
            "text" | "" => self.text = json.text(),
            "start" => self.span.start = length(json),
            "end" => self.span.end = length(json),
            _ => {}
        }
    }
}
