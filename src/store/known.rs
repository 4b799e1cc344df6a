//! What the queue knows already, so that a scan that finds nothing new writes nothing. A million files are compared by
//! ranges of the index that both sides are ordered by, not one by one.

use super::error::StoreError;
use super::open::Store;
use super::recordings::{PAGE, Seen};
use super::row;
use std::iter::Peekable;
use std::vec::IntoIter;

impl Store {
    /// Leaves of `seen` only what the queue does not know just so, ordered by location: an unchanged recording costs no
    /// write. Cheapest for files that are neighbours.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn unknown_of(
        &self,
        source: &str,
        mut seen: Vec<Seen>,
    ) -> Result<Vec<Seen>, StoreError> {
        seen.sort_by(|a, b| a.location.bytes().cmp(b.location.bytes()));
        let Some(last) = seen.last().map(|seen| seen.location.bytes().to_vec()) else {
            return Ok(seen);
        };
        let mut unknown = Vec::new();
        let mut seen = seen.into_iter().peekable();
        while let Some(next) = seen.peek() {
            // From the next file on: what is known of files that are gone is not read.
            let page = self.page(source, next.location.bytes(), &last).await?;
            let read = leave_known(&page, &mut seen, &mut unknown)?;
            if read < PAGE {
                unknown.extend(seen.by_ref());
            }
        }
        Ok(unknown)
    }

    /// The first recordings from one location to another, as [`known`] reads them: all in one value, as a row that is
    /// handed from SQLite's thread takes longer than the `stat` of a file.
    async fn page(&self, source: &str, first: &[u8], last: &[u8]) -> Result<Vec<u8>, StoreError> {
        let page: Option<Vec<u8>> = sqlx::query_scalar(
            "SELECT CAST(group_concat(size_bytes || ' ' || modified_at || ' ' || location, char(0)) AS BLOB) FROM (
                 SELECT location, size_bytes, modified_at FROM recordings
                 WHERE source = ?1 AND location BETWEEN ?2 AND ?3 AND gone = 0 ORDER BY location LIMIT +?4)",
        )
        .bind(source)
        .bind(first)
        .bind(last)
        .bind(row::size(PAGE as u64))
        .fetch_one(self.readers())
        .await?;
        Ok(page.unwrap_or_default())
    }
}

/// Takes what a page reaches off `seen`, and keeps what is not on it just so. Says how many recordings are on the page.
fn leave_known(
    page: &[u8],
    seen: &mut Peekable<IntoIter<Seen>>,
    unknown: &mut Vec<Seen>,
) -> Result<usize, StoreError> {
    let mut read = 0;
    // Neither a path nor a URL has a NUL in it.
    for line in page
        .split(|&byte| byte == 0)
        .filter(|line| !line.is_empty())
    {
        let known = known(line).ok_or(StoreError::Content { column: "location" })?;
        read += 1;
        while let Some(one) = seen.next_if(|one| one.location.bytes() < known.location) {
            unknown.push(one);
        }
        if let Some(one) = seen.next_if(|one| one.location.bytes() == known.location)
            && !known.is_just_so(&one)
        {
            unknown.push(one);
        }
    }
    Ok(read)
}

struct Known<'a> {
    size_bytes: i64,
    modified_at: i64,
    location: &'a [u8],
}

fn known(line: &[u8]) -> Option<Known<'_>> {
    let mut fields = line.splitn(3, |&byte| byte == b' ');
    Some(Known {
        size_bytes: number(fields.next()?)?,
        modified_at: number(fields.next()?)?,
        location: fields.next()?,
    })
}

fn number(digits: &[u8]) -> Option<i64> {
    str::from_utf8(digits).ok()?.parse().ok()
}

impl Known<'_> {
    fn is_just_so(&self, seen: &Seen) -> bool {
        self.size_bytes == row::size(seen.size_bytes) && self.modified_at == seen.modified.millis()
    }
}
