//! The file of an item that is best to read.

use crate::app::error::AppError;
use crate::app::select::select_one;
use crate::app::session::Session;
use crate::domain::readable_path::{path_bytes, serialize_path};
use crate::domain::{Format, JobId};
use crate::output::transcript_files::TranscriptFile;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// A file with the transcript of an item. This is the JSON form: fields may be added, but never removed or renamed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReadableFile {
    /// ID of the job.
    pub item: JobId,
    /// Format of the file.
    pub format: Format,
    /// Absolute path. A byte that is not UTF-8 is written as `\xNN`.
    #[serde(serialize_with = "serialize_path")]
    pub file: PathBuf,
    /// Bytes of the path in percent form, if it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_bytes: Option<String>,
}

/// Returns the file of the item with this ID, or otherwise of the newest item of the recording at this path or URL.
///
/// # Errors
/// If there is no such item, it has no transcript, none of its files exists, or the database fails.
pub async fn readable_file(session: &Session, name: &str) -> Result<ReadableFile, AppError> {
    let store = session.existing_store().await?.ok_or(AppError::NoResults)?;
    let item = select_one(session, name).await?;
    let found = store.item(item).await?;
    store.close().await;
    let outputs = found
        .ok_or_else(|| AppError::NoItem(name.to_owned()))?
        .outputs;
    let (format, file) = best(&outputs, |file| file.exists())
        .or_else(|| best(&outputs, |_| true))
        .ok_or(AppError::NoTranscript { item })?;
    if !file.exists() {
        return Err(AppError::MissingFile { item, format, file });
    }
    Ok(ReadableFile {
        item,
        format,
        file_bytes: path_bytes(&file),
        file,
    })
}

/// Returns the file that is best to read, of those that `is_usable`.
fn best(files: &[PathBuf], is_usable: impl Fn(&Path) -> bool) -> Option<(Format, PathBuf)> {
    let formats = files.iter().filter(|file| is_usable(file));
    let formats = formats.filter_map(|file| Some((TranscriptFile::from_path(file)?.format, file)));
    let rank = |format: Format| Format::FOR_READING.iter().position(|one| *one == format);
    let (format, file) = formats.min_by_key(|(format, _)| rank(*format))?;
    Some((format, file.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_better_to_read_than_data() {
        let files = ["/a.json", "/a.srt", "/a.txt", "/a.docx"].map(PathBuf::from);
        let best_of = |files: &[PathBuf]| best(files, |_| true).unwrap().0;
        assert_eq!(best_of(&files), Format::Txt);
        assert_eq!(best_of(&files[..2]), Format::Srt);
        assert_eq!(best_of(&files[..1]), Format::Json);
        let without_text = best(&files, |file| file != Path::new("/a.txt"));
        assert_eq!(without_text.unwrap().0, Format::Docx);
        assert_eq!(best(&files, |_| false), None);
    }
}
