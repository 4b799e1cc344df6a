//! Files that a walk passes over, so that nothing is left out without a word.

use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// Extensions of files that accompany recordings. They are not counted.
const COMPANIONS: [&str; 40] = [
    "ass", "aup", "bak", "bmp", "conf", "csv", "cue", "db", "doc", "docx", "gif", "htm", "html",
    "ics", "ini", "jpeg", "jpg", "json", "log", "lrc", "m3u", "m3u8", "md", "nfo", "opf", "pdf",
    "png", "rtf", "sh", "srt", "sub", "toml", "tsv", "txt", "url", "vtt", "webp", "xml", "yaml",
    "yml",
];
/// Number of extensions that are listed by name.
const MAX_LISTED: usize = 5;

/// Counts of the files that one walk of a source passed over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LeftOut {
    /// Symbolic links, which are not followed.
    pub links: u64,
    /// Files and folders that `exclude` matches.
    pub excluded: u64,
    /// Recordings that `include` does not match.
    pub not_included: u64,
    /// Unfinished files, and trash or thumbnails, by `default_excludes`.
    pub by_default: u64,
    /// Files with an extension that is not the one of a recording, by extension.
    pub unknown: BTreeMap<String, u64>,
}

impl LeftOut {
    /// Counts a file whose extension is not the one of a recording.
    pub(super) fn add_unknown(&mut self, path: &Path) {
        let extension = path
            .extension()
            .map(|extension| extension.to_string_lossy().to_lowercase());
        if let Some(extension) =
            extension.filter(|name| COMPANIONS.binary_search(&name.as_str()).is_err())
        {
            *self.unknown.entry(extension).or_default() += 1;
        }
    }

    /// Whether nothing was left out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for LeftOut {
    /// Lists the counts, such as `2 links, 14 .ds2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.links, "links (not followed)"),
            (self.excluded, "by `exclude`"),
            (self.not_included, "not in `include`"),
            (self.by_default, "unfinished, trash or thumbnails"),
        ];
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        let mut parts: Vec<_> = counts
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        let mut unknown: Vec<_> = self.unknown.iter().collect();
        unknown.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let rest: u64 = unknown
            .iter()
            .skip(MAX_LISTED)
            .map(|(_, count)| **count)
            .sum();
        let listed = unknown.iter().take(MAX_LISTED);
        parts.extend(listed.map(|(extension, count)| format!("{count} .{extension}")));
        if rest > 0 {
            parts.push(format!("{rest} of other types"));
        }
        f.write_str(&parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_count_is_listed_once() {
        let mut left_out = LeftOut::default();
        assert!(left_out.is_empty());
        for name in ["a.ds2", "b.DS2", "a.txt", "README", "c.xyz"] {
            left_out.add_unknown(Path::new(name));
        }
        left_out.links = 2;
        assert_eq!(
            left_out.to_string(),
            "2 links (not followed), 2 .ds2, 1 .xyz"
        );
    }

    #[test]
    fn companions_are_sorted() {
        assert!(COMPANIONS.is_sorted());
    }
}
