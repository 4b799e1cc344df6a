//! Duration of a recording, read from its container.

use std::panic::{AssertUnwindSafe, catch_unwind};
use symphonia::core::formats::TrackType;
use symphonia::core::formats::probe::Hint;
use symphonia::core::io::{MediaSource, MediaSourceStream};

/// Upper bound of a plausible duration: one year, in seconds. A container that declares more is broken.
const MAX_DURATION_S: f64 = 366.0 * 86_400.0;

/// Returns the duration of the audio in seconds.
///
/// Returns `None` if the container does not declare it, or if the upload is malformed. `extension` helps to detect the
/// container.
pub(crate) fn duration_of(
    upload: impl MediaSource + 'static,
    extension: Option<&str>,
) -> Option<f64> {
    // The parsers read untrusted uploads. A panic in one must not cut the connection.
    let declared = catch_unwind(AssertUnwindSafe(|| declared_duration(upload, extension)));
    declared
        .ok()
        .flatten()
        .filter(|seconds| (0.0..MAX_DURATION_S).contains(seconds))
}

/// Returns the duration that the container declares for itself, or otherwise for its audio track.
fn declared_duration(upload: impl MediaSource + 'static, extension: Option<&str>) -> Option<f64> {
    let stream = MediaSourceStream::new(Box::new(upload), Default::default());
    let mut hint = Hint::new();
    if let Some(extension) = extension {
        hint.with_extension(extension);
    }
    let probe = symphonia::default::get_probe();
    let format = probe.probe(&hint, stream, Default::default(), Default::default());
    let format = format.ok()?;
    let (media, track) = (format.media_info(), format.default_track(TrackType::Audio)?);
    [
        (media.time_base, media.duration),
        (track.time_base, track.duration),
    ]
    .into_iter()
    .filter_map(|(base, duration)| base?.calc_duration(duration?))
    .map(|time| time.as_secs_f64())
    .find(|seconds| *seconds > 0.0)
}
