//! Orders of listed jobs.

use std::str::FromStr;

/// Order of listed jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ItemOrder {
    /// Newest first.
    #[default]
    Newest,
    /// Oldest first.
    Oldest,
    /// By path in the source.
    Path,
    /// Longest recording first.
    Longest,
    /// Last changed first.
    Changed,
    /// Lowest mean confidence first.
    Confidence,
}

impl ItemOrder {
    /// Every order.
    pub const ALL: [Self; 6] = [
        Self::Newest,
        Self::Oldest,
        Self::Path,
        Self::Longest,
        Self::Changed,
        Self::Confidence,
    ];

    /// Returns the name used on the command line and in queries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Oldest => "oldest",
            Self::Path => "path",
            Self::Longest => "longest",
            Self::Changed => "changed",
            Self::Confidence => "confidence",
        }
    }

    /// Returns the terms of `ORDER BY`.
    pub(super) const fn terms(self) -> &'static str {
        match self {
            Self::Newest => "j.id DESC",
            Self::Oldest => "j.id",
            Self::Path => "r.relative, j.id DESC",
            Self::Longest => "coalesce(s.duration_s, r.duration_s) DESC NULLS LAST, j.id DESC",
            Self::Changed => "j.updated_at DESC, j.id DESC",
            Self::Confidence => "s.confidence NULLS LAST, j.id DESC",
        }
    }

    /// Returns the subquery of what the terms need of the results, if they need something.
    ///
    /// It reads an index. A row of the table has the columns after the stored answer, which may be large.
    pub(super) const fn results(self) -> Option<&'static str> {
        match self {
            Self::Confidence => Some(
                "SELECT job_id, quality ->> '$.confidence' AS confidence
                 FROM results INDEXED BY results_confidence WHERE quality IS NOT NULL",
            ),
            Self::Longest => Some(
                "SELECT job_id, duration_s FROM results INDEXED BY results_duration WHERE duration_s IS NOT NULL",
            ),
            Self::Newest | Self::Oldest | Self::Path | Self::Changed => None,
        }
    }
}

/// Error for an unknown name of an order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown order `{0}`")]
pub struct UnknownOrder(String);

impl FromStr for ItemOrder {
    type Err = UnknownOrder;

    fn from_str(text: &str) -> Result<Self, UnknownOrder> {
        Self::ALL
            .into_iter()
            .find(|order| order.as_str() == text)
            .ok_or_else(|| UnknownOrder(text.to_owned()))
    }
}
