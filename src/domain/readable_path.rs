//! Paths as text. Names that are not UTF-8 stay apart.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Bytes that the percent form encodes: all but the unreserved characters of RFC 3986 and `/`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// Returns a path as text. A byte that is not UTF-8 becomes `\xNN`.
///
/// Two paths that differ only in such bytes have different texts. A name may contain a literal `\xNN`, so use
/// [`path_bytes`] to recover a path.
#[must_use]
pub fn readable_path(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _infallible = write!(text, "\\x{byte:02X}");
        }
    }
    text
}

/// Returns the bytes of a path in percent form if it is not UTF-8. Otherwise its text is exact.
#[must_use]
pub fn path_bytes(path: &Path) -> Option<String> {
    let is_text = path.to_str().is_some();
    (!is_text).then(|| percent_form(path))
}

/// Returns the bytes of a path in percent form, as in a URL.
#[must_use]
pub fn percent_form(path: &Path) -> String {
    percent_encode(path.as_os_str().as_bytes(), ENCODED).to_string()
}

/// Serializes a path as [`readable_path`].
///
/// # Errors
/// If the serializer fails.
pub fn serialize_path<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&readable_path(path))
}

/// Serializes paths as [`readable_path`].
///
/// # Errors
/// If the serializer fails.
pub fn serialize_paths<S: serde::Serializer>(
    paths: &[PathBuf],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(paths.iter().map(|path| readable_path(path)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;
    use std::ffi::OsStr;

    fn path(bytes: &[u8]) -> &Path {
        Path::new(OsStr::from_bytes(bytes))
    }

    #[test]
    fn names_that_are_not_utf8_stay_apart() {
        assert_eq!(readable_path(path(b"old/caf\xe9.wav")), "old/caf\\xE9.wav");
        let other = readable_path(path(b"old/caf\xe8.wav"));
        assert_eq!(other, "old/caf\\xE8.wav");
        assert_eq!(readable_path(Path::new("café.wav")), "café.wav");
    }

    #[test]
    fn only_names_that_are_not_utf8_need_their_bytes() {
        let bytes = path_bytes(path(b"old/caf\xe9 1.wav"));
        assert_eq!(bytes.as_deref(), Some("old/caf%E9%201.wav"));
        assert_eq!(path_bytes(Path::new("café.wav")), None);
    }

    proptest! {
        #[test]
        fn every_path_can_be_recovered(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let recovered = match path_bytes(path(&bytes)) {
                Some(encoded) => percent_decode_str(&encoded).collect(),
                None => readable_path(path(&bytes)).into_bytes(),
            };
            prop_assert_eq!(recovered, bytes);
        }
    }
}
