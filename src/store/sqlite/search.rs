//! Search in transcripts.

use crate::domain::search::query::Query;
use crate::domain::{JobId, Language, Timestamp};
use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use crate::store::sqlite::search_expression::{Expressions, expressions};

/// A query, with what its filters mean here and now.
#[derive(Debug, Clone)]
pub struct SearchRequest {
    /// The query.
    pub query: Query,
    /// Earliest time of the recording.
    pub from: Option<Timestamp>,
    /// Time before which it was made.
    pub until: Option<Timestamp>,
    /// Number of transcripts to return at most. Of more, the newest are returned.
    pub max_ranked: usize,
}

/// Transcripts that answer a query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundTranscripts {
    /// Their jobs, best first. If the limit was reached, newest first.
    pub jobs: Vec<JobId>,
    /// Whether the limit was reached, so that older transcripts may be missing.
    pub is_limited: bool,
}

impl Store {
    /// Returns the transcripts that answer a query, by their relevance (BM25).
    ///
    /// The time does not grow with the number of transcripts. To rank words that are in many of them, SQLite would read the
    /// places of these words in all. They say little about a transcript, so the newest come first instead. So they do after a
    /// search only for short prefixes.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn search(&self, request: &SearchRequest) -> Result<FoundTranscripts, StoreError> {
        let expressions = expressions(&request.query);
        let newest = self.matching(request, &expressions, Order::Newest).await?;
        let is_limited = newest.len() >= request.max_ranked;
        let jobs = match expressions.words {
            Some(_) if !is_limited && newest.len() > 1 => {
                self.matching(request, &expressions, Order::Relevance)
                    .await?
            }
            _ => newest,
        };
        Ok(FoundTranscripts { jobs, is_limited })
    }

    async fn matching(
        &self,
        request: &SearchRequest,
        expressions: &Expressions,
        order: Order,
    ) -> Result<Vec<JobId>, StoreError> {
        let filters = &request.query.filters;
        let sources = (!filters.sources.is_empty()).then(|| json(&filters.sources));
        let languages: Vec<_> = filters.languages.iter().map(Language::to_string).collect();
        let languages = (!languages.is_empty()).then(|| json(&languages));
        // The rows are read from the newest, as the index has them, up to the limit.
        let ids: Vec<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(statement(expressions, order)))
            .bind(&expressions.words)
            .bind(sources)
            .bind(request.from.map(Timestamp::millis))
            .bind(request.until.map(Timestamp::millis))
            .bind(languages)
            .bind(row::to_integer(request.max_ranked as u64))
            .bind(&expressions.beginnings)
            .fetch_all(self.readers())
            .await?;
        Ok(ids.into_iter().map(JobId).collect())
    }
}

/// Order of the transcripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Newest,
    /// By BM25, which requires an expression for the words.
    Relevance,
}

fn statement(expressions: &Expressions, order: Order) -> String {
    let (table, condition) = match (&expressions.words, &expressions.beginnings) {
        (Some(_), None) => ("transcript_search", ""),
        (Some(_), Some(_)) => (
            "transcript_search",
            "AND transcript_search.rowid IN (SELECT rowid FROM search_beginnings WHERE search_beginnings MATCH ?7)",
        ),
        (None, _) => ("search_beginnings", ""),
    };
    let searched = match expressions.words {
        Some(_) => "?1",
        None => "?7",
    };
    let order = match order {
        Order::Newest => "id DESC",
        Order::Relevance => "bm25(transcript_search, 1.0, 0.0), id DESC",
    };
    format!(
        "SELECT {table}.rowid AS id
         FROM {table} CROSS JOIN search_entries e ON e.job_id = {table}.rowid
         WHERE {table} MATCH {searched} {condition}
           AND (?2 IS NULL OR (SELECT source FROM recordings WHERE id = e.recording_id)
                              IN (SELECT value FROM json_each(?2)))
           AND (?3 IS NULL OR e.recorded_at >= ?3) AND (?4 IS NULL OR e.recorded_at < ?4)
           AND (?5 IS NULL OR EXISTS (SELECT 1 FROM json_each(?5)
                                      WHERE e.language = value OR e.language LIKE value || '-%'))
         ORDER BY {order} LIMIT ?6"
    )
}

fn json(texts: &[String]) -> String {
    serde_json::Value::from(texts).to_string()
}
