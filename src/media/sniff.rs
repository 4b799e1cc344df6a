//! Detection of files that are not recordings, by their first bytes.

/// Signatures of file types that contain no audio.
const NON_AUDIO_SIGNATURES: [(&[u8], &str); 14] = [
    (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"SQLite format 3\x00", "a database"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an office document"),
];

/// Returns the type of a file that is not a recording. Returns `None` if it may be a recording.
///
/// `head` holds the first bytes of the file.
pub(super) fn detect_non_audio(head: &[u8]) -> Option<&'static str> {
    if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
        return Some("a WebP image");
    }
    let by_signature = NON_AUDIO_SIGNATURES
        .iter()
        .find(|(magic, _)| head.starts_with(magic))
        .map(|(_, name)| *name);
    by_signature.or_else(|| detect_text(head))
}

/// Returns the type of a text file, or `None` if `head` is not UTF-8 text.
fn detect_text(head: &[u8]) -> Option<&'static str> {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // `head` may end inside a character.
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => {
            std::str::from_utf8(&head[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    if text
        .chars()
        .any(|char| char.is_control() && !char.is_ascii_whitespace())
    {
        return None;
    }
    let start = text
        .trim_start_matches('\u{feff}')
        .trim_start()
        .to_ascii_lowercase();
    let is_page = start.starts_with("<!doctype html") || start.starts_with("<html");
    Some(if is_page { "an HTML page" } else { "text" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_pages_and_documents_are_recognised() {
        assert_eq!(detect_non_audio(b"Dear diary,\r\n\ttoday"), Some("text"));
        assert_eq!(detect_non_audio("äöü …".as_bytes()), Some("text"));
        assert_eq!(
            detect_non_audio(&"ä".as_bytes().repeat(9)[..17]),
            Some("text")
        );
        assert_eq!(
            detect_non_audio(b"\n<!DOCTYPE html><html>"),
            Some("an HTML page")
        );
        assert_eq!(detect_non_audio(b"%PDF-1.7\n\x00"), Some("a PDF document"));
        assert_eq!(
            detect_non_audio(b"RIFF\x00\x00\x00\x00WEBPVP8 "),
            Some("a WebP image")
        );
    }

    #[test]
    fn recordings_and_unknown_bytes_are_accepted() {
        let heads: [&[u8]; 9] = [
            b"RIFF\x24\x08\x00\x00WAVEfmt \x10\x00\x00\x00",
            b"ID3\x04\x00\x00\x00\x00\x00\x00",
            b"\xff\xfb\x90\x64\x00\x00",
            b"\xff\xf1\x50\x80",
            b"OggS\x00\x02\x00\x00",
            b"fLaC\x00\x00\x00\x22",
            b"\x00\x00\x00\x20ftypM4A ",
            b"\x1a\x45\xdf\xa3\x01\x00",
            b"#!AMR\n\x3c\x91\x17\x16",
        ];
        for head in heads {
            assert_eq!(detect_non_audio(head), None, "{head:?}");
        }
    }
}
