//! Recordings as a player gets them.
//!
//! A request names an item. The path of the recording comes from the database.

use super::byte_range::{Asked, asked};
use super::failure::status_of;
use super::item_id::item_id;
use super::site::Site;
use crate::app::reading::location_of;
use crate::domain::Location;
use crate::media::playback::playable::Playable;
use crate::media::playback::player::NotPlayable;
use crate::media::sound_track::Ffmpeg;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE,
    RANGE, RETRY_AFTER,
};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Header with the player's time of the first sound, in seconds. It is not zero for a video whose sound starts late.
const SOUND_START: HeaderName = HeaderName::from_static("x-sound-start");

/// How long a request waits for a recording to be prepared. It goes on without the request.
const PATIENCE: Duration = Duration::from_secs(10);
/// Seconds after which a client that was sent away should ask again.
const RETRY_AFTER_S: u64 = 1;

/// Answers with the recording of an item, or the part that is asked for.
pub(super) async fn sound(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let missing = || (StatusCode::NOT_FOUND, "there is no such recording").into_response();
    let Some(item) = item_id(&id) else {
        return missing();
    };
    let path = match location_of(&site.session, item).await {
        Ok(Some(Location::File(path))) => path,
        Ok(Some(Location::Url(_))) => {
            let text = "the recording is not on this machine, only at its address";
            return (StatusCode::NOT_FOUND, text).into_response();
        }
        Ok(None) => return missing(),
        Err(error) => return (status_of(&error), error.to_string()).into_response(),
    };
    let ffmpeg = site.ffmpeg.get(Ffmpeg::new).await;
    let Ok(opened) = timeout(PATIENCE, site.player.open(&path, ffmpeg)).await else {
        return being_prepared();
    };
    match opened {
        Ok(playable) => sound_response(playable, &headers),
        Err(error @ NotPlayable::Unsupported(_)) => {
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, error.to_string()).into_response()
        }
        Err(NotPlayable::Unreadable { source, .. }) => {
            let text = format!("the recording cannot be read: {source}");
            (StatusCode::NOT_FOUND, text).into_response()
        }
    }
}

/// Tells the client to ask again. A long video takes minutes until it can be played for the first time.
fn being_prepared() -> Response {
    let text = "the recording is being prepared; ask again in a few seconds";
    let later = [(RETRY_AFTER, RETRY_AFTER_S)];
    (StatusCode::SERVICE_UNAVAILABLE, later, text).into_response()
}

/// Returns the response with a recording, or the part that `headers` ask for.
#[must_use]
pub fn sound_response(playable: Arc<Playable>, headers: &HeaderMap) -> Response {
    let len = playable.len();
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    // A part of another revision would be mixed with what the player has.
    let is_same = text(IF_RANGE).is_none_or(|tag| tag == playable.etag());
    let range = text(RANGE).filter(|_| is_same);
    let common = [
        (CONTENT_TYPE, playable.content_type().to_owned()),
        (ETAG, playable.etag().to_owned()),
        (ACCEPT_RANGES, "bytes".to_owned()),
        (CACHE_CONTROL, "private, no-cache".to_owned()),
        (SOUND_START, playable.sound_start_s().to_string()),
    ];
    match asked(range, len) {
        Asked::Beyond => {
            let all = [(CONTENT_RANGE, format!("bytes */{len}"))];
            (StatusCode::RANGE_NOT_SATISFIABLE, all).into_response()
        }
        Asked::Whole => {
            let length = [(CONTENT_LENGTH, len)];
            (common, length, body(playable, 0..len)).into_response()
        }
        Asked::Part(part) => {
            let length = [(CONTENT_LENGTH, part.end - part.start)];
            let place = format!("bytes {}-{}/{len}", part.start, part.end - 1);
            let place = [(CONTENT_RANGE, place)];
            let status = StatusCode::PARTIAL_CONTENT;
            (status, common, length, place, body(playable, part)).into_response()
        }
    }
}

/// Returns the bytes of a range. They are read when the client takes them, and no longer once it goes away.
fn body(playable: Arc<Playable>, range: Range<u64>) -> Body {
    let blocks = Some(playable.blocks(range));
    Body::from_stream(stream::unfold(blocks, |blocks| async {
        let mut blocks = blocks?;
        let next = tokio::task::spawn_blocking(move || (blocks.next(), blocks)).await;
        match next {
            Ok((block, blocks)) => Some((block?, Some(blocks))),
            // The client must not take the part that it has for the whole.
            Err(panicked) => Some((Err(io::Error::other(panicked)), None)),
        }
    }))
}
