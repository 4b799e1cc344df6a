//! Transcripts of a recording, as files.
//!
//! A request names an item and a format. The path of a file comes from the database, which holds what a run has written. Other
//! formats are made of the stored result.

use crate::app::error::AppError;
use crate::app::items::outputs_of;
use crate::app::session::Session;
use crate::app::stored_transcript::rendered_transcript;
use crate::domain::{Format, JobId};
use axum::body::Body;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use tokio::fs::File;
use tokio_util::io::ReaderStream;

/// Returns the format of a file: that with the longest ending, as some endings contain others.
fn format_of(path: &[u8]) -> Option<Format> {
    let fits = |format: &Format| path.ends_with(format!(".{}", format.extension()).as_bytes());
    let fitting = Format::ALL.into_iter().filter(fits);
    fitting.max_by_key(|format| format.extension().len())
}

/// Returns the response with a transcript: the file that was written, otherwise one made of the stored result. `None` if there
/// is no such item.
///
/// # Errors
/// If the item has no transcript, or one that the format cannot show, or the database fails.
pub(super) async fn transcript(
    session: &Session,
    item: JobId,
    format: Format,
) -> Result<Option<Response>, AppError> {
    let outputs = outputs_of(session, item).await?.into_iter();
    let mut found = outputs.filter(|path| format_of(path.as_os_str().as_bytes()) == Some(format));
    if let Some(path) = found.next() {
        match File::open(&path).await {
            Ok(file) => {
                let body = Body::from_stream(ReaderStream::new(file));
                return Ok(Some(download(&path, body)));
            }
            Err(error) => {
                tracing::warn!(error = %error, path = %path.display(), "cannot open a transcript for a download; it is rendered again");
            }
        }
    }
    let rendered = rendered_transcript(session, item, format).await?;
    Ok(rendered.map(|one| download(Path::new(&one.name), Body::from(one.bytes))))
}

/// Returns the response with a file to save.
fn download(path: &Path, body: Body) -> Response {
    let name = path.file_name().unwrap_or_default().as_bytes();
    let name = percent_encode(name, NON_ALPHANUMERIC);
    let headers = [
        (CONTENT_TYPE, content_type(path).to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename*=UTF-8''{name}"),
        ),
    ];
    (headers, body).into_response()
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
        }
        assert_eq!(format_of(b"/t/talk"), None);
        assert_eq!(format_of(b"/t/talktxt"), None);
    }
}
