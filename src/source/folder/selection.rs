//! Selection of files and folders by name and pattern.

use crate::config::patterns::PathPatterns;
use crate::domain::container::is_recording;
use crate::source::folder::default_excludes::{is_excluded_file, is_excluded_folder};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Returns the part of `path` below `root`. Compares bytes, because comparing path components is too slow for every file
/// of a walk.
#[must_use]
pub fn relative_to<'a>(root: &Path, path: &'a Path) -> &'a Path {
    let path = path.as_os_str().as_bytes();
    let rest = path
        .strip_prefix(root.as_os_str().as_bytes())
        .unwrap_or(path);
    Path::new(OsStr::from_bytes(rest.strip_prefix(b"/").unwrap_or(rest)))
}

/// Whether the filters select a file by its path below the root.
#[must_use]
pub fn is_selected(
    relative: &Path,
    include: Option<&PathPatterns>,
    exclude: &PathPatterns,
    default_excludes: bool,
) -> bool {
    let is_included = include.map_or_else(
        || is_recording(relative),
        |include| include.matches_below(relative),
    );
    let by_default = || {
        let mut folders = relative.parent().into_iter().flatten();
        folders.any(is_excluded_folder) || relative.file_name().is_some_and(is_excluded_file)
    };
    is_included && !exclude.matches_below(relative) && !(default_excludes && by_default())
}
