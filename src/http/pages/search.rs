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

/// Number of transcripts on the page, and of those that a link adds. Each is read as a whole, which is most of the time of a search.
const TRANSCRIPTS: usize = 10;
/// Number of transcripts on the page, at most.
const MAX_TRANSCRIPTS: usize = 100;
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
    /// Query string of the same search with more transcripts, or empty if there are no more.
    more: String,
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
    let (query, transcripts) = fields_of(&query.unwrap_or_default());
    let mut shown = SearchPage {
        frame: Frame::new(&site, "search"),
        query,
        problem: String::new(),
        remarks: Vec::new(),
        hits: Vec::new(),
        more: String::new(),
    };
    if shown.query.is_empty() {
        return Ok(page(StatusCode::OK, &shown));
    }
    let options = SearchOptions {
        sources: Vec::new(),
        transcripts,
        passages: PASSAGES,
    };
    let zone = SystemClock.zone();
    let _permit = site.searches.acquire().await;
    match find(&site.session, &shown.query, &options, &zone).await {
        Ok(answer) => {
            shown.remarks = remarks(&answer);
            if answer.hits.len() == transcripts {
                shown.more = more(&shown.query, transcripts);
            }
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

/// Returns the search and the number of transcripts from the query string. A number that cannot be used is the smallest.
fn fields_of(query: &str) -> (String, usize) {
    let field = |name: &str| {
        let mut fields = form_urlencoded::parse(query.as_bytes());
        fields
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.trim().to_owned())
    };
    let transcripts = field("limit").and_then(|limit| limit.parse().ok());
    (
        field("q").unwrap_or_default(),
        transcripts.map_or(TRANSCRIPTS, |limit: usize| {
            limit.clamp(TRANSCRIPTS, MAX_TRANSCRIPTS)
        }),
    )
}

/// Returns the query string of a page with more transcripts. Empty if it has as many as it may.
fn more(query: &str, transcripts: usize) -> String {
    if transcripts >= MAX_TRANSCRIPTS {
        return String::new();
    }
    form_urlencoded::Serializer::new(String::new())
        .append_pair("q", query)
        .append_pair("limit", &(transcripts + TRANSCRIPTS).to_string())
        .finish()
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
    fn more_transcripts_are_asked_for_up_to_the_most() {
        for (query, expected) in [
            ("q=a", ("a", 10)),
            ("q=+a+b&limit=20", ("a b", 20)),
            ("limit=x", ("", 10)),
            ("q=a&limit=1", ("a", 10)),
            ("q=a&limit=100000", ("a", 100)),
            ("q=a&limit=-1", ("a", 10)),
        ] {
            assert_eq!(fields_of(query), (expected.0.to_owned(), expected.1));
        }
        assert_eq!(more("a & b", 10), "q=a+%26+b&limit=20");
        assert_eq!(more("a", 90), "q=a&limit=100");
        assert_eq!(more("a", 100), "");
    }

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
