//! The way from a transcript to its recording, as a link.

use percent_encoding::{AsciiSet, CONTROLS, percent_encode};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

/// What cannot stand in the path of a link, or would end it.
const NOT_IN_A_PATH: &AsciiSet = &CONTROLS
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

/// The link from a file in `folder` to `target`, both absolute: a relative one, so that both may be moved together.
#[must_use]
pub fn link(folder: &Path, target: &Path) -> String {
    let common = folder
        .components()
        .zip(target.components())
        .take_while(|(one, other)| one == other)
        .count();
    let up = folder.components().skip(common).map(|_| "..".to_owned());
    let down = target.components().skip(common).map(encoded);
    let steps: Vec<_> = up.chain(down).collect();
    match steps.first() {
        // The first step of a relative link holds no colon: it would be taken for a scheme.
        Some(first) if first.contains(':') => format!("./{}", steps.join("/")),
        _ => steps.join("/"),
    }
}

fn encoded(component: Component<'_>) -> String {
    percent_encode(component.as_os_str().as_bytes(), NOT_IN_A_PATH).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    fn linked(folder: &str, target: &str) -> String {
        link(Path::new(folder), Path::new(target))
    }

    #[test]
    fn a_link_leads_up_and_down_again() {
        assert_eq!(
            linked("/home/a/transcripts/talks", "/home/a/Podcasts/1.mp3"),
            "../../Podcasts/1.mp3"
        );
        assert_eq!(linked("/talks", "/talks/1.mp3"), "1.mp3");
    }

    #[test]
    fn nothing_in_a_name_ends_the_link_or_leads_elsewhere() {
        assert_eq!(
            linked("/a", "/a/x y#1?<b>%.mp3"),
            "x%20y%231%3F%3Cb%3E%25.mp3"
        );
        assert_eq!(linked("/a", "/a/javascript:x"), "./javascript:x");
        let bytes = Path::new("/a").join(OsStr::from_bytes(b"\xff\n.mp3"));
        assert_eq!(link(Path::new("/a"), &bytes), "%FF%0A.mp3");
        assert_eq!(linked("/a", "/a/è.mp3"), "%C3%A8.mp3");
    }
}
