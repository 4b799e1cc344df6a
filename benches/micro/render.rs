//! Rendering of a three-hour transcript in each format.

use crate::three_hours;
use divan::Bencher;
use nightscribe::domain::rendering::RenderOptions;
use nightscribe::domain::{Format, Request, Timestamp};
use nightscribe::output::render::{TranscriptMetadata, render};
use nightscribe::provider::Completed;

#[divan::bench(args = Format::ALL)]
fn render_three_hours(bencher: Bencher, format: Format) {
    let raw = three_hours::result();
    let completed = Completed::from_body(raw.into_bytes()).unwrap();
    let result = completed.result_json().unwrap();
    let request = Request::new("m", []);
    let envelope = TranscriptMetadata {
        source: "talks",
        recording: "three hours.mp3".to_owned(),
        recording_bytes: None,
        audio: "../three%20hours.mp3".to_owned(),
        sha256: None,
        sound_hash: None,
        size_bytes: None,
        request: &request,
        generation_id: None,
        recorded_at: Timestamp::from_millis(0),
        submitted_at: None,
        received_at: Timestamp::from_millis(0),
    };
    let options = RenderOptions::default();
    bencher.bench(|| {
        let file = render(format, &completed.transcript, &result, &envelope, &options);
        file.to_bytes().unwrap()
    });
}
