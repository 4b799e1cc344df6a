//! The recordings that `transcribe` was given: files, URLs, and those in folders.

use crate::app::actions::add::found_url;
use crate::config::MAX_LOOKUPS;
use crate::config::patterns::PathPatterns;
use crate::domain::{Location, Revision, Timestamp};
use crate::source::folder::fingerprint;
use crate::source::folder::selection::relative_to;
use crate::source::folder::walk::{WalkItem, WalkOptions, walk};
use crate::store::sqlite::recordings::FoundRecording;
use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Recordings to transcribe, and what could not be taken.
#[derive(Debug, Default)]
pub struct Inputs {
    /// Recordings by the folder that their paths are relative to. URLs have none.
    pub found: BTreeMap<Option<PathBuf>, Vec<FoundRecording>>,
    /// Files, folders and URLs that are not transcribed.
    pub refused: Vec<RefusedInput>,
    locations: HashSet<Location>,
}

/// A file, folder or URL that cannot be transcribed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedInput {
    /// The path or URL.
    pub name: PathBuf,
    /// Reason, as a lowercase fragment.
    pub reason: String,
}

impl Inputs {
    /// Returns the recordings of these names: files, http(s) URLs, and folders with all subfolders. Relative paths start at
    /// `working_dir`. A recording that is named twice is returned once.
    ///
    /// The files are found as in a source, except that they need not settle, and that rules of folders have no effect.
    /// Blocks.
    #[must_use]
    pub fn find(names: &[PathBuf], working_dir: &Path, now: Timestamp) -> Self {
        let mut inputs = Self::default();
        for name in names {
            if let Err(reason) = inputs.add(name, working_dir, now) {
                inputs.refuse(name.clone(), reason);
            }
        }
        inputs
    }

    fn add(&mut self, name: &Path, working_dir: &Path, now: Timestamp) -> Result<(), String> {
        if let Some(url) = name.to_str().filter(|text| text.contains("://")) {
            self.push(None, found_url(url)?);
            return Ok(());
        }
        if name.as_os_str().is_empty() {
            return Err("expected a file, a folder or a URL".to_owned());
        }
        let path = working_dir.join(name);
        if path.is_dir() {
            self.add_folder(&path, now)
        } else {
            self.add_file(&path)
        }
    }

    fn add_file(&mut self, path: &Path) -> Result<(), String> {
        let revision = fingerprint::of(path).map_err(|error| error.to_string())?;
        let (parent, file_name) = (path.parent(), path.file_name());
        let (Some(parent), Some(file_name)) = (parent, file_name) else {
            return Err("the path has no file name".to_owned());
        };
        // The same file has the same path in each call, whatever the working folder.
        let folder = parent.canonicalize().map_err(|error| error.to_string())?;
        let path = folder.join(file_name);
        self.push_file(folder, path, revision);
        Ok(())
    }

    fn add_folder(&mut self, path: &Path, now: Timestamp) -> Result<(), String> {
        let folder = path.canonicalize().map_err(|error| error.to_string())?;
        let options = WalkOptions {
            root: &folder,
            include: None,
            exclude: &PathPatterns::empty(),
            default_excludes: true,
            follow_links: false,
            settle: Duration::ZERO,
            skip: &[],
            max_lookups: MAX_LOOKUPS,
            now,
        };
        let mut is_empty = true;
        for item in walk(options).map_err(|error| error.to_string())? {
            match item {
                WalkItem::Recording { path, fingerprint } => {
                    self.push_file(folder.clone(), path, fingerprint);
                }
                WalkItem::Unsettled { path, .. } => {
                    let reason = "it is open for writing, or was modified in the future".to_owned();
                    self.refuse(path, reason);
                }
                WalkItem::Unreadable { path, message } => self.refuse(path, message),
                WalkItem::Rules { .. } => continue,
            }
            is_empty = false;
        }
        match is_empty {
            true => Err("the folder contains no recordings".to_owned()),
            false => Ok(()),
        }
    }

    fn push_file(&mut self, folder: PathBuf, path: PathBuf, revision: Revision) {
        let found = FoundRecording {
            relative: relative_to(&folder, &path).to_owned(),
            location: Location::File(path),
            size_bytes: revision.size_bytes,
            modified: revision.modified,
        };
        self.push(Some(folder), found);
    }

    fn push(&mut self, folder: Option<PathBuf>, found: FoundRecording) {
        if self.locations.insert(found.location.clone()) {
            self.found.entry(folder).or_default().push(found);
        }
    }

    fn refuse(&mut self, name: PathBuf, reason: String) {
        self.refused.push(RefusedInput { name, reason });
    }
}

/// Returns the paths and URLs of a list with one on each line. Empty lines are left out.
#[must_use]
pub fn names_in_list(list: &[u8]) -> Vec<PathBuf> {
    let lines = list.split(|&byte| byte == b'\n');
    let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let names = lines.filter(|line| !line.trim_ascii().is_empty());
    names
        .map(|name| PathBuf::from(OsStr::from_bytes(name)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;
    use std::fs;
    use std::os::unix::ffi::OsStringExt;

    const NOW: Timestamp = Timestamp::MAX;

    fn reasons(inputs: &Inputs) -> Vec<(String, String)> {
        let refused = inputs.refused.iter();
        refused
            .map(|one| (one.name.display().to_string(), one.reason.clone()))
            .collect()
    }

    #[test]
    fn files_folders_and_urls_are_found_once() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for folder in ["a/deep", "a/skipped", "empty"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        for file in [
            "a/1.mp3",
            "a/deep/2.wav",
            "a/skipped/3.mp3",
            "a/notes.pdf",
            "x.dat",
        ] {
            fs::write(root.join(file), "x").unwrap();
        }
        fs::write(root.join("a/skipped/.nightscribe-skip"), "").unwrap();
        fs::write(root.join("a/.nightscribe.toml"), "not = toml =").unwrap();
        let names = [
            "a",
            "./a/../a/1.mp3",
            "x.dat",
            "https://example.org/t.mp3",
            "https://example.org/t.mp3",
            "gone.mp3",
            "empty",
            "ftp://example.org/t.mp3",
            "",
        ];
        let names = names.map(PathBuf::from);
        let inputs = Inputs::find(&names, &root, NOW);
        let found: Vec<_> = inputs
            .found
            .iter()
            .map(|(folder, found)| {
                let folder = folder.as_deref();
                let folder = folder.map(|folder| folder.strip_prefix(&root).unwrap().to_owned());
                let relative: Vec<_> = found.iter().map(|one| one.relative.clone()).collect();
                (folder, relative)
            })
            .collect();
        let expected: Vec<(Option<PathBuf>, Vec<PathBuf>)> = vec![
            (None, vec!["t.mp3".into()]),
            (Some("".into()), vec!["x.dat".into()]),
            (Some("a".into()), vec!["1.mp3".into(), "deep/2.wav".into()]),
        ];
        assert_eq!(found, expected);
        let refused = reasons(&inputs);
        assert_eq!(
            refused
                .iter()
                .map(|(name, _)| name.as_str())
                .collect::<Vec<_>>(),
            ["gone.mp3", "empty", "ftp://example.org/t.mp3", ""]
        );
        assert!(refused[0].1.starts_with("No such file"), "{refused:?}");
        assert_eq!(refused[1].1, "the folder contains no recordings");
    }

    #[test]
    fn a_list_has_a_name_on_each_line() {
        let names = names_in_list(b"a b.mp3\r\n\n  \nhttps://x/y\n\xff.wav");
        let not_utf8 = OsString::from_vec(b"\xff.wav".to_vec());
        let expected = ["a b.mp3".into(), "https://x/y".into(), not_utf8];
        assert_eq!(names, expected.map(PathBuf::from));
    }
}
