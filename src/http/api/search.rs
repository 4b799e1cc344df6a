//! Search in transcripts.

use super::error::Problem;
use crate::app::error::{AppError, message_of};
use crate::app::search::answer::SearchAnswer;
use crate::app::search::{SearchOptions, search as find};
use crate::http::site::Site;
use crate::runtime::clock::{Clock as _, SystemClock};
use axum::Json;
use axum::extract::{RawQuery, State};
use std::sync::Arc;
use url::form_urlencoded;

/// Number of transcripts, unless the request says otherwise.
const DEFAULT_TRANSCRIPTS: usize = 10;
/// Maximum number of transcripts.
const MAX_TRANSCRIPTS: usize = 100;
/// Number of passages of each.
const PASSAGES: usize = 3;

/// Answers with passages, as `search --json`.
pub(super) async fn search(
    State(site): State<Arc<Site>>,
    RawQuery(query): RawQuery,
) -> Result<Json<SearchAnswer>, Problem> {
    let (text, options) = parse(query.as_deref().unwrap_or_default())?;
    let _permit = site.searches.acquire().await;
    let answer = find(&site.session, &text, &options, &SystemClock.zone()).await;
    answer.map(Json).map_err(|error| match &error {
        AppError::Query(_) | AppError::UnknownSource { .. } => Problem::bad(message_of(&error)),
        _ => error.into(),
    })
}

fn parse(query: &str) -> Result<(String, SearchOptions), Problem> {
    let (mut text, mut transcripts, mut sources) = (String::new(), DEFAULT_TRANSCRIPTS, Vec::new());
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        match key.as_ref() {
            "q" => text = value.into_owned(),
            "source" => sources.push(value.into_owned()),
            "limit" => {
                let limit = value
                    .parse()
                    .ok()
                    .filter(|limit| (1..=MAX_TRANSCRIPTS).contains(limit));
                transcripts = limit
                    .ok_or_else(|| Problem::bad(format!("`limit` is 1 to {MAX_TRANSCRIPTS}")))?;
            }
            _ => return Err(Problem::bad(format!("there is no parameter `{key}`"))),
        }
    }
    let options = SearchOptions {
        sources,
        transcripts,
        passages: PASSAGES,
    };
    Ok((text, options))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_checked() {
        let (text, options) = parse("q=a+%22b%22&source=talks&limit=5").unwrap();
        assert_eq!((&*text, options.transcripts), ("a \"b\"", 5));
        assert_eq!(options.sources, ["talks"]);
        for query in ["q=a&limit=0", "q=a&limit=101", "q=a&limit=x", "q=a&x=1"] {
            assert!(parse(query).is_err(), "{query}");
        }
    }
}
