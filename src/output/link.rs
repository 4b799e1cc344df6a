//! Relative links from a transcript to its recording.

use percent_encoding::{AsciiSet, CONTROLS, percent_encode};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

/// Characters that must be percent-encoded in the path of a link.
const ENCODED_IN_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Returns a relative link from a file in `folder` to `target`. Both paths are absolute.
///
/// A relative link stays valid when both files are moved together.
#[must_use]
pub fn relative_link(folder: &Path, target: &Path) -> String {
    let common = folder
        .components()
        .zip(target.components())
        .take_while(|(one, other)| one == other)
        .count();
    let up = folder.components().skip(common).map(|_| "..".to_owned());
    let down = target.components().skip(common).map(encode);
    let segments: Vec<_> = up.chain(down).collect();
    match segments.first() {
        // A colon in the first segment would be parsed as a scheme.
        Some(first) if first.contains(':') => format!("./{}", segments.join("/")),
        _ => segments.join("/"),
    }
}

fn encode(component: Component<'_>) -> String {
    percent_encode(component.as_os_str().as_bytes(), ENCODED_IN_PATH).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    fn link_str(folder: &str, target: &str) -> String {
        relative_link(Path::new(folder), Path::new(target))
    }

    #[test]
    fn a_link_goes_up_and_down_the_tree() {
        assert_eq!(
            link_str("/home/a/transcripts/talks", "/home/a/Podcasts/1.mp3"),
            "../../Podcasts/1.mp3"
        );
        assert_eq!(link_str("/talks", "/talks/1.mp3"), "1.mp3");
    }

    #[test]
    fn special_characters_in_names_are_encoded() {
        assert_eq!(
            link_str("/a", "/a/x y#1?<b>%.mp3"),
            "x%20y%231%3F%3Cb%3E%25.mp3"
        );
        assert_eq!(link_str("/a", "/a/javascript:x"), "./javascript:x");
        let bytes = Path::new("/a").join(OsStr::from_bytes(b"\xff\n.mp3"));
        assert_eq!(relative_link(Path::new("/a"), &bytes), "%FF%0A.mp3");
        assert_eq!(link_str("/a", "/a/è.mp3"), "%C3%A8.mp3");
    }
}
