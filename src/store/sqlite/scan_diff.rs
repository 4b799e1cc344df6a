//! Scan diff: finds the recordings that are new or changed since the last scan.
//!
//! A scan without changes writes nothing. The files and the index of locations have the same order,
//! so they are compared range by range. That keeps a scan of a million files fast.

use crate::store::error::StoreError;
use crate::store::sqlite::open::Store;
use crate::store::sqlite::recordings::{BATCH_SIZE, FoundRecording, ScanDiff};
use crate::store::sqlite::row;
use std::iter::Peekable;
use std::vec::IntoIter;

impl Store {
    /// Returns those of `seen` that are new or changed.
    ///
    /// Unchanged recordings cost no write. It is fastest for files that are close to each other in that order.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn new_or_changed(
        &self,
        source: &str,
        mut seen: Vec<FoundRecording>,
    ) -> Result<ScanDiff, StoreError> {
        seen.sort_by(|a, b| row::location_bytes(&a.location).cmp(row::location_bytes(&b.location)));
        let Some(last) = seen
            .last()
            .map(|seen| row::location_bytes(&seen.location).to_vec())
        else {
            return Ok(ScanDiff::default());
        };
        let mut diff = ScanDiff::default();
        let mut seen = seen.into_iter().peekable();
        while let Some(next) = seen.peek() {
            // Start at the next file, to skip the rows of deleted files.
            let page = self
                .page(source, row::location_bytes(&next.location), &last)
                .await?;
            let read = diff_page(&page, &mut seen, &mut diff)?;
            if read < BATCH_SIZE {
                diff.unknown.extend(seen.by_ref());
            }
        }
        Ok(diff)
    }

    /// Returns the first known recordings between two locations, encoded as [`parse_known`] expects.
    ///
    /// The page is a single value: passing a row from SQLite's thread takes longer than the `stat` of a file.
    async fn page(&self, source: &str, first: &[u8], last: &[u8]) -> Result<Vec<u8>, StoreError> {
        let page: Option<Vec<u8>> = sqlx::query_scalar(
            "SELECT CAST(group_concat(size_bytes || ' ' || modified_at || ' ' || location, char(0)) AS BLOB) FROM (
                 SELECT location, size_bytes, modified_at FROM recordings
                 WHERE source = ?1 AND location BETWEEN ?2 AND ?3 AND missing = 0 ORDER BY location LIMIT +?4)",
        )
        .bind(source)
        .bind(first)
        .bind(last)
        .bind(row::to_integer(BATCH_SIZE as u64))
        .fetch_one(self.readers())
        .await?;
        Ok(page.unwrap_or_default())
    }
}

/// Removes the recordings covered by a page from `seen`, and moves the new and changed ones to `diff`.
///
/// Returns the number of recordings on the page.
fn diff_page(
    page: &[u8],
    seen: &mut Peekable<IntoIter<FoundRecording>>,
    diff: &mut ScanDiff,
) -> Result<usize, StoreError> {
    let mut read = 0;
    // Neither a path nor a URL contains a NUL.
    for line in page
        .split(|&byte| byte == 0)
        .filter(|line| !line.is_empty())
    {
        let known = parse_known(line).ok_or(StoreError::Content { column: "location" })?;
        read += 1;
        while let Some(one) =
            seen.next_if(|one| row::location_bytes(&one.location) < known.location)
        {
            diff.unknown.push(one);
        }
        if let Some(one) = seen.next_if(|one| row::location_bytes(&one.location) == known.location)
            && !known.is_unchanged(&one)
        {
            diff.unknown.push(one);
            diff.changed += 1;
        }
    }
    Ok(read)
}

struct KnownRow<'a> {
    size_bytes: i64,
    modified_at: i64,
    location: &'a [u8],
}

fn parse_known(line: &[u8]) -> Option<KnownRow<'_>> {
    let mut fields = line.splitn(3, |&byte| byte == b' ');
    Some(KnownRow {
        size_bytes: parse_number(fields.next()?)?,
        modified_at: parse_number(fields.next()?)?,
        location: fields.next()?,
    })
}

fn parse_number(digits: &[u8]) -> Option<i64> {
    str::from_utf8(digits).ok()?.parse().ok()
}

impl KnownRow<'_> {
    fn is_unchanged(&self, seen: &FoundRecording) -> bool {
        self.size_bytes == row::to_integer(seen.size_bytes)
            && self.modified_at == seen.modified.millis()
    }
}
