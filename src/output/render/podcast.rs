//! Transcript JSON of the podcast namespace, version 1.0.0, for podcast players.

use super::segment::{segment_words, segments};
use super::timing::seconds;
use crate::domain::Transcript;

#[derive(serde::Serialize)]
struct PodcastDocument<'a> {
    version: &'static str,
    segments: Vec<PodcastSegment<'a>>,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct PodcastSegment<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    speaker: Option<&'a str>,
    start_time: f64,
    end_time: f64,
    body: String,
}

pub(super) fn render(transcript: &Transcript) -> String {
    let words = segment_words(transcript);
    let segments = segments(&words).into_iter().map(|segment| PodcastSegment {
        start_time: seconds(segment.start_ms),
        end_time: seconds(segment.end_ms),
        body: segment.text(),
        speaker: segment.label,
    });
    super::json::pretty(&PodcastDocument {
        version: "1.0.0",
        segments: segments.collect(),
    })
}
