//! Search in transcripts.

use crate::domain::search::query::Query;
use crate::domain::{JobId, Language, Timestamp};
use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::row;
use crate::store::sqlite::search_expression::expression;
use sqlx::Row;

/// A query, with what its filters mean here and now.
#[derive(Debug, Clone)]
pub struct SearchRequest {
    /// The query.
    pub query: Query,
    /// Earliest time of the recording.
    pub from: Option<Timestamp>,
    /// Time before which it was made.
    pub until: Option<Timestamp>,
    /// Number of transcripts to rank at most. Of more, the newest are ranked.
    pub max_ranked: usize,
}

/// Transcripts that answer a query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundTranscripts {
    /// Their jobs, best first.
    pub jobs: Vec<JobId>,
    /// Whether the limit was reached, so that older transcripts may be missing.
    pub is_limited: bool,
}

impl Store {
    /// Returns the transcripts that answer a query, by their relevance (BM25).
    ///
    /// # Errors
    /// If the database fails.
    pub async fn search(&self, request: &SearchRequest) -> Result<FoundTranscripts, StoreError> {
        let filters = &request.query.filters;
        let sources = (!filters.sources.is_empty()).then(|| json(&filters.sources));
        let languages: Vec<_> = filters.languages.iter().map(Language::to_string).collect();
        let languages = (!languages.is_empty()).then(|| json(&languages));
        // The inner query reads the newest rows first, as the index has them, and ends at the limit.
        let rows = sqlx::query(
            "SELECT id FROM (
                 SELECT transcript_search.rowid AS id, bm25(transcript_search, 1.0, 0.0) AS relevance
                 FROM transcript_search CROSS JOIN search_entries e ON e.job_id = transcript_search.rowid
                 WHERE transcript_search MATCH ?1
                   AND (?2 IS NULL OR (SELECT source FROM recordings WHERE id = e.recording_id)
                                      IN (SELECT value FROM json_each(?2)))
                   AND (?3 IS NULL OR e.recorded_at >= ?3) AND (?4 IS NULL OR e.recorded_at < ?4)
                   AND (?5 IS NULL OR EXISTS (SELECT 1 FROM json_each(?5)
                                              WHERE e.language = value OR e.language LIKE value || '-%'))
                 ORDER BY transcript_search.rowid DESC LIMIT ?6)
             ORDER BY relevance, id DESC",
        )
        .bind(expression(&request.query))
        .bind(sources)
        .bind(request.from.map(Timestamp::millis))
        .bind(request.until.map(Timestamp::millis))
        .bind(languages)
        .bind(row::to_integer(request.max_ranked as u64))
        .fetch_all(self.readers())
        .await?;
        let jobs = rows.iter().map(|found| Ok(JobId(found.try_get("id")?)));
        let jobs = jobs.collect::<Result<Vec<_>, StoreError>>()?;
        Ok(FoundTranscripts {
            is_limited: jobs.len() >= request.max_ranked,
            jobs,
        })
    }
}

fn json(texts: &[String]) -> String {
    serde_json::Value::from(texts).to_string()
}
