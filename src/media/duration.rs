//! The length of a recording, from its container.

use std::io::{self, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::core::meta::MetadataOptions;

/// Longer than any recording: a year, in seconds. What claims more is broken.
const LONGEST_S: f64 = 366.0 * 86_400.0;

/// The length of the audio in seconds, where the container tells it without being read whole. `extension` helps to
/// guess the container. Blocks; hostile input ends in `None`.
pub fn duration_of(
    source: impl Read + Seek + Send + Sync + 'static,
    len: u64,
    extension: Option<&str>,
) -> Option<f64> {
    // The parsers are fed whatever people have; a panic in one is that file's affair.
    let probed = catch_unwind(AssertUnwindSafe(|| {
        probe(Source { source, len }, extension)
    }));
    probed
        .ok()
        .flatten()
        .filter(|seconds| (0.0..LONGEST_S).contains(seconds))
}

fn probe<S: Read + Seek + Send + Sync + 'static>(
    source: Source<S>,
    extension: Option<&str>,
) -> Option<f64> {
    let stream = MediaSourceStream::new(Box::new(source), Default::default());
    let mut hint = Hint::new();
    if let Some(extension) = extension {
        hint.with_extension(extension);
    }
    let probed = symphonia::default::get_probe().probe(
        &hint,
        stream,
        FormatOptions::default(),
        MetadataOptions::default(),
    );
    length(&*probed.ok()?)
}

fn length(format: &dyn FormatReader) -> Option<f64> {
    let track = format.default_track(TrackType::Audio)?;
    let time = track.time_base?.calc_duration(track.duration?)?;
    Some(time.as_secs_f64())
}

struct Source<S> {
    source: S,
    len: u64,
}

impl<S: Read> Read for Source<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.source.read(buffer)
    }
}

impl<S: Seek> Seek for Source<S> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.source.seek(to)
    }
}

impl<S: Read + Seek + Send + Sync> MediaSource for Source<S> {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.len)
    }
}
