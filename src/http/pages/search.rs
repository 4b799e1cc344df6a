//! Search in transcripts.

use super::error::PageError;
use super::frame::{Frame, page};
use super::moment::{clock_time, moment};
use crate::app::error::{AppError, message_of};
use crate::app::search::answer::{SearchAnswer, SearchHit, SearchPassage};
use crate::app::search::{SearchOptions, search as find};
use crate::app::spoken_text::SpokenText;
use crate::http::site::Site;
use crate::policy::day::date_of;
use crate::runtime::clock::{Clock as _, SystemClock};
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::tz::TimeZone;
use std::sync::Arc;
use url::form_urlencoded;

/// Number of transcripts on the page.
const TRANSCRIPTS: usize = 20;
/// Number of passages of each.
const PASSAGES: usize = 3;

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    frame: Frame,
    query: String,
    /// Why the query cannot be used, or empty.
    problem: String,
    remarks: Vec<String>,
    hits: Vec<HitView>,
}

struct HitView {
    id: i64,
    name: String,
    source: String,
    date: String,
    passages: Vec<PassageView>,
}

struct PassageView {
    /// Time as text, and in seconds for a link.
    start: Option<(String, String)>,
    speaker: String,
    /// Parts of the text, and whether each matches.
    parts: Vec<(String, bool)>,
}

/// Shows the page. Without a query, it only has the form.
pub(super) async fn search(
    State(site): State<Arc<Site>>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let query = query.unwrap_or_default();
    let mut fields = form_urlencoded::parse(query.as_bytes());
    let query = fields.find(|(key, _)| key == "q");
    let query = query.map_or_else(String::new, |(_, value)| value.trim().to_owned());
    let mut shown = SearchPage {
        frame: Frame::new(&site, "search"),
        query,
        problem: String::new(),
        remarks: Vec::new(),
        hits: Vec::new(),
    };
    if shown.query.is_empty() {
        return Ok(page(StatusCode::OK, &shown));
    }
    let options = SearchOptions {
        sources: Vec::new(),
        transcripts: TRANSCRIPTS,
        passages: PASSAGES,
    };
    let zone = SystemClock.zone();
    let _permit = site.searches.acquire().await;
    match find(&site.session, &shown.query, &options, &zone).await {
        Ok(answer) => {
            shown.remarks = remarks(&answer);
            shown.hits = answer
                .hits
                .into_iter()
                .map(|hit| hit_view(hit, &zone))
                .collect();
        }
        Err(error @ (AppError::Query(_) | AppError::UnknownSource { .. })) => {
            shown.problem = message_of(&error);
        }
        Err(AppError::NoResults) => {
            shown.remarks = vec!["There are no transcripts yet.".to_owned()]
        }
        Err(error) => return Err(PageError::failed(&site, &error)),
    }
    Ok(page(StatusCode::OK, &shown))
}

fn remarks(answer: &SearchAnswer) -> Vec<String> {
    let mut remarks = Vec::new();
    if answer.hits.is_empty() {
        remarks.push("No transcript matches.".to_owned());
    }
    if answer.limited {
        let text = "Many transcripts have these words, and only the newest were searched. Add a word, or a filter like before:2026-11-01.";
        remarks.push(text.to_owned());
    }
    if answer.unindexed > 0 {
        remarks.push(format!(
            "{} transcripts are not indexed yet and may be missing.",
            answer.unindexed
        ));
    }
    remarks
}

fn hit_view(hit: SearchHit, zone: &TimeZone) -> HitView {
    HitView {
        id: hit.item.0,
        name: hit.relative,
        source: hit.source,
        date: date_of(hit.recorded_at, zone).map_or_else(String::new, |date| date.to_string()),
        passages: hit.passages.into_iter().map(passage_view).collect(),
    }
}

fn passage_view(passage: SearchPassage) -> PassageView {
    let parts = passage.parts();
    let SpokenText {
        start_s, speaker, ..
    } = passage.spoken;
    PassageView {
        start: start_s.map(|start_s| {
            (
                clock_time(start_s),
                moment((start_s * 1000.0).round() as u64),
            )
        }),
        speaker: speaker.unwrap_or_default(),
        parts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::search::answer::SearchMatch;

    #[test]
    fn a_passage_is_divided_at_its_matches() {
        let view = passage_view(SearchPassage {
            spoken: SpokenText {
                start_s: Some(61.5),
                end_s: Some(64.0),
                speaker: None,
                text: "für das Budget, ja".to_owned(),
            },
            matches: vec![SearchMatch { start: 8, end: 14 }],
        });
        let parts: Vec<_> = view.parts.iter().map(|(text, is)| (&**text, *is)).collect();
        assert_eq!(
            parts,
            [("für das ", false), ("Budget", true), (", ja", false)]
        );
        assert_eq!(view.start, Some(("1:01".to_owned(), "61.5".to_owned())));
    }
}
