//! The file types that the service takes: one table of extensions and MIME types.

use std::path::Path;

/// Extensions in lower case with the MIME type a submission names. The service documents no list of its own; Deepgram, behind it,
/// takes what ffmpeg decodes, so these are the audio and video containers people record in.
const CONTAINERS: [(&str, &str); 38] = [
    ("3g2", "video/3gpp2"),
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
    ("caf", "audio/x-caf"),
    ("flac", "audio/flac"),
    ("flv", "video/x-flv"),
    ("gsm", "audio/gsm"),
    ("m4a", "audio/mp4"),
    ("m4b", "audio/mp4"),
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
    ("spx", "audio/ogg"),
    ("wav", "audio/wav"),
    ("webm", "video/webm"),
    ("wma", "audio/x-ms-wma"),
    ("wmv", "video/x-ms-wmv"),
];

/// The MIME type for a file of this name; `application/octet-stream` when its extension says nothing.
pub fn mime_for(path: &Path) -> &'static str {
    entry(path).map_or("application/octet-stream", |(_, mime)| mime)
}

/// Whether the name says that the file is a recording. Case does not matter: `TALK.MP3` is one.
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
    fn other_names_are_no_recordings() {
        for name in ["a", "mp3", ".mp3", "a.txt", "a.mp3.part", "a.", ""] {
            assert!(!is_recording(Path::new(name)), "{name}");
        }
    }
}
