//! Inspection of a file before it is submitted.
//!
//! Files that are certainly not recordings, and files that are certainly truncated, are rejected before they cost
//! anything. All other files are left to the service.

use super::container;
use super::input::Input;
use super::sniff;
use super::sound::{Defect, Length, Sound};
use crate::domain::{ErrorClass, Failure};
use std::io::{self, Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Number of bytes read from the start of the file to detect its type.
const HEAD_BYTES: usize = 8192;
/// Minimum size of a recording, in bytes. No container has a shorter header.
const MIN_BYTES: usize = 16;
/// Upper bound of a plausible length: one year, in seconds. A container that declares more is broken.
pub(super) const MAX_LENGTH_S: f64 = 366.0 * 86_400.0;
/// Number of places that are compared with zero, and the bytes of each.
const ZERO_PROBES: u64 = 16;
const ZERO_PROBE_BYTES: usize = 4096;

/// Result of an inspection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Inspection {
    /// Length of the sound track.
    pub length: Length,
    /// Whether the file ends before its sound does. Its length is unknown then: a header may state that of the whole.
    pub is_truncated: bool,
}

/// Treatment of a truncated file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Truncated {
    /// It is refused.
    #[default]
    Refused,
    /// It is taken as it is, on purpose.
    Taken,
}

impl Truncated {
    /// Returns whether a truncated file is taken, for a job that is submitted as it is.
    #[must_use]
    pub const fn for_job(as_is: bool) -> Self {
        match as_is {
            true => Self::Taken,
            false => Self::Refused,
        }
    }
}

/// Inspects a file of `len` bytes. The extension of `path` tells formats without a signature. Blocks.
///
/// Reads at most a few kilobytes more than [`Input`] allows.
///
/// # Errors
/// Returns the outer error if the file cannot be read. The inner error has the class `unreadable` if the file is empty
/// or truncated (unless `truncated` allows it), and `unsupported` if it is not a recording or has no sound.
pub fn inspect(
    mut file: impl Read + Seek,
    len: u64,
    path: &Path,
    truncated: Truncated,
) -> io::Result<Result<Inspection, Failure>> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    file.by_ref()
        .take(HEAD_BYTES as u64)
        .read_to_end(&mut head)?;
    if head.is_empty() {
        return Ok(Err(unreadable("the file is empty".to_owned())));
    }
    if let Some(kind) = sniff::detect_non_audio(&head) {
        return Ok(Err(unsupported(format!(
            "the file is not a recording: it looks like {kind}"
        ))));
    }
    if head.len() < MIN_BYTES {
        return Ok(Err(unreadable(format!(
            "the file is truncated: it has only {len} bytes"
        ))));
    }
    let mut input = Input::new(&mut file, len);
    if is_zero(&head) && has_only_zeros(&mut input)? {
        return Ok(Err(unreadable("the file contains only zeros".to_owned())));
    }
    let extension = extension_of(path);
    let sound = read_sound(&mut input, extension.as_deref())?;
    Ok(match sound.defect {
        Some(Defect::Truncated(_)) if truncated == Truncated::Taken => Ok(Inspection {
            length: Length::Unknown,
            is_truncated: true,
        }),
        Some(Defect::Truncated(reason)) => {
            Err(unreadable(format!("the file is truncated: {reason}")))
        }
        Some(Defect::Silent(reason)) => {
            Err(unsupported(format!("the file has no sound: {reason}")))
        }
        None => Ok(Inspection {
            length: sound.length.if_plausible(MAX_LENGTH_S),
            is_truncated: false,
        }),
    })
}

/// Returns the extension of a file name in lower case.
pub(super) fn extension_of(path: &Path) -> Option<String> {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.map(str::to_lowercase)
}

/// Reads the container. The files are untrusted, and a panic must not end the process.
fn read_sound(input: &mut Input<'_>, extension: Option<&str>) -> io::Result<Sound> {
    let read = catch_unwind(AssertUnwindSafe(|| container::read(input, extension)));
    read.unwrap_or_else(|_| Ok(Sound::default()))
}

/// Whether evenly spaced parts of the file are zero.
fn has_only_zeros(input: &mut Input<'_>) -> io::Result<bool> {
    let last = input.len().saturating_sub(ZERO_PROBE_BYTES as u64);
    for number in 0..=ZERO_PROBES {
        let at = (u128::from(last) * u128::from(number) / u128::from(ZERO_PROBES)) as u64;
        if !is_zero(&input.read_at(at, ZERO_PROBE_BYTES)?) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

fn unreadable(message: String) -> Failure {
    Failure::new(ErrorClass::Unreadable, message)
}

fn unsupported(message: String) -> Failure {
    Failure::new(ErrorClass::Unsupported, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inspect_bytes(name: &str, bytes: &[u8]) -> Result<Inspection, Failure> {
        let file = io::Cursor::new(bytes.to_vec());
        inspect(
            file,
            bytes.len() as u64,
            Path::new(name),
            Truncated::Refused,
        )
        .unwrap()
    }

    fn rejection(bytes: &[u8]) -> (ErrorClass, String) {
        let failure = inspect_bytes("a.mp3", bytes).unwrap_err();
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
    fn a_recording_is_accepted_with_its_duration() {
        assert_eq!(
            inspect_bytes("a.wav", &wav(3)),
            Ok(Inspection {
                length: Length::Exact(3.0),
                is_truncated: false,
            })
        );
    }

    #[test]
    fn other_and_truncated_files_are_rejected() {
        assert_eq!(
            rejection(b""),
            (ErrorClass::Unreadable, "the file is empty".to_owned())
        );
        assert_eq!(
            rejection(b"this is text"),
            (
                ErrorClass::Unsupported,
                "the file is not a recording: it looks like text".to_owned()
            )
        );
        assert_eq!(
            rejection(b"\xff\xfb\x00"),
            (
                ErrorClass::Unreadable,
                "the file is truncated: it has only 3 bytes".to_owned()
            )
        );
        assert_eq!(
            rejection(&wav(3)[..1000]),
            (
                ErrorClass::Unreadable,
                "the file is truncated: the header declares 48000 bytes of audio, the file has 956"
                    .to_owned()
            )
        );
    }

    #[test]
    fn a_truncated_file_can_be_taken_as_it_is() {
        let take = |bytes: &[u8]| {
            let file = io::Cursor::new(bytes.to_vec());
            let (len, path) = (bytes.len() as u64, Path::new("a.wav"));
            inspect(file, len, path, Truncated::Taken).unwrap()
        };
        let taken = Inspection {
            length: Length::Unknown,
            is_truncated: true,
        };
        assert_eq!(take(&wav(3)[..1000]), Ok(taken));
        assert!(take(b"").is_err());
        assert!(take(&wav(3)[..15]).is_err());
        assert!(take(&[0; 4000]).is_err());
    }

    #[test]
    fn unknown_bytes_are_left_to_the_service() {
        let bytes: Vec<u8> = (0..4000_u32).map(|n| (n * n % 253) as u8).collect();
        assert_eq!(
            inspect_bytes("a.mp3", &bytes),
            Ok(Inspection {
                length: Length::Unknown,
                is_truncated: false,
            })
        );
    }

    proptest::proptest! {
        #[test]
        fn no_content_causes_a_panic(kind in 0..6_usize, bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..600)) {
            let start: &[u8] = [&b"OggS\0\x02"[..], b"fLaC\0\0\0\x22", b"ID3\x04\0\0", b"\x1a\x45\xdf\xa3", b"\xff\xfb\x90\x64", b"caff\0\x01"][kind];
            let _ = inspect_bytes("a.mp3", &[start, &bytes].concat());
        }
    }
}
