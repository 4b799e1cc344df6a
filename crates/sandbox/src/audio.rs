//! Inspection of an upload in constant memory: size, SHA-256, duration.
//!
//! Only the beginning and the end are kept, because containers store the duration there.

use crate::duration::duration_of;
use crate::ends::Ends;
use crate::ledger::Sha256Sum;
use sha2::{Digest, Sha256};

/// Maximum upload in bytes, the limit of Deepgram behind the service: 2 GB.
pub(crate) const MAX_UPLOAD_BYTES: u64 = 2 << 30;
/// Number of bytes kept from the beginning, and the minimum kept from the end.
const KEPT_BYTES: usize = 512 * 1024;
/// Number of bytes inspected to distinguish text from audio.
const SNIFFED_BYTES: usize = 512;
/// Bytes per second of audio if the container has no duration: 128 kbit/s.
const BYTES_PER_SECOND: u64 = 16_000;

/// Error for an upload over the size limit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// Upload in progress.
pub(crate) struct Intake {
    max_bytes: u64,
    len: u64,
    hasher: Sha256,
    head: Vec<u8>,
    tail: Vec<u8>,
}

/// Properties of a complete upload.
#[derive(Debug, PartialEq)]
pub(crate) struct UploadedAudio {
    pub(crate) bytes: u64,
    pub(crate) sha256: Sha256Sum,
    pub(crate) duration_s: f64,
    /// Whether the content is text, which cannot be transcribed.
    pub(crate) is_text: bool,
}

impl Intake {
    /// Starts an upload of at most `max_bytes`.
    pub(crate) fn new(max_bytes: u64) -> Self {
        Self {
            max_bytes,
            len: 0,
            hasher: Sha256::new(),
            head: Vec::new(),
            tail: Vec::new(),
        }
    }

    /// Adds the next bytes.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Result<(), TooLarge> {
        self.len += chunk.len() as u64;
        if self.len > self.max_bytes {
            return Err(TooLarge);
        }
        self.hasher.update(chunk);
        let to_head = chunk.len().min(KEPT_BYTES - self.head.len());
        self.head.extend_from_slice(&chunk[..to_head]);
        self.tail.extend_from_slice(&chunk[to_head..]);
        if self.tail.len() >= 2 * KEPT_BYTES {
            self.tail.drain(..self.tail.len() - KEPT_BYTES);
        }
        Ok(())
    }

    /// Completes the upload. `extension` helps to detect the container.
    pub(crate) fn finish(self, extension: Option<&str>) -> UploadedAudio {
        let (bytes, is_text) = (self.len, is_text(&self.head));
        let sha256 = Sha256Sum(self.hasher.finalize().into());
        let ends = Ends::new(self.head, self.tail, bytes);
        let estimate = bytes as f64 / BYTES_PER_SECOND as f64;
        let duration_s = duration_of(ends, extension).unwrap_or(estimate);
        UploadedAudio {
            bytes,
            sha256,
            duration_s: (duration_s * 1000.0).round() / 1000.0,
            is_text,
        }
    }
}

fn is_text(head: &[u8]) -> bool {
    let start = &head[..head.len().min(SNIFFED_BYTES)];
    let is_utf8 = match std::str::from_utf8(start) {
        Ok(_) => true,
        // The inspected part may end in the middle of a character.
        Err(error) => error.error_len().is_none(),
    };
    let is_control = |byte: &u8| byte.is_ascii_control() && !byte.is_ascii_whitespace();
    is_utf8 && !start.iter().any(is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn upload(bytes: &[u8], extension: &str) -> UploadedAudio {
        let mut intake = Intake::new(MAX_UPLOAD_BYTES);
        for chunk in bytes.chunks(60_000) {
            intake.push(chunk).unwrap();
        }
        intake.finish(Some(extension))
    }

    /// Reads a recording of `nightscribe demo`.
    fn demo_recording(name: &str) -> Vec<u8> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../src/cli/demo/recordings");
        std::fs::read(format!("{folder}/{name}")).unwrap()
    }

    #[test]
    fn the_duration_comes_from_the_container() {
        let seconds = |name: &str| {
            let extension = name.rsplit('.').next().unwrap();
            upload(&demo_recording(name), extension).duration_s
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
    fn a_duration_at_the_end_is_found() {
        let mut ogg = demo_recording("thunderstorm.ogg");
        let last_page = ogg
            .windows(4)
            .rposition(|window| window == b"OggS")
            .unwrap();
        let end = ogg.split_off(last_page);
        let whole = upload(&[ogg.as_slice(), &end].concat(), "ogg").duration_s;
        let stretched = [ogg.as_slice(), &vec![0x55; 5 * KEPT_BYTES], &end].concat();
        assert_eq!(upload(&stretched, "ogg").duration_s, whole);
    }

    #[test]
    fn the_size_decides_for_unknown_containers() {
        let noise: Vec<u8> = (0..32_000_u32).map(|n| (n * n % 251) as u8).collect();
        let audio = upload(&noise, "bin");
        assert_eq!(
            (audio.duration_s, audio.bytes, audio.is_text),
            (2.0, 32_000, false)
        );
        assert_eq!(audio.sha256, Sha256Sum(Sha256::digest(&noise).into()));
    }

    #[test]
    fn text_is_distinguished_from_audio() {
        assert!(is_text(b"<html>\r\n\tno audio"));
        assert!(is_text("ä".repeat(SNIFFED_BYTES).as_bytes()));
        assert!(is_text(
            &"xä".repeat(SNIFFED_BYTES).as_bytes()[..SNIFFED_BYTES]
        ));
        assert!(!is_text(b"RIFF\0\0\0\0"));
        assert!(!is_text(b"\xff\xfb\x90text"));
    }

    #[test]
    fn uploads_over_the_limit_are_rejected() {
        let mut intake = Intake::new(10);
        assert_eq!(intake.push(&[0; 10]), Ok(()));
        assert_eq!(intake.push(&[0]), Err(TooLarge));
    }

    #[test]
    fn only_the_ends_are_kept() {
        let mut intake = Intake::new(MAX_UPLOAD_BYTES);
        for _ in 0..100 {
            intake.push(&[1; 100_000]).unwrap();
            assert!(intake.head.len() + intake.tail.len() < 3 * KEPT_BYTES);
        }
    }

    proptest! {
        #[test]
        fn arbitrary_content_never_panics(kind in 0..7_usize, bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let start: &[u8] = [
                &b""[..], b"OggS\0\x02", b"fLaC\0\0\0\x22", b"ID3\x04\0\0", b"\x1a\x45\xdf\xa3", b"\xff\xfb\x90\x64", b"RIFF\x10\0\0\0WAVEfmt ",
            ][kind];
            let audio = upload(&[start, &bytes].concat(), "mp3");
            prop_assert!(audio.duration_s >= 0.0);
        }
    }
}
