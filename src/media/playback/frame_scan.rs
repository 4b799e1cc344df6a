//! One pass over all frames of a sound without a container.

use crate::media::frames::FrameFormat;
use std::io::{self, Read};

/// Bytes that are read at a time.
const BUFFER_BYTES: usize = 1024 * 1024;
/// Bytes that must follow a place before it is judged. A run of the largest frames is shorter.
const LOOKAHEAD_BYTES: usize = 64 * 1024;

/// Passes all whole frames in `source` to `visit`, each with its offset. `source` begins at the offset `start` of the file.
/// Bytes between frames, such as tags of joined parts, are passed over. The pass ends early if `visit` returns `false`.
///
/// # Errors
/// If `source` cannot be read, or `visit` fails.
pub(super) fn scan(
    mut source: impl Read,
    start: u64,
    format: FrameFormat,
    mut visit: impl FnMut(u64, &[u8]) -> io::Result<bool>,
) -> io::Result<()> {
    let (mut buffer, mut at, mut has_ended) = (Vec::new(), 0, false);
    let mut base = start;
    let mut kind = None;
    loop {
        if buffer.len() - at < LOOKAHEAD_BYTES && !has_ended {
            buffer.drain(..at);
            base += at as u64;
            at = 0;
            let missing = BUFFER_BYTES - buffer.len();
            has_ended = (&mut source)
                .take(missing as u64)
                .read_to_end(&mut buffer)?
                < missing;
        }
        let rest = &buffer[at..];
        let next = (format.parse)(rest).filter(|frame| Some(frame.kind) == kind);
        if let Some(frame) = next {
            let Some(whole) = rest.get(..frame.bytes) else {
                return Ok(());
            };
            if !visit(base + at as u64, whole)? {
                return Ok(());
            }
            at += frame.bytes;
        } else if let Some(found) = format.find(rest) {
            at += found;
            kind = (format.parse)(&rest[found..]).map(|frame| frame.kind);
        } else if has_ended {
            return Ok(());
        } else {
            // A run may begin in the last bytes.
            at = buffer.len() - (LOOKAHEAD_BYTES - 1);
        }
    }
}
