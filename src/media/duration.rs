//! Duration of a recording, read from its container.

use std::io::{self, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::units::{Duration, TimeBase};

/// Upper bound of a plausible duration: one year, in seconds. A container that declares more is broken.
const MAX_DURATION_S: f64 = 366.0 * 86_400.0;

/// Upper bound of the bytes read from one recording. The index of a day of video is a tenth of it.
const MAX_READ_BYTES: u64 = 64 * 1024 * 1024;

/// Returns the duration of the audio in seconds.
///
/// Returns `None` if the container does not declare it, or if the input is malformed. `extension` is a hint for
/// detecting the container. Reads at most 64 MiB. Blocks.
pub fn duration_of(
    source: impl Read + Seek + Send + Sync + 'static,
    len: u64,
    extension: Option<&str>,
) -> Option<f64> {
    // The parsers read untrusted files. A panic in one must not end the process.
    let probed = catch_unwind(AssertUnwindSafe(|| {
        let remaining = MAX_READ_BYTES;
        let source = BoundedSource {
            source,
            len,
            remaining,
        };
        probe(source, extension)
    }));
    probed
        .ok()
        .flatten()
        .filter(|seconds| (0.0..MAX_DURATION_S).contains(seconds))
}

fn probe<S: Read + Seek + Send + Sync + 'static>(
    source: BoundedSource<S>,
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
    container_duration(&*probed.ok()?)
}

/// Returns the duration of the whole container, or of its audio track if the container declares none.
fn container_duration(format: &dyn FormatReader) -> Option<f64> {
    let track = format.default_track(TrackType::Audio)?;
    let media = format.media_info();
    let seconds = |base: Option<TimeBase>, duration: Option<Duration>| {
        let time = base?.calc_duration(duration?)?;
        Some(time.as_secs_f64()).filter(|seconds| *seconds > 0.0)
    };
    seconds(media.time_base, media.duration).or_else(|| seconds(track.time_base, track.duration))
}

/// A source that stops after a fixed number of bytes.
struct BoundedSource<S> {
    source: S,
    len: u64,
    /// Bytes that may still be read. The source reports its end after them.
    remaining: u64,
}

impl<S: Read> Read for BoundedSource<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.by_ref().take(self.remaining).read(buffer)?;
        self.remaining -= read as u64;
        Ok(read)
    }
}

impl<S: Seek> Seek for BoundedSource<S> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.source.seek(to)
    }
}

impl<S: Read + Seek + Send + Sync> MediaSource for BoundedSource<S> {
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

    /// An MP4 with an endless index, generated while it is read.
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
                // Empty boxes of eight bytes follow the start.
                *byte = start.get(at).copied().unwrap_or(b"\0\0\0\x08free"[at % 8]);
                self.at += 1;
            }
            self.read.fetch_add(buffer.len() as u64, Ordering::Relaxed);
            assert!(
                self.read.load(Ordering::Relaxed) <= 2 * MAX_READ_BYTES,
                "the limit of bytes read is ignored"
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
    fn an_endless_container_has_no_duration() {
        let read = Arc::new(AtomicU64::new(0));
        let endless = Endless {
            at: 0,
            read: Arc::clone(&read),
        };
        assert_eq!(duration_of(endless, ENDLESS_BYTES, Some("m4a")), None);
        assert!(read.load(Ordering::Relaxed) <= MAX_READ_BYTES);
    }
}
