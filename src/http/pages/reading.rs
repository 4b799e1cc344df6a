//! A transcript to read along with its recording.

use super::error::PageError;
use super::frame::{Frame, page};
use super::list_query::notice;
use super::moment::{clock_time, moment};
use crate::app::actions::export::ExportOutcome;
use crate::app::actions::export_result::ExportResult;
use crate::app::actions::speakers::name_speakers as store_names;
use crate::app::reading::{Reading, reading_of};
use crate::domain::readable_path::readable_path;
use crate::domain::{JobId, Language, Location};
use crate::http::item_id::item_id;
use crate::http::site::Site;
use crate::output::render::{SpeakerSample, TimedParagraph};
use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{Redirect, Response};
use std::collections::HashSet;
use std::sync::Arc;
use url::form_urlencoded;

#[derive(Template)]
#[template(path = "reading.html")]
struct ReadingPage {
    frame: Frame,
    id: i64,
    name: String,
    language: String,
    has_sound: bool,
    has_times: bool,
    speakers: Vec<SpeakerSample>,
    paragraphs: Vec<ParagraphView>,
    /// Start and end of each word in milliseconds, one after the other, as JSON.
    times: String,
}

struct ParagraphView {
    silence: String,
    /// Time of its start, and the same in seconds for a link.
    start: Option<(String, String)>,
    speaker: Option<String>,
    words: Vec<WordView>,
}

struct WordView {
    /// Moment of its start. Empty without times, and if another word before it has the same.
    moment: String,
    text: String,
    has_space: bool,
    is_unsure: bool,
}

/// Shows the page.
pub(super) async fn read(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let item = item_id(&id).ok_or_else(|| missing(&site, &id))?;
    let reading = reading_of(&site.session, item).await;
    let reading = reading.map_err(|error| PageError::failed(&site, &error))?;
    let reading = reading.ok_or_else(|| missing(&site, &id))?;
    let notice = notice(query.as_deref().unwrap_or_default());
    let frame = Frame::new(&site, "recordings").with_notice(notice);
    Ok(page(StatusCode::OK, &content(frame, item, reading)))
}

fn content(frame: Frame, item: JobId, reading: Reading) -> ReadingPage {
    let words = reading.paragraphs.iter().flat_map(|one| &one.words);
    let spans = words.filter_map(|word| word.span_ms);
    let times: Vec<_> = spans.flat_map(|(start, end)| [start, end]).collect();
    let language = reading.language.as_ref();
    ReadingPage {
        frame,
        id: item.0,
        name: readable_path(&reading.recording.relative),
        language: language.map_or_else(String::new, Language::to_string),
        has_sound: matches!(reading.recording.location, Location::File(_)),
        has_times: !times.is_empty(),
        speakers: reading.speakers,
        paragraphs: paragraphs(reading.paragraphs),
        times: serde_json::Value::from(times).to_string(),
    }
}

fn paragraphs(paragraphs: Vec<TimedParagraph>) -> Vec<ParagraphView> {
    let (mut before, mut moments) = (None, HashSet::new());
    let view = |paragraph: TimedParagraph| {
        let start_ms = paragraph.words.first().and_then(|word| word.span_ms);
        let speaker = paragraph.speaker.filter(|now| before.as_ref() != Some(now));
        before = speaker.clone().or(before.take());
        let words = paragraph.words.into_iter().map(|word| WordView {
            moment: word
                .span_ms
                .filter(|(start_ms, _)| moments.insert(*start_ms))
                .map_or_else(String::new, |(start_ms, _)| moment(start_ms)),
            text: word.text,
            has_space: word.has_space,
            is_unsure: word.is_unsure,
        });
        ParagraphView {
            silence: paragraph
                .silence_s
                .map_or_else(String::new, |seconds| format!("{seconds:.0} s of silence")),
            start: start_ms
                .map(|(start_ms, _)| (clock_time(start_ms as f64 / 1000.0), moment(start_ms))),
            speaker,
            words: words.collect(),
        }
    };
    paragraphs.into_iter().map(view).collect()
}

/// Names speakers, and leads back to the page.
pub(super) async fn name_speakers(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    body: String,
) -> Result<Redirect, PageError> {
    let item = item_id(&id).ok_or_else(|| missing(&site, &id))?;
    let names = form_urlencoded::parse(body.as_bytes());
    let names: Vec<_> = names
        .filter_map(|(key, name)| {
            let speaker = key.strip_prefix("speaker-")?.to_owned();
            Some((speaker, name.trim().to_owned()))
        })
        .collect();
    let stored = store_names(&site.session, &item.to_string(), &names).await;
    let written = stored.map_err(|error| PageError::failed(&site, &error))?;
    let action = action_of(&written).map_err(|text| PageError::unfinished(&site, text))?;
    let target = format!("{}/recordings/{item}/read?did={action}", site.base());
    Ok(Redirect::to(&target))
}

/// Returns the action that the notice describes, or a message if the names are stored and the transcripts are the old ones.
fn action_of(written: &[ExportResult]) -> Result<&'static str, String> {
    let mut action = "speakers";
    for result in written {
        match &result.outcome {
            ExportOutcome::Refused { reason } => {
                let text = format!("The names are stored, but not in the transcripts: {reason}.");
                return Err(text);
            }
            ExportOutcome::Written { kept, .. } if !kept.is_empty() => action = "speakers-kept",
            ExportOutcome::Written { .. } | ExportOutcome::Unchanged => {}
        }
    }
    Ok(action)
}

fn missing(site: &Site, id: &str) -> PageError {
    PageError::missing(site, format!("There is no recording {id}."))
}
