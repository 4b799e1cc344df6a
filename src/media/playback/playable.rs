//! A recording as a sequence of bytes with random access.

use super::decoded_sound::DecodedSound;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Maximum number of bytes that are read at a time.
const BLOCK_BYTES: u64 = 256 * 1024;

/// A recording as a player gets it. It stays as it was opened. If its file changes meanwhile, reads fail or deliver bytes
/// of both versions.
#[derive(Debug)]
pub struct Playable {
    content: Content,
    len: u64,
    content_type: &'static str,
    etag: String,
    sound_start_s: f64,
}

/// The bytes of a recording.
#[derive(Debug)]
pub(super) enum Content {
    /// Whole files, one after the other, each with its size in bytes.
    Files(Vec<(File, u64)>),
    /// A WAV that is decoded when it is read.
    Decoded(DecodedSound),
}

impl Content {
    fn len(&self) -> u64 {
        match self {
            Self::Files(files) => files.iter().map(|(_, len)| len).sum(),
            Self::Decoded(sound) => sound.len(),
        }
    }

    /// Reads bytes from the offset `at` on, at least one and at most `max`. `at` lies within.
    fn read_at(&self, mut at: u64, max: u64) -> io::Result<Vec<u8>> {
        let files = match self {
            Self::Decoded(sound) => return sound.read_at(at, max),
            Self::Files(files) => files,
        };
        for (file, len) in files {
            if at < *len {
                let mut bytes = vec![0; max.min(len - at) as usize];
                file.read_exact_at(&mut bytes, at)
                    .map_err(|error| match error.kind() {
                        io::ErrorKind::UnexpectedEof => {
                            io::Error::other("the file became shorter after it was opened")
                        }
                        _ => error,
                    })?;
                return Ok(bytes);
            }
            at -= len;
        }
        Ok(Vec::new())
    }
}

impl Playable {
    pub(super) fn new(
        content: Content,
        content_type: &'static str,
        etag: String,
        sound_start_s: f64,
    ) -> Self {
        Self {
            len: content.len(),
            content,
            content_type,
            etag,
            sound_start_s,
        }
    }

    /// Returns the size in bytes.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether it has no bytes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the content type for HTTP.
    #[must_use]
    pub const fn content_type(&self) -> &'static str {
        self.content_type
    }

    /// Returns a strong entity tag for HTTP, with its quotes. Another revision of the file has another one.
    #[must_use]
    pub fn etag(&self) -> &str {
        &self.etag
    }

    /// Returns the player's time of the first sound, in seconds. The player's `currentTime` is a time of the transcript plus
    /// this. It is not zero only for a video whose sound starts late.
    #[must_use]
    pub const fn sound_start_s(&self) -> f64 {
        self.sound_start_s
    }

    /// Returns the bytes of a range, in blocks of at most 256 KiB. The range ends with the recording. Each step blocks.
    ///
    /// Fails at the first block that cannot be read or decoded.
    #[must_use]
    pub fn blocks(self: Arc<Self>, range: Range<u64>) -> Blocks {
        let end = range.end.min(self.len);
        Blocks {
            playable: self,
            left: range.start.min(end)..end,
        }
    }
}

/// Blocks of a range.
#[derive(Debug)]
pub struct Blocks {
    playable: Arc<Playable>,
    left: Range<u64>,
}

impl Iterator for Blocks {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left.is_empty() {
            return None;
        }
        let max = BLOCK_BYTES.min(self.left.end - self.left.start);
        let block = self.playable.content.read_at(self.left.start, max);
        match &block {
            Ok(bytes) if !bytes.is_empty() => self.left.start += bytes.len() as u64,
            _ => self.left.start = self.left.end,
        }
        Some(block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    fn file(bytes: &[u8]) -> (File, u64) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        (file, bytes.len() as u64)
    }

    fn playable(parts: &[Vec<u8>]) -> Arc<Playable> {
        let files = parts.iter().map(|part| file(part)).collect();
        Arc::new(Playable::new(
            Content::Files(files),
            "audio/mp4",
            String::new(),
            0.0,
        ))
    }

    fn read(playable: &Arc<Playable>, range: Range<u64>) -> Vec<u8> {
        let blocks: io::Result<Vec<_>> = playable.clone().blocks(range).collect();
        blocks.unwrap().concat()
    }

    proptest! {
        #[test]
        fn any_range_is_that_of_the_whole(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..4),
            start in 0_u64..130,
            bytes in 0_u64..130,
        ) {
            let whole = parts.concat();
            let playable = playable(&parts);
            prop_assert_eq!(playable.len(), whole.len() as u64);
            let (from, to) = (start.min(playable.len()), (start + bytes).min(playable.len()));
            prop_assert_eq!(read(&playable, start..start + bytes), &whole[from as usize..to as usize]);
        }
    }

    #[test]
    fn a_long_range_is_read_in_blocks() {
        let whole: Vec<u8> = (0..600_000_u32).map(|number| number as u8).collect();
        let playable = playable(&[whole[..10].to_vec(), whole[10..].to_vec()]);
        let blocks = playable.clone().blocks(0..u64::MAX);
        assert_eq!(read(&playable, 0..u64::MAX), whole);
        let sizes: Vec<_> = blocks.map(|block| block.unwrap().len()).collect();
        assert_eq!(sizes, [10, 262_144, 262_144, 75_702]);
    }

    #[test]
    fn a_file_that_became_shorter_ends_with_an_error() {
        let (file, _) = file(b"12345");
        let content = Content::Files(vec![(file, 9)]);
        let playable = Arc::new(Playable::new(content, "audio/wav", String::new(), 0.0));
        let mut blocks = playable.blocks(0..9);
        assert!(blocks.next().unwrap().is_err());
        assert!(blocks.next().is_none());
    }
}
