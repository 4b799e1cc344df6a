//! What the queue knows already, so that a scan that finds nothing new writes nothing. A million files are compared by
//! ranges of the index that both sides are ordered by, not one by one.

use super::error::StoreError;
use super::open::Store;
use super::recordings::Seen;
use super::row;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

/// Recordings read by one statement.
const PAGE: usize = 1000;

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
            let page = sqlx::query(
                "SELECT location, size_bytes, modified_at FROM recordings
                 WHERE source = ?1 AND location BETWEEN ?2 AND ?3 AND gone = 0 ORDER BY location LIMIT ?4",
            )
            .bind(source)
            .bind(next.location.bytes())
            .bind(&last)
            .bind(row::size(PAGE as u64))
            .fetch_all(self.readers())
            .await?;
            for known in &page {
                let location: &[u8] = known.try_get(0)?;
                while let Some(one) = seen.next_if(|one| one.location.bytes() < location) {
                    unknown.push(one);
                }
                if let Some(one) = seen.next_if(|one| one.location.bytes() == location)
                    && !is_just_so(known, &one)?
                {
                    unknown.push(one);
                }
            }
            if page.len() < PAGE {
                unknown.extend(seen.by_ref());
            }
        }
        Ok(unknown)
    }
}

fn is_just_so(known: &SqliteRow, seen: &Seen) -> Result<bool, StoreError> {
    Ok(known.try_get::<i64, _>(1)? == row::size(seen.size_bytes)
        && known.try_get::<i64, _>(2)? == seen.modified.millis())
}
