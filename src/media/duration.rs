//! The length of a recording, from its container.

use std::io::{self, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::units::{Duration, TimeBase};

/// Longer than any recording: a year, in seconds. What claims more is broken.
const LONGEST_S: f64 = 366.0 * 86_400.0;

/// Bytes read of one recording before its length is given up: the index of a day of video is a tenth of it.
const MOST_READ: u64 = 64 * 1024 * 1024;

/// The length of the audio in seconds, where the container tells it without being read whole. `extension` helps to
/// guess the container. Blocks; hostile input ends in `None`.
pub fn duration_of(
    source: impl Read + Seek + Send + Sync + 'static,
    len: u64,
    extension: Option<&str>,
) -> Option<f64> {
    // The parsers are fed whatever people have; a panic in one is that file's affair.
    let probed = catch_unwind(AssertUnwindSafe(|| {
        let left = MOST_READ;
        probe(Source { source, len, left }, extension)
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

/// What the container says of itself as a whole, else of its audio.
fn length(format: &dyn FormatReader) -> Option<f64> {
    let track = format.default_track(TrackType::Audio)?;
    let media = format.media_info();
    let seconds = |base: Option<TimeBase>, duration: Option<Duration>| {
        let time = base?.calc_duration(duration?)?;
        Some(time.as_secs_f64()).filter(|seconds| *seconds > 0.0)
    };
    seconds(media.time_base, media.duration).or_else(|| seconds(track.time_base, track.duration))
}

struct Source<S> {
    source: S,
    len: u64,
    /// Bytes that may still be read; after them it seems to end.
    left: u64,
}

impl<S: Read> Read for Source<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.by_ref().take(self.left).read(buffer)?;
        self.left -= read as u64;
        Ok(read)
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// An MP4 whose index goes on for ever, made up as it is read.
    struct Endless {
        at: u64,
        read: Arc<AtomicU64>,
    }

    const ENDLESS_BYTES: u64 = 1 << 40;

    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let start = b"\0\0\0\x10ftypM4A \0\0\0\0";
            for byte in &mut *buffer {
                let at = usize::try_from(self.at).unwrap();
                // After the start: boxes of eight bytes that hold nothing.
                *byte = start.get(at).copied().unwrap_or(b"\0\0\0\x08free"[at % 8]);
                self.at += 1;
            }
            self.read.fetch_add(buffer.len() as u64, Ordering::Relaxed);
            assert!(
                self.read.load(Ordering::Relaxed) <= 2 * MOST_READ,
                "it reads without end"
            );
            Ok(buffer.len())
        }
    }

    impl Seek for Endless {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.at = match to {
                SeekFrom::Start(at) => at,
                SeekFrom::Current(by) => self.at.saturating_add_signed(by),
                SeekFrom::End(by) => ENDLESS_BYTES.saturating_add_signed(by),
            };
            Ok(self.at)
        }
    }

    #[test]
    fn a_container_without_end_is_given_up() {
        let read = Arc::new(AtomicU64::new(0));
        let endless = Endless {
            at: 0,
            read: Arc::clone(&read),
        };
        assert_eq!(duration_of(endless, ENDLESS_BYTES, Some("m4a")), None);
        assert!(read.load(Ordering::Relaxed) <= MOST_READ);
    }
}
