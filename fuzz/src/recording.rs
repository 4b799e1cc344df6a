//! Recordings, listed for players.

use nightscribe::media::inspect::{Truncated, inspect};
use nightscribe::media::playback::index::head_of;
use std::io::Cursor;
use std::path::Path;

/// Uses the bytes as a recording. If it gets a head, both together are a recording that needs none.
pub fn holds(data: &[u8]) {
    for extension in [None, Some("mp3")] {
        let Ok(Some(head)) = head_of(&mut Cursor::new(data), data.len() as u64, extension) else {
            continue;
        };
        let whole = [&head, data].concat();
        let len = whole.len() as u64;
        let again = head_of(&mut Cursor::new(&whole), len, Some("mp4"));
        assert!(matches!(again, Ok(None)), "{again:?}");
        let inspected = inspect(
            Cursor::new(&whole),
            len,
            Path::new("a.mp4"),
            Truncated::Refused,
        );
        let is_recording = inspected.is_ok_and(|inspected| inspected.is_ok());
        assert!(is_recording, "the file behind its head is no recording");
    }
}
