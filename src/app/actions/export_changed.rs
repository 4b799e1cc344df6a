//! Choice of the files that are rendered differently than when they were written.

use crate::domain::Format;
use crate::output::rendered_file::RenderedFile;
use crate::output::target::{Content, Target, TargetState};
use crate::output::transcript_files::TranscriptFile;
use crate::store::sqlite::outputs::FileRecords;
use std::io;
use std::path::{Path, PathBuf};

/// Returns the formats of the files in one of `folders`.
pub(super) fn formats_in<'a>(
    folders: impl Iterator<Item = &'a Path>,
    files: &[PathBuf],
) -> Vec<Format> {
    let folders: Vec<_> = folders.map(Some).collect();
    let in_folder = files.iter().filter(|path| folders.contains(&path.parent()));
    let mut formats: Vec<_> = in_folder
        .filter_map(|path| Some(TranscriptFile::from_path(path)?.format))
        .collect();
    formats.sort_unstable();
    formats.dedup();
    formats
}

/// Removes what need not be written again, and returns the changed contents. Blocks.
///
/// An unchanged file stays in the list only if it exists as it was written, because it takes part in the choice of the name.
/// One that was edited or deleted since is left alone.
///
/// # Errors
/// If the compressed bytes of the result are damaged.
pub(super) fn keep_changed(
    files: &mut Vec<(Format, RenderedFile)>,
    records: &FileRecords,
) -> io::Result<Vec<Content>> {
    let contents = files.iter().map(|(_, file)| file.content());
    let mut contents = contents.collect::<io::Result<Vec<_>>>()?.into_iter();
    let mut changed = Vec::new();
    let mut is_needed = |format: Format, content: Content| {
        let is_written =
            |path: &Path| TranscriptFile::from_path(path).is_some_and(|file| file.format == format);
        let written = records
            .iter()
            .find(|(path, record)| is_written(path) && record.sha256 == Some(content.sha256));
        let Some((path, record)) = written else {
            changed.push(content);
            return true;
        };
        let target = Target::inspect(path.clone(), &content, Some(record));
        target.is_ok_and(|target| target.state == TargetState::Identical)
    };
    files.retain(|(format, _)| {
        let content = contents.next();
        content.is_some_and(|content| is_needed(*format, content))
    });
    if changed.is_empty() {
        files.clear();
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::FileRecord;
    use std::fs;

    #[test]
    fn only_changed_files_are_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let record = |text: &str| FileRecord {
            size_bytes: text.len() as u64,
            sha256: Some(Content::of(text.as_bytes()).sha256),
            ..FileRecord::default()
        };
        let records: FileRecords = [
            (path("a.txt"), record("old")),
            (path("a.srt"), record("same")),
            (path("a.md"), record("same")),
        ]
        .into();
        fs::write(path("a.srt"), "same").unwrap();
        fs::write(path("a.md"), "edited").unwrap();
        let kept = |txt: &str| {
            let files = [
                (Format::Txt, txt),
                (Format::Srt, "same"),
                (Format::Md, "same"),
            ];
            let mut files: Vec<_> = files.map(|(format, text)| (format, text.into())).into();
            let changed = keep_changed(&mut files, &records).unwrap();
            let formats: Vec<_> = files.into_iter().map(|(format, _)| format).collect();
            (formats, changed.len())
        };
        assert_eq!(kept("new"), (vec![Format::Txt, Format::Srt], 1));
        assert_eq!(kept("old"), (vec![], 0));
        let paths: Vec<_> = records.keys().cloned().collect();
        let formats = formats_in([folder.path()].into_iter(), &paths);
        assert_eq!(formats, [Format::Txt, Format::Srt, Format::Md]);
        assert!(formats_in([Path::new("/other")].into_iter(), &paths).is_empty());
    }
}
