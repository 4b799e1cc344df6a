//! Folders and file names of transcripts.
//!
//! The functions are pure. No recording name leads out of the output folder.

use crate::domain::file_name::TemplateValues;
use crate::domain::{FileNameTemplate, Format, is_control_char};
use crate::output::portable_name::{NameForm, shorten_to};
use std::ffi::{OsStr, OsString};
use std::iter;
use std::path::{Component, Path, PathBuf};

/// Maximum length of a file name on common file systems, in bytes.
const MAX_NAME_BYTES: usize = 255;
/// Bytes reserved for the longest extension, `.whisperx.json`.
const MAX_EXTENSION_BYTES: usize = 14;
/// Maximum length of a base name, in bytes.
const MAX_BASE_BYTES: usize = MAX_NAME_BYTES - MAX_EXTENSION_BYTES;
/// Maximum length of a name derived from a URL, in bytes.
const MAX_URL_NAME_BYTES: usize = 200;

/// Returns the folder for the transcripts of a recording: `<root>/<source>/<folder in the source>`.
///
/// The names below `root` have the form `form`. Ignores `..` and other components of `relative` that are not plain names.
#[must_use]
pub fn transcript_folder(root: &Path, source: &str, relative: &Path, form: NameForm) -> PathBuf {
    let mut folder = root.to_owned();
    let inside = relative.parent().unwrap_or(Path::new(""));
    let components = Path::new(source).components().chain(inside.components());
    folder.extend(components.filter_map(|component| match component {
        Component::Normal(name) => Some(form.folder(name, MAX_NAME_BYTES)),
        _ => None,
    }));
    folder
}

/// Returns the possible base names of a recording's transcripts, without extension and in order of preference.
///
/// They are the stem, the full name, and then an endless sequence of numbered names.
pub fn base_names(name: &OsStr) -> impl Iterator<Item = OsString> + Send + Sync + 'static + use<> {
    let full_name = name.to_owned();
    let stem = Path::new(name).file_stem().unwrap_or(name).to_owned();
    let numbered = (2_u64..).map({
        let full_name = full_name.clone();
        move |number| {
            let mut base = full_name.clone();
            base.push(format!("~{number}"));
            base
        }
    });
    let second = (full_name != stem).then_some(full_name);
    iter::once(stem)
        .chain(second)
        .chain(numbered)
        .map(|base| shorten(&base))
}

/// Returns the base name after applying the `output.name` template, in a form of it.
///
/// Different bases give different names, unless the template has placeholders without a separator between them.
#[must_use]
pub fn apply_template(
    template: &FileNameTemplate,
    base: &OsStr,
    facts: &TemplateValues,
    form: NameForm,
) -> OsString {
    form.base(&template.render(base, facts), MAX_BASE_BYTES)
}

/// Returns a base name in all forms, without repetitions.
#[must_use]
pub fn base_forms(base: &OsStr) -> Vec<OsString> {
    let forms = NameForm::ALL.map(|form| form.base(base, MAX_BASE_BYTES));
    let mut forms = Vec::from(forms);
    forms.dedup();
    forms
}

/// Returns the name of a transcript file. [`base_names`] has already shortened long names.
#[must_use]
pub fn file_name(base: &OsStr, format: Format) -> OsString {
    let mut name = base.to_owned();
    name.push(".");
    name.push(format.extension());
    name
}

/// Returns the name of the file for an answer that could not be used. Its content need not be JSON.
#[must_use]
pub fn answer_name(recording: &OsStr, form: NameForm) -> OsString {
    let mut name = form.base(recording, MAX_BASE_BYTES);
    name.push(".answer");
    name
}

/// Returns base names for the new version of a transcript whose file was edited, in order of preference.
///
/// They are `base.new`, and then an endless sequence of numbered names.
pub fn new_version_names(base: &OsStr) -> impl Iterator<Item = OsString> {
    let suffixes = (2_u64..).map(|number| format!(".new~{number}"));
    iter::once(".new".to_owned())
        .chain(suffixes)
        .map(move |suffix| {
            let mut name = shorten_to(base, MAX_BASE_BYTES - suffix.len());
            name.push(suffix);
            name
        })
}

/// Shortens a base name to leave space for its extension.
fn shorten(base: &OsStr) -> OsString {
    shorten_to(base, MAX_BASE_BYTES)
}

/// Returns a file name for a recording at a URL: the last segment of the path, or otherwise the host.
#[must_use]
pub fn url_file_name(url: &url::Url) -> String {
    let last = url.path_segments().and_then(|segments| {
        segments
            .rev()
            .find(|segment| !segment.is_empty())
            .map(decode_segment)
    });
    let name = last
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| sanitize(url.host_str().unwrap_or_default()));
    if name.is_empty() {
        "recording".to_owned()
    } else {
        name
    }
}

/// Decodes a URL segment. A segment that is not UTF-8 stays percent-encoded.
fn decode_segment(segment: &str) -> String {
    let text = percent_encoding::percent_decode_str(segment).decode_utf8();
    sanitize(text.as_deref().unwrap_or(segment))
}

/// Reduces a name to a single, visible path component without control characters.
fn sanitize(name: &str) -> String {
    let name: String = name
        .chars()
        .filter(|char| !is_control_char(*char) && *char != '/')
        .collect();
    let name = name.trim_start_matches(|char: char| char == '.' || char.is_whitespace());
    name[..name.floor_char_boundary(MAX_URL_NAME_BYTES)]
        .trim_end()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::os::unix::ffi::OsStrExt;

    fn first_bases(name: &[u8], count: usize) -> Vec<String> {
        base_names(OsStr::from_bytes(name))
            .take(count)
            .map(|base| base.to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn the_folder_of_a_recording_is_mirrored() {
        let folder = |relative| {
            let relative = Path::new(relative);
            transcript_folder(Path::new("/out"), "podcasts", relative, NameForm::Original)
        };
        assert_eq!(folder("2019/a.mp3"), Path::new("/out/podcasts/2019"));
        assert_eq!(folder("a.mp3"), Path::new("/out/podcasts"));
        assert_eq!(folder("../../etc/a.mp3"), Path::new("/out/podcasts/etc"));
        assert_eq!(folder("/etc/a.mp3"), Path::new("/out/podcasts/etc"));
    }

    #[test]
    fn the_stem_precedes_the_full_name_and_numbers() {
        assert_eq!(
            first_bases(b"talk.wav", 4),
            ["talk", "talk.wav", "talk.wav~2", "talk.wav~3"]
        );
        assert_eq!(first_bases(b"talk", 2), ["talk", "talk~2"]);
        assert_eq!(
            file_name(OsStr::new("talk.wav"), Format::Txt),
            "talk.wav.txt"
        );
    }

    #[test]
    fn shortened_names_stay_distinct() {
        let (one, two) = (
            format!("{}a.mp3", "ä".repeat(125)),
            format!("{}b.mp3", "ä".repeat(125)),
        );
        let base = |name: &str| base_names(OsStr::new(name)).next().unwrap();
        assert_ne!(base(&one), base(&two));
        assert!(base(&one).to_str().unwrap().starts_with("ää"));
    }

    #[test]
    fn a_new_version_is_named_and_numbered() {
        let names: Vec<_> = new_version_names(OsStr::new("talk")).take(3).collect();
        assert_eq!(names, ["talk.new", "talk.new~2", "talk.new~3"]);
        let long = shorten(OsStr::new(&"ä".repeat(125)));
        let name = new_version_names(&long).next().unwrap();
        assert!(name.len() <= MAX_BASE_BYTES);
        assert!(name.to_str().unwrap().ends_with(".new"));
    }

    #[test]
    fn a_url_is_named_by_its_last_segment() {
        let name = |url: &str| url_file_name(&url.parse().unwrap());
        assert_eq!(name("https://a.org/x/talk%20one.mp3?t=1"), "talk one.mp3");
        assert_eq!(name("https://a.org/x/talk/"), "talk");
        assert_eq!(name("https://a.org/"), "a.org");
        assert_eq!(name("https://a.org/..%2f..%2fetc"), "etc");
        assert_eq!(name("https://a.org/%20.%20.hidden%20"), "hidden");
        assert_eq!(name("https://a.org/%ff.mp3"), "%ff.mp3");
        assert_eq!(name("file:///"), "recording");
        assert_eq!(name("https://a.org/%00%0a"), "a.org");
        assert_eq!(name("https://a.org/a%e2%80%ae3pm.exe"), "a3pm.exe");
    }

    proptest! {
        #[test]
        fn no_path_escapes_the_folder(path in proptest::collection::vec(any::<u8>(), 0..80)) {
            for form in NameForm::ALL {
                let folder = transcript_folder(Path::new("/out"), "s", Path::new(OsStr::from_bytes(&path)), form);
                prop_assert!(folder.starts_with("/out/s"));
                prop_assert!(folder.components().all(|component| component != Component::ParentDir));
            }
        }

        #[test]
        fn a_url_name_is_a_visible_component(path in "(/|%[0-9a-f]{2}|[ .a-zé]){0,120}") {
            let name = url_file_name(&format!("https://a.org/{path}").parse().unwrap());
            prop_assert!(!name.is_empty() && name.len() <= MAX_URL_NAME_BYTES);
            prop_assert!(!name.starts_with('.') && !name.contains('/'));
            prop_assert!(!name.chars().any(char::is_control));
        }

        #[test]
        fn every_name_is_short_and_one_component(name in proptest::collection::vec((1..=255_u8).prop_filter("path component", |byte| *byte != b'/'), 1..255)) {
            for base in base_names(OsStr::from_bytes(&name)).take(4) {
                for format in Format::ALL {
                    prop_assert!(file_name(&base, format).len() <= MAX_NAME_BYTES);
                }
                prop_assert!(!base.as_bytes().contains(&b'/'));
            }
        }
    }
}
