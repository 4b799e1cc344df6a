//! Names of recordings and URLs, as names of transcripts.

use super::is_control_char;
use nightscribe::domain::Format;
use nightscribe::output::naming::{base_names, file_name, transcript_folder, url_file_name};
use nightscribe::output::portable_name::NameForm;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};
use url::Url;

/// Uses the bytes as a path in a source, and as a URL.
pub fn holds(data: &[u8]) {
    let path = Path::new(OsStr::from_bytes(data));
    for form in NameForm::ALL {
        let folder = transcript_folder(Path::new("/out"), "talks", path, form);
        assert!(folder.starts_with("/out/talks"), "{folder:?}");
        assert!(folder.components().all(|part| part != Component::ParentDir));
    }
    if let Some(name) = path.file_name().filter(|name| name.len() <= 255) {
        check_names(name);
    }
    if let Some(url) = std::str::from_utf8(data)
        .ok()
        .and_then(|text| Url::parse(text).ok())
    {
        let name = url_file_name(&url);
        assert!(
            !name.is_empty() && !name.starts_with('.') && !name.contains('/'),
            "{name:?}"
        );
        assert!(!name.chars().any(is_control_char), "{name:?}");
        check_names(OsStr::new(&name));
    }
}

/// Checks that every possible transcript name is a single path component of at most 255 bytes.
fn check_names(name: &OsStr) {
    for base in base_names(name).take(4) {
        for format in Format::ALL {
            let name = file_name(&base, format);
            assert!(name.len() <= 255, "{name:?}");
            let mut parts = Path::new(&name).components();
            assert_eq!(parts.next(), Some(Component::Normal(&name)));
            assert_eq!(parts.next(), None);
        }
    }
}
