//! Search in transcripts.
//!
//! - [`answer`]: the answer, as commands print it
//! - `reading`: the passages of the transcripts that were found
//! - [`indexing`]: transcripts that the index does not have yet, and its rebuild
//! - [`playback`]: the player that plays a passage

pub mod answer;
pub mod indexing;
pub mod playback;
mod reading;

use self::answer::SearchAnswer;
use self::indexing::catch_up;
use self::reading::Reader;
use crate::app::error::AppError;
use crate::app::session::Session;
use crate::domain::Timestamp;
use crate::domain::search::parse::parse;
use crate::policy::day::start_of_day;
use crate::store::Store;
use crate::store::sqlite::search::SearchRequest;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Number of transcripts that are ranked at most. Of more, the newest come first, so that the time does not grow with the archive.
const MAX_RANKED: usize = 1000;
/// Number of transcripts that are read for each one that is shown, at most. The index does not know which speaker says a word,
/// so a transcript that it finds may have no passage.
const READ_FOR_EACH: usize = 10;

/// Where is searched, and how much is returned.
#[derive(Debug, Clone)]
pub struct SearchOptions {
    /// Names of sources, in addition to those in the query. All sources if there are none.
    pub sources: Vec<String>,
    /// Number of transcripts to return.
    pub transcripts: usize,
    /// Number of passages of each.
    pub passages: usize,
}

/// Searches the transcripts in the time zone `zone`, in which the days of a query are meant. It works during a run.
///
/// A transcript that the index does not have yet is indexed first, for at most two seconds.
///
/// # Errors
/// If the query is not valid, there is no such source, there are no results, or the database fails.
pub async fn search(
    session: &Session,
    text: &str,
    options: &SearchOptions,
    zone: &TimeZone,
) -> Result<SearchAnswer, AppError> {
    let mut query = parse(text)?;
    query.filters.sources.extend_from_slice(&options.sources);
    let (from, until) = (
        day(query.filters.after, zone),
        day(query.filters.before, zone),
    );
    let store = session.existing_store().await?.ok_or(AppError::NoResults)?;
    for source in &query.filters.sources {
        session.require_known_source(&store, source).await?;
    }
    let unindexed = catch_up(session, &store).await?;
    let request = SearchRequest {
        query,
        from,
        until,
        max_ranked: MAX_RANKED.max(options.transcripts),
    };
    let answer = answer(session, &store, request, options, unindexed).await;
    store.close().await;
    answer
}

async fn answer(
    session: &Session,
    store: &Store,
    request: SearchRequest,
    options: &SearchOptions,
    unindexed: u64,
) -> Result<SearchAnswer, AppError> {
    let found = store.search(&request).await?;
    let reader = Reader::new(session, store, request.query, options.passages);
    let max_read = options.transcripts.saturating_mul(READ_FOR_EACH);
    let mut left = &found.jobs[..found.jobs.len().min(max_read)];
    let mut hits = Vec::new();
    while hits.len() < options.transcripts && !left.is_empty() {
        let (next, rest) = left.split_at(left.len().min(options.transcripts - hits.len()));
        hits.extend(reader.hits(next).await?);
        left = rest;
    }
    let ended_early = found.jobs.len() > max_read && hits.len() < options.transcripts;
    Ok(SearchAnswer {
        hits,
        limited: found.is_limited || ended_early,
        unindexed,
    })
}

/// Returns the start of a day. A day beyond the calendar excludes nothing.
fn day(day: Option<Date>, zone: &TimeZone) -> Option<Timestamp> {
    day.and_then(|day| start_of_day(day, zone))
}
