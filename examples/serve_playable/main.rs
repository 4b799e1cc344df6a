//! Serves the recordings of a folder as a player gets them, on a free port of the loopback interface. `scripts/listen` uses it.
//!
//! usage: `serve_playable FOLDER`. Prints its address. The page at `/` is empty. The one at `/read/NAME` has a word for each second
//! of a recording and the script `read.js` of a reading page.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response, StatusCode, header};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use futures_util::stream;
use nightscribe::media::playback::playable::Playable;
use nightscribe::media::playback::player::Player;
use nightscribe::media::sound_track::Ffmpeg;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// Length of a page in words. `scripts/listen` tells as many seconds apart.
const SECONDS: u32 = 13_824;

struct Served {
    folder: PathBuf,
    player: Arc<Player>,
    ffmpeg: Option<Ffmpeg>,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or_else(|| io::Error::other("usage: serve_playable FOLDER"))?;
    let folder = folder.canonicalize()?;
    let served = Served {
        player: Arc::new(Player::new(folder.join(".playback"))),
        ffmpeg: Ffmpeg::new("ffmpeg".as_ref(), Vec::new()).await.ok(),
        folder,
    };
    let router = Router::new()
        .route(
            "/",
            get(|| async { Html("<!doctype html><title>play</title>") }),
        )
        .route("/read.js", get(script))
        .route("/read/{name}", get(page))
        .route("/{name}", get(serve))
        .with_state(Arc::new(served));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, router).await
}

async fn script() -> impl IntoResponse {
    let javascript = [(header::CONTENT_TYPE, "text/javascript")];
    (javascript, include_str!("../../src/http/assets/reading.js"))
}

/// Returns a page for reading along. Each word lasts a second.
async fn page(
    State(served): State<Arc<Served>>,
    Path(name): Path<String>,
) -> axum::response::Response {
    if !served.folder.join(&name).is_file() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let spans = (0..SECONDS).flat_map(|second| [second * 1000, (second + 1) * 1000]);
    let times = serde_json::Value::from_iter(spans);
    let spans: String = (0..SECONDS)
        .map(|second| match second % 50 {
            0 => format!("<p><span>{second}</span> "),
            _ => format!("<span>{second}</span> "),
        })
        .collect();
    Html(format!(
        "<!doctype html><title>read</title><style>.is-spoken {{ background: gold }}</style>\
         <script type=\"application/json\" id=\"times\">{times}</script>\
         <audio id=\"player\" controls src=\"/{name}\"></audio>\
         <article id=\"transcript\" data-has-times>{spans}</article><p id=\"player-problem\" hidden></p>\
         <script src=\"/read.js\" defer></script>"
    ))
    .into_response()
}

async fn serve(
    State(served): State<Arc<Served>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> axum::response::Response {
    let path = served.folder.join(name);
    match served.player.open(&path, served.ffmpeg.as_ref()).await {
        Ok(playable) => answer(playable, &headers),
        Err(error) => (StatusCode::NOT_FOUND, error.to_string()).into_response(),
    }
}

fn answer(playable: Arc<Playable>, headers: &HeaderMap) -> axum::response::Response {
    let len = playable.len();
    let asked = headers
        .get(header::RANGE)
        .and_then(|value| value.to_str().ok());
    let range = asked.and_then(|asked| range(asked, len));
    let (status, range) = match range {
        Some(range) => (StatusCode::PARTIAL_CONTENT, range),
        None => (StatusCode::OK, 0..len),
    };
    let mut response = Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, playable.content_type())
        .header(header::CONTENT_LENGTH, range.end - range.start)
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::ETAG, playable.etag())
        .header("x-sound-start", playable.sound_start_s().to_string());
    if status == StatusCode::PARTIAL_CONTENT {
        let value = format!("bytes {}-{}/{len}", range.start, range.end - 1);
        response = response.header(header::CONTENT_RANGE, value);
    }
    let blocks = stream::unfold(playable.blocks(range), |mut blocks| async {
        let next = tokio::task::spawn_blocking(move || (blocks.next(), blocks)).await;
        let (block, blocks) = next.ok()?;
        Some((block?, blocks))
    });
    let response = response.body(Body::from_stream(blocks));
    response.map_or_else(
        |error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        IntoResponse::into_response,
    )
}

/// Parses `bytes=FROM-` and `bytes=FROM-TO`.
fn range(asked: &str, len: u64) -> Option<Range<u64>> {
    let (from, to) = asked.strip_prefix("bytes=")?.split_once('-')?;
    let from: u64 = from.parse().ok()?;
    let end = match to {
        "" => len,
        to => to.parse::<u64>().ok()?.checked_add(1)?.min(len),
    };
    (from < end).then_some(from..end)
}
