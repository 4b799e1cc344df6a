//! Conversion of columns to types.

use crate::domain::{
    ErrorClass, Failure, GenerationId, JobState, Location, Recording, Request, Revision, Timestamp,
};
use crate::store::error::StoreError;
use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

pub(crate) fn time(row: &SqliteRow, column: &'static str) -> Result<Timestamp, StoreError> {
    Ok(Timestamp::from_millis(row.try_get(column)?))
}

pub(crate) fn time_or_none(
    row: &SqliteRow,
    column: &'static str,
) -> Result<Option<Timestamp>, StoreError> {
    Ok(row
        .try_get::<Option<i64>, _>(column)?
        .map(Timestamp::from_millis))
}

pub(crate) fn count(row: &SqliteRow, column: &'static str) -> Result<u64, StoreError> {
    u64::try_from(row.try_get::<i64, _>(column)?).map_err(|_| StoreError::Content { column })
}

pub(crate) fn parse<T: FromStr>(row: &SqliteRow, column: &'static str) -> Result<T, StoreError> {
    row.try_get::<&str, _>(column)?
        .parse()
        .map_err(|_| StoreError::Content { column })
}

pub(crate) fn parse_or_none<T: FromStr>(
    row: &SqliteRow,
    column: &'static str,
) -> Result<Option<T>, StoreError> {
    let text = row.try_get::<Option<&str>, _>(column)?;
    let parsed = text.map(str::parse).transpose();
    parsed.map_err(|_| StoreError::Content { column })
}

pub(crate) fn path(row: &SqliteRow, column: &'static str) -> Result<PathBuf, StoreError> {
    Ok(PathBuf::from(OsString::from_vec(row.try_get(column)?)))
}

/// Encodes IDs as a JSON array for `json_each`.
pub(crate) fn json_ids(ids: impl Iterator<Item = i64>) -> String {
    serde_json::Value::from_iter(ids).to_string()
}

pub(crate) fn path_bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

pub(crate) fn request(row: &SqliteRow) -> Result<Request, StoreError> {
    let options: &str = row.try_get("options")?;
    Request::from_json(row.try_get::<String, _>("model")?, options)
        .map_err(|_| StoreError::Content { column: "options" })
}

pub(crate) fn generation(row: &SqliteRow) -> Result<Option<GenerationId>, StoreError> {
    Ok(row
        .try_get::<Option<String>, _>("generation_id")?
        .and_then(GenerationId::new))
}

pub(crate) fn failure(row: &SqliteRow) -> Result<Option<Failure>, StoreError> {
    let Some(class) = row.try_get::<Option<&str>, _>("error_class")? else {
        return Ok(None);
    };
    let class: ErrorClass = class.parse().map_err(|_| StoreError::Content {
        column: "error_class",
    })?;
    Ok(Some(Failure::new(
        class,
        row.try_get::<String, _>("error_message")?,
    )))
}

pub(crate) fn is_set(row: &SqliteRow, column: &'static str) -> Result<bool, StoreError> {
    Ok(row.try_get::<i64, _>(column)? != 0)
}

/// Parses rows that a statement returned as one JSON text.
///
/// One text is passed from SQLite's thread faster than many rows.
pub(crate) fn parse_rows<T: DeserializeOwned>(json: &str) -> Result<Vec<T>, StoreError> {
    serde_json::from_str(json).map_err(|_| StoreError::Content { column: "id" })
}

/// Parses the job counts, with an entry for every state.
pub(crate) fn parse_counts(rows: &str) -> Result<BTreeMap<JobState, u64>, StoreError> {
    let mut counts: BTreeMap<_, _> = JobState::ALL.into_iter().map(|state| (state, 0)).collect();
    counts.extend(parse_rows::<(JobState, u64)>(rows)?);
    Ok(counts)
}

/// Converts a size or count to an SQLite integer.
///
/// Larger values cannot come from a file system.
pub(crate) fn to_integer(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// Reads the columns `kind` and `location`.
pub(crate) fn location(row: &SqliteRow) -> Result<Location, StoreError> {
    match row.try_get::<&str, _>("kind")? {
        "url" => String::from_utf8(row.try_get("location")?)
            .map(Location::Url)
            .map_err(|_| StoreError::Content { column: "location" }),
        _ => Ok(Location::File(path(row, "location")?)),
    }
}

/// Returns the column `kind` of a location.
pub(crate) const fn location_kind(location: &Location) -> &'static str {
    match location {
        Location::File(_) => "file",
        Location::Url(_) => "url",
    }
}

/// Returns the column `location` of a location.
pub(crate) fn location_bytes(location: &Location) -> &[u8] {
    match location {
        Location::File(path) => path_bytes(path),
        Location::Url(url) => url.as_bytes(),
    }
}

/// Reads the columns `size_bytes` and `modified_at`.
pub(crate) fn revision(row: &SqliteRow) -> Result<Revision, StoreError> {
    Ok(Revision {
        size_bytes: count(row, "size_bytes")?,
        modified: time(row, "modified_at")?,
    })
}

/// Reads the columns of a recording: `source`, `kind`, `location`, `relative`, `size_bytes` and `modified_at`.
pub(crate) fn recording(row: &SqliteRow) -> Result<Recording, StoreError> {
    Ok(Recording {
        source: row.try_get::<&str, _>("source")?.into(),
        location: location(row)?,
        relative: path(row, "relative")?,
        revision: revision(row)?,
    })
}
