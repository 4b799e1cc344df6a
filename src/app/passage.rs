//! A passage of a transcript: the text around a time.

use super::error::AppError;
use super::reading::{Reading, reading_of};
use super::session::Session;
use super::spoken_text::SpokenText;
use crate::domain::readable_path::readable_path;
use crate::domain::{JobId, Language};
use crate::output::render::TimedParagraph;
use serde::Serialize;
use std::ops::Range;
use std::time::Duration;

/// Maximum number of characters (Unicode scalar values) of a passage.
const MAX_CHARS: usize = 20_000;

/// A passage of a transcript. This is the JSON form: fields may be added, but never removed or renamed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Passage {
    /// ID of the job.
    pub item: JobId,
    /// Name of the source.
    pub source: String,
    /// Absolute path or URL of the recording. A byte that is not UTF-8 is written as `\xNN`.
    pub path: String,
    /// Path in percent form. `None` unless it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
    /// Path relative to the source, written like `path`.
    pub relative: String,
    /// Detected or requested language of the transcript.
    pub language: Option<String>,
    /// Start of the paragraph before the passage in seconds. `None` at the start of the transcript.
    pub before_s: Option<f64>,
    /// Paragraphs, in order. Empty if nothing is said around the time. Without times in the transcript, its first ones.
    pub paragraphs: Vec<SpokenText>,
    /// Start of the paragraph after the passage in seconds. `None` at the end of the transcript.
    pub after_s: Option<f64>,
    /// Whether text was left out because a passage has at most 20,000 characters.
    pub is_cut: bool,
}

/// Returns the paragraphs of an item that are spoken within `around` before or after the time `at`. Of more than 20,000
/// characters, those nearest to the time are returned.
///
/// # Errors
/// If there is no such item, it has no transcript, or the database fails.
pub async fn passage_of(
    session: &Session,
    item: JobId,
    at: Duration,
    around: Duration,
) -> Result<Passage, AppError> {
    let reading = reading_of(session, item).await?;
    let reading = reading.ok_or_else(|| AppError::NoItem(item.to_string()))?;
    Ok(passage(
        item,
        reading,
        millis(at),
        millis(around),
        MAX_CHARS,
    ))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn passage(item: JobId, reading: Reading, at: u64, around: u64, max_chars: usize) -> Passage {
    let all: Vec<_> = reading.paragraphs.iter().map(Paragraph::new).collect();
    let window = window(&all, at.saturating_sub(around)..at.saturating_add(around));
    let kept = bounded(&all, window.clone(), at, max_chars);
    let mut is_cut = kept != window;
    let shown = all[kept.clone()].iter().map(|paragraph| {
        let text: String = paragraph.text.chars().take(max_chars).collect();
        is_cut |= text.len() < paragraph.text.len();
        SpokenText {
            start_s: paragraph.span.map(|(start, _)| seconds(start)),
            end_s: paragraph.span.map(|(_, end)| seconds(end)),
            speaker: paragraph.speaker.map(str::to_owned),
            text,
        }
    });
    let paragraphs = shown.collect();
    let start_s = |paragraph: &Paragraph<'_>| paragraph.span.map(|(start, _)| seconds(start));
    let recording = &reading.recording;
    Passage {
        item,
        source: recording.source.to_string(),
        path: recording.location.readable(),
        path_bytes: recording.location.path_bytes(),
        relative: readable_path(&recording.relative),
        language: reading.language.as_ref().map(Language::to_string),
        before_s: all[..kept.start].last().and_then(start_s),
        paragraphs,
        after_s: all[kept.end..].first().and_then(start_s),
        is_cut,
    }
}

fn seconds(millis: u64) -> f64 {
    millis as f64 / 1000.0
}

/// A paragraph with its text.
struct Paragraph<'a> {
    /// Start and end in milliseconds. `None` if the transcript has no times.
    span: Option<(u64, u64)>,
    speaker: Option<&'a str>,
    text: String,
    /// Number of characters of the text.
    chars: usize,
}

impl<'a> Paragraph<'a> {
    fn new(paragraph: &'a TimedParagraph) -> Self {
        let mut text = String::new();
        for word in &paragraph.words {
            if word.has_space && !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&word.text);
        }
        let spans = paragraph.words.iter().filter_map(|word| word.span_ms);
        Self {
            span: spans.reduce(|(start, end), (_, later)| (start, end.max(later))),
            speaker: paragraph.speaker.as_deref(),
            chars: text.chars().count(),
            text,
        }
    }

    /// Returns the time between the paragraph and `at` in milliseconds. 0 while it is spoken, and without times.
    fn distance(&self, at: u64) -> u64 {
        self.span.map_or(0, |(start, end)| {
            start.saturating_sub(at).max(at.saturating_sub(end))
        })
    }
}

/// Returns the paragraphs that are spoken in a span of time, including both ends. Those without times are in every span.
fn window(all: &[Paragraph<'_>], time: Range<u64>) -> Range<usize> {
    let is_within = |paragraph: &Paragraph<'_>| {
        paragraph
            .span
            .is_none_or(|(start, end)| start <= time.end && end >= time.start)
    };
    match all.iter().position(is_within) {
        Some(first) => {
            first
                ..all
                    .iter()
                    .rposition(is_within)
                    .map_or(first, |last| last + 1)
        }
        None => {
            let next = all.iter().position(|paragraph| {
                let start = paragraph.span.map(|(start, _)| start);
                start.is_none_or(|start| start > time.end)
            });
            let next = next.unwrap_or(all.len());
            next..next
        }
    }
}

/// Leaves out paragraphs at the ends, the one farther from `at` first, until the text has at most `max_chars` characters or one
/// paragraph is left. If both are as far, the earlier one is left out, so that a reader who goes on at the next paragraph gets
/// ahead. Without times, those at the end are left out.
fn bounded(
    all: &[Paragraph<'_>],
    mut kept: Range<usize>,
    at: u64,
    max_chars: usize,
) -> Range<usize> {
    let mut chars: usize = all[kept.clone()].iter().map(|one| one.chars).sum();
    while chars > max_chars && kept.len() > 1 {
        let (first, last) = (&all[kept.start], &all[kept.end - 1]);
        if last.span.is_some() && first.distance(at) >= last.distance(at) {
            kept.start += 1;
            chars -= first.chars;
        } else {
            kept.end -= 1;
            chars -= last.chars;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::recording::Revision;
    use crate::domain::{Location, Recording, Timestamp};
    use crate::output::render::TimedWord;
    use proptest::prelude::*;

    fn paragraph(text: &str, span_ms: Option<(u64, u64)>) -> TimedParagraph {
        let words = text.split(' ').map(|word| TimedWord {
            text: word.to_owned(),
            has_space: true,
            is_unsure: false,
            span_ms,
        });
        TimedParagraph {
            silence_s: None,
            speaker: Some("Anna".to_owned()),
            words: words.collect(),
        }
    }

    fn reading(paragraphs: Vec<TimedParagraph>) -> Reading {
        Reading {
            recording: Recording {
                source: "talks".into(),
                location: Location::Url("https://example.org/a.mp3".to_owned()),
                relative: "a.mp3".into(),
                revision: Revision {
                    size_bytes: 0,
                    modified: Timestamp::default(),
                },
            },
            language: None,
            paragraphs,
            speakers: Vec::new(),
        }
    }

    /// Three paragraphs: from 0 to 5 s, 10 to 15 s and 60 to 65 s.
    fn three() -> Reading {
        reading(vec![
            paragraph("one is said", Some((0, 5_000))),
            paragraph("two is said", Some((10_000, 15_000))),
            paragraph("three is said", Some((60_000, 65_000))),
        ])
    }

    fn texts(passage: &Passage) -> Vec<&str> {
        let paragraphs = passage.paragraphs.iter();
        paragraphs.map(|one| one.text.as_str()).collect()
    }

    #[test]
    fn a_passage_has_the_paragraphs_around_a_time() {
        let found = passage(JobId(1), three(), 12_000, 2_000, MAX_CHARS);
        assert_eq!(texts(&found), ["two is said"]);
        assert_eq!((found.before_s, found.after_s), (Some(0.0), Some(60.0)));
        assert_eq!(found.paragraphs[0].start_s, Some(10.0));
        assert_eq!(found.paragraphs[0].end_s, Some(15.0));
        assert_eq!(found.paragraphs[0].speaker.as_deref(), Some("Anna"));
        let wide = passage(JobId(1), three(), 12_000, 7_000, MAX_CHARS);
        assert_eq!(texts(&wide), ["one is said", "two is said"]);
        assert!(!wide.is_cut);
    }

    #[test]
    fn a_passage_in_silence_tells_where_speech_is() {
        let found = passage(JobId(1), three(), 40_000, 5_000, MAX_CHARS);
        assert!(found.paragraphs.is_empty());
        assert_eq!((found.before_s, found.after_s), (Some(10.0), Some(60.0)));
        let after = passage(JobId(1), three(), 90_000, 5_000, MAX_CHARS);
        assert_eq!((after.before_s, after.after_s), (Some(60.0), None));
        let empty = passage(JobId(1), reading(Vec::new()), 0, 0, MAX_CHARS);
        assert_eq!((empty.before_s, empty.after_s), (None, None));
    }

    #[test]
    fn a_long_passage_keeps_what_is_nearest() {
        let found = passage(JobId(1), three(), 11_000, 100_000, 22);
        assert_eq!(texts(&found), ["one is said", "two is said"]);
        assert!(found.is_cut);
        assert_eq!(found.after_s, Some(60.0));
    }

    #[test]
    fn text_without_times_starts_at_its_start_and_is_cut() {
        let text = || reading(vec![paragraph("ä b c", None), paragraph("later", None)]);
        let found = passage(JobId(1), text(), 99_000, 0, MAX_CHARS);
        assert_eq!(texts(&found), ["ä b c", "later"]);
        assert_eq!((found.paragraphs[0].start_s, found.after_s), (None, None));
        let cut = passage(JobId(1), text(), 99_000, 0, 3);
        assert_eq!((texts(&cut), cut.is_cut), (vec!["ä b"], true));
    }

    proptest! {
        #[test]
        fn pages_read_all_of_a_transcript(
            parts in prop::collection::vec((gap(), 1_u64..9_000, 1_usize..40), 1..30),
            around in 0_u64..20_000,
        ) {
            let mut end = 0;
            let paragraphs = parts.iter().map(|(gap, length, words)| {
                let start = end + gap;
                end = start + length;
                paragraph(&vec!["word"; *words].join(" "), Some((start, end)))
            });
            let whole = reading(paragraphs.collect());
            let (mut next, mut read) = (Some(0.0), Vec::new());
            while let Some(at_s) = next {
                let at = (at_s * 1000.0_f64).round() as u64;
                let found = passage(JobId(1), whole.clone(), at, around, 200);
                let chars: usize = found.paragraphs.iter().map(|one| one.text.len()).sum();
                prop_assert!(chars <= 200);
                read.extend(found.paragraphs.iter().filter_map(|one| one.start_s));
                next = found.after_s;
                prop_assert!(next.is_none_or(|next| next > at_s), "stays at {at_s}");
            }
            for one in &whole.paragraphs {
                let start = seconds(one.words[0].span_ms.unwrap().0);
                prop_assert!(read.contains(&start), "{start} is not in {read:?}");
            }
        }
    }

    /// Time between two paragraphs. Often none, so that one starts when the one before ends.
    fn gap() -> impl Strategy<Value = u64> {
        prop_oneof![Just(0), 0_u64..9_000]
    }
}
