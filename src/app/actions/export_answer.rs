//! Writes the stored answer of an item that could not be used, byte for byte.

use crate::config::OutputConfig;
use crate::domain::{ErrorClass, Failure};
use crate::output::naming;
use crate::output::target::{Content, Target, TargetState};
use crate::output::write::{
    StagedFile, create_folder, parent_folder, rename_into_place, sync_folder,
};
use crate::pipeline::stages::save::names::write_failure;
use crate::store::sqlite::items::Item;
use std::path::{Path, PathBuf};

/// Extension of the file, without the leading dot. The content need not be JSON.
const EXTENSION: &str = "answer";

/// Returns the path for the answer: the name of the recording with the extension `answer`, in its output folder.
pub(super) fn answer_path(output: &OutputConfig, item: &Item) -> PathBuf {
    let folder = naming::transcript_folder(&output.dir, &item.source, &item.relative);
    let mut name = item.relative.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{EXTENSION}"));
    folder.join(name)
}

/// Writes the answer to `path`, unless another file is there. Blocks. A crash leaves the whole file or none.
pub(super) fn write_answer(path: &Path, body: &[u8]) -> Result<(), Failure> {
    let failure = |error| write_failure(&error);
    create_folder(parent_folder(path)).map_err(failure)?;
    let content = Content::of(body);
    let target = Target::inspect(path.to_owned(), &content, None).map_err(failure)?;
    if !matches!(target.state, TargetState::Missing | TargetState::Identical) {
        let message = format!("`{}` already exists with other content", path.display());
        return Err(Failure::new(ErrorClass::Output, message));
    }
    let mut files = [StagedFile::write(target, content, body).map_err(failure)?];
    files[0].sync().map_err(failure)?;
    rename_into_place(&mut files).map_err(failure)?;
    sync_folder(parent_folder(path)).map_err(failure)
}
