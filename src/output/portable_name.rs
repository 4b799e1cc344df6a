//! Forms of a name, for file systems that refuse it.
//!
//! FAT, exFAT, NTFS and SMB shares refuse some characters and names. Linux file systems refuse only `/`, NUL and long
//! names, and some of them names that are not UTF-8. A name is written in the first form that its file system takes. The
//! functions are pure, so a name has the same form in each run.

use sha2::{Digest, Sha256};
use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Characters that Windows refuses in names, in addition to control characters.
const REFUSED: [char; 8] = [':', '?', '"', '*', '<', '>', '|', '\\'];
/// Maximum length of a name in the short form, in bytes. Encrypted folders (eCryptfs) take 143 with an extension.
const SHORT_BYTES: usize = 100;

/// Form of a name, in order of preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NameForm {
    /// The name as it is.
    Original,
    /// Every part that Windows refuses is replaced by `%XX`, the value of each of its bytes.
    Portable,
    /// Portable, in ASCII and short.
    Short,
}

impl NameForm {
    /// Every form.
    pub const ALL: [Self; 3] = [Self::Original, Self::Portable, Self::Short];

    /// Returns the next form.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self {
            Self::Original => Some(Self::Portable),
            Self::Portable => Some(Self::Short),
            Self::Short => None,
        }
    }

    /// Returns a base name in this form, of at most `max_bytes`. An extension follows it.
    #[must_use]
    pub fn base(self, name: &OsStr, max_bytes: usize) -> OsString {
        match self {
            Self::Original => shorten_to(name, max_bytes),
            Self::Portable => shorten_to(&portable(name, name.len(), false), max_bytes),
            Self::Short => {
                let ascii = portable(name, name.len(), true);
                shorten_to(&ascii, max_bytes.min(SHORT_BYTES))
            }
        }
    }

    /// Returns the name of a folder in this form. The portable forms have at most `max_bytes`.
    #[must_use]
    pub fn folder(self, name: &OsStr, max_bytes: usize) -> OsString {
        let bytes = name.as_bytes();
        // Windows drops dots and spaces at the end.
        let dropped = bytes.iter().rev();
        let end = bytes.len() - dropped.take_while(|byte| b". ".contains(byte)).count();
        match self {
            Self::Original => name.to_owned(),
            Self::Portable => shorten_to(&portable(name, end, false), max_bytes),
            Self::Short => shorten_to(&portable(name, end, true), max_bytes.min(SHORT_BYTES)),
        }
    }
}

/// Replaces the refused parts of a name, and everything from byte `end` on. With `ascii`, also all other characters that
/// are not ASCII.
///
/// The name can be restored by percent decoding: a percent sign that would be decoded is replaced, too.
fn portable(name: &OsStr, end: usize, ascii: bool) -> OsString {
    let bytes = name.as_bytes();
    let device_letters = usize::from(is_device_name(bytes));
    let mut portable = String::with_capacity(bytes.len());
    let mut start = 0;
    for chunk in bytes.utf8_chunks() {
        for (offset, char) in chunk.valid().char_indices() {
            let at = start + offset;
            let is_replaced = at < device_letters
                || at >= end
                || REFUSED.contains(&char)
                || char.is_ascii_control()
                || (ascii && !char.is_ascii())
                || is_encoded_byte(&bytes[at..]);
            if is_replaced {
                replace(&mut portable, char.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                portable.push(char);
            }
        }
        replace(&mut portable, chunk.invalid());
        start += chunk.valid().len() + chunk.invalid().len();
    }
    portable.into()
}

fn replace(portable: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a string cannot fail.
        let _infallible = write!(portable, "%{byte:02X}");
    }
}

/// Whether percent decoding would change the start of the text.
const fn is_encoded_byte(text: &[u8]) -> bool {
    matches!(text, [b'%', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
}

/// Whether Windows takes the name for a device, such as `NUL` or `com1.2024`.
fn is_device_name(name: &[u8]) -> bool {
    let stem = name.split(|byte| *byte == b'.').next().unwrap_or(name);
    let stem = stem.trim_ascii_end().to_ascii_uppercase();
    match stem.as_slice() {
        b"CON" | b"PRN" | b"AUX" | b"NUL" | b"CONIN$" | b"CONOUT$" => true,
        [b'C', b'O', b'M', number @ ..] | [b'L', b'P', b'T', number @ ..] => {
            // Superscript digits count as digits.
            matches!(number, [b'0'..=b'9'] | [0xC2, 0xB9 | 0xB2 | 0xB3])
        }
        _ => false,
    }
}

/// Shortens a name to `max_bytes`. A hash of the full name keeps long names distinct.
pub(super) fn shorten_to(name: &OsStr, max_bytes: usize) -> OsString {
    let bytes = name.as_bytes();
    if bytes.len() <= max_bytes {
        return name.to_owned();
    }
    let hash = hex::encode(Sha256::digest(bytes));
    let mut end = max_bytes - 9;
    while end > 0 && bytes[end] & 0b1100_0000 == 0b1000_0000 {
        end -= 1;
    }
    let mut short = bytes[..end].to_vec();
    short.extend(b"~");
    short.extend(&hash.as_bytes()[..8]);
    OsString::from_vec(short)
}

#[cfg(test)]
mod tests {
    use super::*;
    use percent_encoding::percent_decode;
    use proptest::prelude::*;

    fn base(name: impl AsRef<[u8]>) -> String {
        let name = NameForm::Portable.base(OsStr::from_bytes(name.as_ref()), 241);
        name.into_string().unwrap()
    }

    fn folder(name: &str) -> String {
        let name = NameForm::Portable.folder(OsStr::new(name), 255);
        name.into_string().unwrap()
    }

    #[test]
    fn refused_characters_are_replaced() {
        assert_eq!(base("talk 12:30?"), "talk 12%3A30%3F");
        assert_eq!(base("a\"*<>|\\\u{1}"), "a%22%2A%3C%3E%7C%5C%01");
        assert_eq!(base(b"caf\xe9"), "caf%E9");
        for plain in ["talk", "café", "100 %", "50%-60%", "a.b", ".hidden"] {
            assert_eq!(base(plain), plain);
            assert_eq!(folder(plain), plain);
        }
    }

    #[test]
    fn a_percent_sign_that_would_be_decoded_is_replaced() {
        assert_eq!(base("12%3A30"), "12%253A30");
        assert_eq!(base("%:%4?"), "%%3A%4%3F");
    }

    #[test]
    fn device_names_are_replaced() {
        for name in ["con", "NUL", "Com1", "lpt9.2024", "aux ", "COM¹"] {
            assert!(base(name).starts_with('%'), "{name}");
        }
        for name in ["console", "com", "com10", "null", "a.con"] {
            assert_eq!(base(name), name);
        }
    }

    #[test]
    fn dots_and_spaces_at_the_end_of_folders_are_replaced() {
        assert_eq!(folder("Vol. "), "Vol%2E%20");
        assert_eq!(folder("..."), "%2E%2E%2E");
        // An extension follows a base name.
        assert_eq!(base("Vol. "), "Vol. ");
    }

    #[test]
    fn the_short_form_is_short_and_in_ascii() {
        let short = |name: &str| NameForm::Short.base(OsStr::new(name), 241);
        assert_eq!(short("café"), "caf%C3%A9");
        let long = "ä".repeat(120);
        assert_eq!(short(&long).len(), SHORT_BYTES);
        assert_ne!(short(&long), short(&format!("{long}b")));
    }

    proptest! {
        #[test]
        fn the_name_can_be_restored(name in proptest::collection::vec(1..=255_u8, 1..60)) {
            let name = OsStr::from_bytes(&name);
            for form in [NameForm::Portable, NameForm::Short] {
                for portable in [form.base(name, 4096), form.folder(name, 4096)] {
                    let restored: Vec<u8> = percent_decode(portable.as_bytes()).collect();
                    // Only a name that is shortened cannot be restored.
                    if form == NameForm::Portable {
                        prop_assert_eq!(&restored, name.as_bytes());
                    }
                    prop_assert!(!portable.to_str().unwrap().contains(REFUSED));
                }
            }
        }

        #[test]
        fn a_portable_name_stays_as_it_is_unless_it_looks_encoded(name in "[a-z .]{1,20}") {
            let portable = NameForm::Portable.folder(OsStr::new(&name), 255);
            let again = NameForm::Short.folder(OsStr::new(&name), 255);
            prop_assert_eq!(portable, again);
        }
    }
}
