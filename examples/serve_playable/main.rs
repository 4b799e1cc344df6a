//! Serves the recordings of a folder as a player gets them, on a free port of the loopback interface. `scripts/listen` uses it.
//!
//! usage: `serve_playable FOLDER`. Prints its address. The page at `/` is empty. The one at `/read/NAME` has a word for each second
//! of a recording and the script of the reading page.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use nightscribe::http::sound_response;
use nightscribe::media::playback::player::Player;
use nightscribe::media::sound_track::Ffmpeg;
use std::io;
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
        Ok(playable) => sound_response(playable, &headers),
        Err(error) => (StatusCode::NOT_FOUND, error.to_string()).into_response(),
    }
}
