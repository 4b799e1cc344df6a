//! An upload, in flat memory: hashed as it comes, of which only the beginning and the end are kept, where containers
//! tell their length.

use super::ledger::Sha256Sum;
use crate::media::duration::duration_of;
use sha2::{Digest, Sha256};
use std::io::{self, Read, Seek, SeekFrom};

/// Deepgram, behind the service, takes 2 GB.
pub(super) const MOST_BYTES: u64 = 2 << 30;
/// Bytes that are kept of the beginning, and at least as many of the end.
const KEPT: usize = 512 * 1024;
/// Bytes that are looked at to tell text from audio.
const SNIFFED: usize = 512;
/// What a second takes where the container does not tell the length: 128 kbit/s.
const BYTES_PER_SECOND: u64 = 16_000;

/// More came than is taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

/// An upload under way.
pub(super) struct Intake {
    most: u64,
    len: u64,
    hasher: Sha256,
    head: Vec<u8>,
    tail: Vec<u8>,
}

/// What is known of an upload that came whole.
#[derive(Debug, PartialEq)]
pub(super) struct Audio {
    pub(super) bytes: u64,
    pub(super) sha256: Sha256Sum,
    pub(super) duration_s: f64,
    /// Whether it is text, which nobody can transcribe.
    pub(super) is_text: bool,
}

impl Intake {
    /// Takes at most `most` bytes.
    pub(super) fn new(most: u64) -> Self {
        Self {
            most,
            len: 0,
            hasher: Sha256::new(),
            head: Vec::new(),
            tail: Vec::new(),
        }
    }

    /// Takes the next bytes.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<(), TooLarge> {
        self.len += chunk.len() as u64;
        if self.len > self.most {
            return Err(TooLarge);
        }
        self.hasher.update(chunk);
        let to_head = chunk.len().min(KEPT - self.head.len());
        self.head.extend_from_slice(&chunk[..to_head]);
        self.tail.extend_from_slice(&chunk[to_head..]);
        if self.tail.len() >= 2 * KEPT {
            self.tail.drain(..self.tail.len() - KEPT);
        }
        Ok(())
    }

    /// Ends it. `extension` helps to tell the container.
    pub(super) fn finish(self, extension: Option<&str>) -> Audio {
        let (bytes, is_text) = (self.len, is_text(&self.head));
        let sha256 = Sha256Sum(self.hasher.finalize().into());
        let ends = Ends {
            head: self.head,
            tail: self.tail,
            len: self.len,
            position: 0,
        };
        let estimate = bytes as f64 / BYTES_PER_SECOND as f64;
        let duration_s = duration_of(ends, bytes, extension).unwrap_or(estimate);
        Audio {
            bytes,
            sha256,
            duration_s: (duration_s * 1000.0).round() / 1000.0,
            is_text,
        }
    }
}

fn is_text(head: &[u8]) -> bool {
    let start = &head[..head.len().min(SNIFFED)];
    let is_utf8 = match std::str::from_utf8(start) {
        Ok(_) => true,
        // A character may be cut by the end of what is looked at.
        Err(error) => error.error_len().is_none(),
    };
    let is_control = |byte: &u8| byte.is_ascii_control() && !byte.is_ascii_whitespace();
    is_utf8 && !start.iter().any(is_control)
}

/// The two ends of an upload, to be read as if it were whole; what lies between them cannot be read.
struct Ends {
    head: Vec<u8>,
    tail: Vec<u8>,
    len: u64,
    position: u64,
}

impl Ends {
    fn rest(&self) -> io::Result<&[u8]> {
        let tail_start = self.len - self.tail.len() as u64;
        if self.position < self.head.len() as u64 {
            Ok(&self.head[self.position as usize..])
        } else if self.position >= self.len {
            Ok(&[])
        } else if self.position >= tail_start {
            Ok(&self.tail[(self.position - tail_start) as usize..])
        } else {
            Err(io::Error::other("not kept"))
        }
    }
}

impl Read for Ends {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.rest()?.read(buffer)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for Ends {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.len.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn taken(bytes: &[u8], extension: &str) -> Audio {
        let mut intake = Intake::new(MOST_BYTES);
        for chunk in bytes.chunks(60_000) {
            intake.push(chunk).unwrap();
        }
        intake.finish(Some(extension))
    }

    #[test]
    fn the_length_comes_from_the_container() {
        let demo = "src/cli/demo/recordings/";
        let seconds = |name: &str| {
            let extension = name.rsplit('.').next().unwrap();
            taken(&std::fs::read(format!("{demo}{name}")).unwrap(), extension).duration_s
        };
        assert_eq!(
            [
                "evening.mp3",
                "midnight.m4a",
                "thunderstorm.ogg",
                "morning.flac"
            ]
            .map(seconds),
            [5.777, 6.382, 6.253, 4.881]
        );
    }

    #[test]
    fn a_length_told_only_at_the_very_end_of_a_long_upload_is_found() {
        let mut ogg = std::fs::read("src/cli/demo/recordings/thunderstorm.ogg").unwrap();
        let last_page = ogg
            .windows(4)
            .rposition(|window| window == b"OggS")
            .unwrap();
        let end = ogg.split_off(last_page);
        let whole = taken(&[ogg.as_slice(), &end].concat(), "ogg").duration_s;
        let stretched = [ogg.as_slice(), &vec![0x55; 5 * KEPT], &end].concat();
        assert_eq!(taken(&stretched, "ogg").duration_s, whole);
    }

    #[test]
    fn where_the_container_is_unknown_the_size_decides() {
        let noise: Vec<u8> = (0..32_000_u32).map(|n| (n * n % 251) as u8).collect();
        let audio = taken(&noise, "bin");
        assert_eq!(
            (audio.duration_s, audio.bytes, audio.is_text),
            (2.0, 32_000, false)
        );
        assert_eq!(audio.sha256, Sha256Sum(Sha256::digest(&noise).into()));
    }

    #[test]
    fn text_is_told_from_audio() {
        assert!(is_text(b"<html>\r\n\tno audio"));
        assert!(is_text("ä".repeat(SNIFFED).as_bytes()));
        assert!(is_text(&"xä".repeat(SNIFFED).as_bytes()[..SNIFFED]));
        assert!(!is_text(b"RIFF\0\0\0\0"));
        assert!(!is_text(b"\xff\xfb\x90text"));
    }

    #[test]
    fn one_byte_more_than_is_taken_is_refused() {
        let mut intake = Intake::new(10);
        assert_eq!(intake.push(&[0; 10]), Ok(()));
        assert_eq!(intake.push(&[0]), Err(TooLarge));
    }

    #[test]
    fn however_long_the_upload_no_more_than_its_ends_is_kept() {
        let mut intake = Intake::new(MOST_BYTES);
        for _ in 0..100 {
            intake.push(&[1; 100_000]).unwrap();
            assert!(intake.head.len() + intake.tail.len() < 3 * KEPT);
        }
    }

    proptest! {
        #[test]
        fn no_content_makes_it_panic(kind in 0..7_usize, bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let start: &[u8] = [
                &b""[..], b"OggS\0\x02", b"fLaC\0\0\0\x22", b"ID3\x04\0\0", b"\x1a\x45\xdf\xa3", b"\xff\xfb\x90\x64", b"RIFF\x10\0\0\0WAVEfmt ",
            ][kind];
            let audio = taken(&[start, &bytes].concat(), "mp3");
            prop_assert!(audio.duration_s >= 0.0);
        }
    }
}
