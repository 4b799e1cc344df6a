//! Writes the stored answer of an item that could not be used, byte for byte.

use crate::config::OutputConfig;
use crate::domain::readable_path::readable_path;
use crate::domain::{ErrorClass, Failure};
use crate::output::error::WriteError;
use crate::output::naming;
use crate::output::portable_name::NameForm;
use crate::output::target::{Content, Target, TargetState};
use crate::output::write::{
    StagedFile, create_folder, parent_folder, rename_into_place, sync_folder,
};
use crate::pipeline::stages::save::names::write_failure;
use crate::store::sqlite::items::Item;
use std::path::{Path, PathBuf};

/// Returns the paths for the answer, in order of preference: the name of the recording with the extension `answer`, in its
/// output folder. Each is in another form, for file systems that reject the one before.
pub(super) fn answer_paths(output: &OutputConfig, item: &Item) -> Vec<PathBuf> {
    let path = |form: NameForm| {
        let folder = naming::transcript_folder(&output.dir, &item.source, &item.relative, form);
        let name = item.relative.file_name().unwrap_or_default();
        folder.join(naming::answer_name(name, form))
    };
    NameForm::ALL.map(path).into()
}

/// Writes the answer to the first path that the file system accepts, unless another file is there. Returns the path.
/// Blocks. A crash leaves the whole file or none.
pub(super) fn write_answer(paths: &[PathBuf], body: &[u8]) -> Result<PathBuf, Failure> {
    let mut rejected = None;
    for path in paths {
        match write_to(path, body) {
            Err(NotWritten::Error(error)) if error.is_rejected_name() => rejected = Some(error),
            Err(NotWritten::Error(error)) => return Err(write_failure(&error)),
            Err(NotWritten::Taken) => return Err(taken(path)),
            Ok(()) => return Ok(path.clone()),
        }
    }
    Err(rejected.map_or_else(|| taken(Path::new("")), |error| write_failure(&error)))
}

/// Reason that an answer is not written.
enum NotWritten {
    /// Another file is there.
    Taken,
    Error(WriteError),
}

impl From<WriteError> for NotWritten {
    fn from(error: WriteError) -> Self {
        match error.is_taken() {
            true => Self::Taken,
            false => Self::Error(error),
        }
    }
}

fn write_to(path: &Path, body: &[u8]) -> Result<(), NotWritten> {
    create_folder(parent_folder(path))?;
    let content = Content::of(body);
    let target = Target::inspect(path.to_owned(), &content, None)?;
    if !matches!(target.state, TargetState::Missing | TargetState::Identical) {
        return Err(NotWritten::Taken);
    }
    let mut files = [StagedFile::write(target, content, &body.into())?];
    files[0].sync()?;
    rename_into_place(&mut files)?;
    Ok(sync_folder(parent_folder(path))?)
}

fn taken(path: &Path) -> Failure {
    let message = format!(
        "`{}` already exists with other content",
        readable_path(path)
    );
    Failure::new(ErrorClass::Output, message)
}
