//! File types that the service accepts: a table of extensions and MIME types.

use std::path::Path;

/// Lowercase extensions and the MIME types sent with a submission, sorted by extension.
///
/// The service does not document the types it accepts. It uses Deepgram, which accepts everything that ffmpeg decodes.
/// The table lists the common audio and video containers.
const CONTAINERS: [(&str, &str); 48] = [
    ("3g2", "video/3gpp2"),
    ("3ga", "audio/3gpp"),
    ("3gp", "video/3gpp"),
    ("aac", "audio/aac"),
    ("ac3", "audio/ac3"),
    ("aif", "audio/aiff"),
    ("aifc", "audio/aiff"),
    ("aiff", "audio/aiff"),
    ("amr", "audio/amr"),
    ("ape", "audio/x-ape"),
    ("asf", "video/x-ms-asf"),
    ("au", "audio/basic"),
    ("avi", "video/x-msvideo"),
    ("awb", "audio/amr-wb"),
    ("bwf", "audio/wav"),
    ("caf", "audio/x-caf"),
    ("flac", "audio/flac"),
    ("flv", "video/x-flv"),
    ("gsm", "audio/gsm"),
    ("m2ts", "video/mp2t"),
    ("m4a", "audio/mp4"),
    ("m4b", "audio/mp4"),
    ("m4r", "audio/mp4"),
    ("m4v", "video/mp4"),
    ("mka", "audio/x-matroska"),
    ("mkv", "video/x-matroska"),
    ("mov", "video/quicktime"),
    ("mp2", "audio/mpeg"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("mpeg", "video/mpeg"),
    ("mpg", "video/mpeg"),
    ("mpga", "audio/mpeg"),
    ("mts", "video/mp2t"),
    ("oga", "audio/ogg"),
    ("ogg", "audio/ogg"),
    ("ogv", "video/ogg"),
    ("opus", "audio/ogg"),
    ("qta", "audio/quicktime"),
    ("rf64", "audio/wav"),
    ("spx", "audio/ogg"),
    ("ts", "video/mp2t"),
    ("w64", "audio/x-w64"),
    ("wav", "audio/wav"),
    ("weba", "audio/webm"),
    ("webm", "video/webm"),
    ("wma", "audio/x-ms-wma"),
    ("wmv", "video/x-ms-wmv"),
];

/// Returns the MIME type for a file name, or `application/octet-stream` for an unknown extension.
pub fn mime_for(path: &Path) -> &'static str {
    entry(path).map_or("application/octet-stream", |(_, mime)| mime)
}

/// Returns whether a file name has the extension of a recording. The comparison ignores case.
pub fn is_recording(path: &Path) -> bool {
    entry(path).is_some()
}

fn entry(path: &Path) -> Option<(&'static str, &'static str)> {
    let extension = path.extension()?.as_encoded_bytes();
    let index = CONTAINERS
        .binary_search_by(|(name, _)| {
            name.bytes()
                .cmp(extension.iter().map(u8::to_ascii_lowercase))
        })
        .ok()?;
    Some(CONTAINERS[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_extension_is_found_in_any_case() {
        for (extension, mime) in CONTAINERS {
            assert_eq!(mime_for(Path::new(&format!("a.{extension}"))), mime);
            assert_eq!(
                mime_for(Path::new(&format!("a.{}", extension.to_uppercase()))),
                mime
            );
        }
    }

    #[test]
    fn names_without_a_known_extension_are_not_recordings() {
        for name in ["a", "mp3", ".mp3", "a.txt", "a.mp3.part", "a.", ""] {
            assert!(!is_recording(Path::new(name)), "{name}");
        }
    }
}
