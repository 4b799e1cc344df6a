//! A look into a file before anything is paid for it: what is surely no recording, or surely not a whole one, is
//! refused here; whatever may be one is left to the service.

use super::duration::duration_of;
use super::{sniff, whole};
use crate::domain::{ErrorClass, Failure};
use std::io::{self, Read, Seek};
use std::path::Path;

/// Bytes that are looked at for a first guess.
const HEAD: usize = 8192;
/// No container's header is shorter.
const SHORTEST: usize = 16;

/// What was seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Inspected {
    /// Length of the audio in seconds, where the container tells.
    pub duration_s: Option<f64>,
}

/// Looks into a file of `len` bytes; the extension of its `path` helps to tell what it is. Blocks.
///
/// # Errors
/// The outer error says that it cannot be read; the inner one is `unreadable` if it is empty or cut short,
/// `unsupported` if it is something else than a recording.
pub fn inspect(
    mut file: impl Read + Seek + Send + Sync + 'static,
    len: u64,
    path: &Path,
) -> io::Result<Result<Inspected, Failure>> {
    let mut head = Vec::with_capacity(HEAD);
    file.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
    if head.is_empty() {
        return Ok(Err(unreadable("the file is empty".to_owned())));
    }
    if let Some(what) = sniff::foreign(&head) {
        let message = format!("the file is no recording: it seems to be {what}");
        return Ok(Err(Failure::new(ErrorClass::Unsupported, message)));
    }
    if head.len() < SHORTEST {
        return Ok(Err(unreadable(format!(
            "the file is cut short: it has only {len} bytes"
        ))));
    }
    if let Some(how) = whole::cut_short(&mut file, &head, len)? {
        return Ok(Err(unreadable(format!("the file is cut short: {how}"))));
    }
    file.rewind()?;
    let extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .map(str::to_lowercase);
    Ok(Ok(Inspected {
        duration_s: duration_of(file, len, extension.as_deref()),
    }))
}

fn unreadable(message: String) -> Failure {
    Failure::new(ErrorClass::Unreadable, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked_at(name: &str, bytes: &[u8]) -> Result<Inspected, Failure> {
        let file = io::Cursor::new(bytes.to_vec());
        inspect(file, bytes.len() as u64, Path::new(name)).unwrap()
    }

    fn refusal(bytes: &[u8]) -> (ErrorClass, String) {
        let failure = looked_at("a.mp3", bytes).unwrap_err();
        (failure.class, failure.message)
    }

    fn wav(seconds: u32) -> Vec<u8> {
        let bytes = seconds * 16_000;
        let mut wav = b"RIFF".to_vec();
        wav.extend((36 + bytes).to_le_bytes());
        wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
        wav.extend(8_000_u32.to_le_bytes());
        wav.extend(16_000_u32.to_le_bytes());
        wav.extend(b"\x02\0\x10\0data");
        wav.extend(bytes.to_le_bytes());
        wav.extend((0..bytes).map(|n| (n * 7 % 251) as u8));
        wav
    }

    #[test]
    fn a_recording_is_let_through_with_its_length() {
        assert_eq!(
            looked_at("a.wav", &wav(3)),
            Ok(Inspected {
                duration_s: Some(3.0)
            })
        );
    }

    #[test]
    fn what_is_surely_no_whole_recording_is_refused_with_its_class() {
        assert_eq!(
            refusal(b""),
            (ErrorClass::Unreadable, "the file is empty".to_owned())
        );
        assert_eq!(
            refusal(b"this is text"),
            (
                ErrorClass::Unsupported,
                "the file is no recording: it seems to be text".to_owned()
            )
        );
        assert_eq!(
            refusal(b"\xff\xfb\x00"),
            (
                ErrorClass::Unreadable,
                "the file is cut short: it has only 3 bytes".to_owned()
            )
        );
        assert_eq!(
            refusal(&wav(3)[..1000]),
            (
                ErrorClass::Unreadable,
                "the file is cut short: its header promises 48000 bytes of sound, 956 are there"
                    .to_owned()
            )
        );
    }

    #[test]
    fn unknown_bytes_are_left_to_the_service() {
        let bytes: Vec<u8> = (0..4000_u32).map(|n| (n * n % 253) as u8).collect();
        assert_eq!(
            looked_at("a.mp3", &bytes),
            Ok(Inspected { duration_s: None })
        );
    }

    proptest::proptest! {
        #[test]
        fn no_content_makes_it_panic(kind in 0..6_usize, bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..600)) {
            let start: &[u8] = [&b"OggS\0\x02"[..], b"fLaC\0\0\0\x22", b"ID3\x04\0\0", b"\x1a\x45\xdf\xa3", b"\xff\xfb\x90\x64", b"caff\0\x01"][kind];
            let _ = looked_at("a.mp3", &[start, &bytes].concat());
        }
    }
}
