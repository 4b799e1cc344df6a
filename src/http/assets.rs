//! Stylesheet, script and icon. They are part of the program.

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

/// Name, content type and content of each file.
const FILES: [(&str, &str, &str); 4] = [
    (
        "page.css",
        "text/css; charset=utf-8",
        include_str!("assets/page.css"),
    ),
    (
        "page.js",
        "text/javascript; charset=utf-8",
        include_str!("assets/page.js"),
    ),
    (
        "reading.js",
        "text/javascript; charset=utf-8",
        include_str!("assets/reading.js"),
    ),
    ("icon.svg", "image/svg+xml", include_str!("assets/icon.svg")),
];

/// Answers with a file. A browser keeps it, and asks whether it has changed.
pub(super) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some((_, content_type, content)) = FILES.iter().find(|(file, ..)| *file == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let tag = format!("\"{}\"", &hex::encode(Sha256::digest(content))[..16]);
    let is_known = headers
        .get(IF_NONE_MATCH)
        .is_some_and(|known| *known == tag);
    let cache = [(ETAG, tag.as_str()), (CACHE_CONTROL, "no-cache")];
    match is_known {
        true => (StatusCode::NOT_MODIFIED, cache).into_response(),
        false => (cache, [(CONTENT_TYPE, *content_type)], *content).into_response(),
    }
}
