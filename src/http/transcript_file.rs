//! Transcripts of a recording, as files.
//!
//! A request names an item and a format. The path of the file comes from the database, which holds what a run has written.

use crate::app::error::AppError;
use crate::app::items::outputs_of;
use crate::app::session::Session;
use crate::domain::{Format, JobId};
use axum::body::Body;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use tokio::fs::File;
use tokio_util::io::ReaderStream;

/// Returns the formats of which a path is listed, by the end of its name.
pub(super) fn formats(outputs: &[String]) -> Vec<&'static str> {
    let is_there = |format: &Format| {
        let mut paths = outputs.iter();
        paths.any(|path| format_of(path.as_bytes()) == Some(*format))
    };
    let there = Format::ALL.into_iter().filter(is_there);
    there.map(Format::as_str).collect()
}

/// Returns the format of a file: that with the longest ending, as some endings contain others.
fn format_of(path: &[u8]) -> Option<Format> {
    let fits = |format: &Format| path.ends_with(format!(".{}", format.extension()).as_bytes());
    let fitting = Format::ALL.into_iter().filter(fits);
    fitting.max_by_key(|format| format.extension().len())
}

/// Returns the response with a transcript. `None` if there is none of this format, or its file cannot be opened.
///
/// # Errors
/// If the database fails.
pub(super) async fn transcript(
    session: &Session,
    item: JobId,
    format: Format,
) -> Result<Option<Response>, AppError> {
    let outputs = outputs_of(session, item).await?.into_iter();
    let mut found = outputs.filter(|path| format_of(path.as_os_str().as_bytes()) == Some(format));
    let Some(path) = found.next() else {
        return Ok(None);
    };
    let file = match File::open(&path).await {
        Ok(file) => file,
        Err(error) => {
            tracing::warn!(error = %error, path = %path.display(), "cannot open a transcript for a download");
            return Ok(None);
        }
    };
    let name = path.file_name().unwrap_or_default().as_bytes();
    let name = percent_encode(name, NON_ALPHANUMERIC);
    let headers = [
        (CONTENT_TYPE, content_type(&path).to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename*=UTF-8''{name}"),
        ),
    ];
    let body = Body::from_stream(ReaderStream::new(file));
    Ok(Some((headers, body).into_response()))
}

fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("json") => "application/json",
        Some("html") => "text/html; charset=utf-8",
        Some("docx") => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        _ => "text/plain; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_is_told_by_its_ending() {
        for format in Format::ALL {
            let path = format!("/t/talk.mp3.{}", format.extension());
            assert_eq!(format_of(path.as_bytes()), Some(format), "{path}");
            assert_eq!(formats(&[path]), [format.as_str()]);
        }
        assert_eq!(format_of(b"/t/talk"), None);
        assert_eq!(format_of(b"/t/talktxt"), None);
    }
}
