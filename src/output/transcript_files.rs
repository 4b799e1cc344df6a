//! Finding the transcripts in a folder.

use crate::domain::Format;
use crate::output::staging_file::is_staging_file;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

/// A file that has the name of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranscriptFile {
    /// Path without the extension of the format. The transcripts of a recording have it in common.
    pub stem: PathBuf,
    /// Format that the extension stands for.
    pub format: Format,
}

impl TranscriptFile {
    /// Returns the file of this path. Returns `None` if its extension is not that of a format.
    #[must_use]
    pub fn from_path(path: &Path) -> Option<Self> {
        let name = path.file_name()?.as_bytes();
        // The longest extension, because `.json` is also the end of `.whisperx.json`.
        let formats = Format::ALL.into_iter().filter_map(|format| {
            let base = name.strip_suffix(format.extension().as_bytes())?;
            Some((base.strip_suffix(b".")?, format))
        });
        let (base, format) = formats.min_by_key(|(base, _)| base.len())?;
        (!base.is_empty()).then(|| Self {
            stem: path.with_file_name(OsStr::from_bytes(base)),
            format,
        })
    }

    /// Returns the path of the file.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        with_extension(&self.stem, self.format)
    }
}

/// Returns the path of the transcript in another format.
#[must_use]
pub fn with_extension(stem: &Path, format: Format) -> PathBuf {
    let mut path = stem.as_os_str().to_owned();
    path.push(".");
    path.push(format.extension());
    path.into()
}

/// Where to look for transcripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Only in the folder itself.
    Folder,
    /// In the folder and all folders in it.
    Tree,
}

/// Returns the transcripts in `folder`, without hidden files and the folders `skip`. What cannot be read is left out.
/// Blocks.
#[must_use]
pub fn find_transcripts(folder: &Path, depth: Depth, skip: &[PathBuf]) -> Vec<TranscriptFile> {
    let walk = WalkDir::new(folder).max_depth(match depth {
        Depth::Folder => 1,
        Depth::Tree => usize::MAX,
    });
    let is_wanted = |entry: &DirEntry| {
        entry.depth() == 0
            || !entry.file_name().as_bytes().starts_with(b".")
                && !skip.iter().any(|skipped| entry.path() == skipped)
    };
    let files = walk
        .into_iter()
        .filter_entry(is_wanted)
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let is_transcript = entry.file_type().is_file() && !is_staging_file(entry.file_name());
            is_transcript.then(|| TranscriptFile::from_path(entry.path()))?
        });
    files.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn parts(path: &str) -> Option<(String, Format)> {
        let file = TranscriptFile::from_path(Path::new(path))?;
        assert_eq!(file.path(), Path::new(path));
        Some((file.stem.to_str().unwrap().to_owned(), file.format))
    }

    #[test]
    fn the_longest_extension_is_that_of_the_format() {
        let stem = |stem: &str, format| Some((stem.to_owned(), format));
        assert_eq!(parts("/o/a.json"), stem("/o/a", Format::Json));
        assert_eq!(parts("/o/a.b.txt"), stem("/o/a.b", Format::Txt));
        assert_eq!(parts("/o/a.whisperx.json"), stem("/o/a", Format::Whisperx));
        for other in ["/o/a", "/o/a.pdf", "/o/json", "/o/.json"] {
            assert_eq!(parts(other), None, "{other}");
        }
    }

    #[test]
    fn hidden_files_and_skipped_folders_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["a.txt", ".b.txt", "c/d.json", "state/e.txt", "c/.f/g.txt"] {
            fs::create_dir_all(at(name).parent().unwrap()).unwrap();
            fs::write(at(name), "").unwrap();
        }
        let found = |depth| {
            let mut found: Vec<_> = find_transcripts(folder.path(), depth, &[at("state")])
                .into_iter()
                .map(|file| file.path())
                .collect();
            found.sort();
            found
        };
        assert_eq!(found(Depth::Folder), [at("a.txt")]);
        assert_eq!(found(Depth::Tree), [at("a.txt"), at("c/d.json")]);
    }
}
