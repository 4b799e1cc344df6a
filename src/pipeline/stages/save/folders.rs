//! Folders for the transcripts of a recording.

use crate::config::{Layout, Names, OutputConfig};
use crate::domain::{Location, Recording};
use crate::output::error::WriteError;
use crate::output::naming;
use crate::output::portable_name::NameForm;
use crate::output::write::create_folder;
use std::iter;
use std::path::{Path, PathBuf};

/// Folders for the transcripts of a recording: the preferred one, and those for a file system that rejects its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputFolders {
    /// The preferred folder.
    pub preferred: PathBuf,
    /// The others, in order of preference. Empty if the name is portable.
    others: Vec<PathBuf>,
}

impl OutputFolders {
    /// Returns the folders for the transcripts of a recording.
    #[must_use]
    pub fn of(output: &OutputConfig, recording: &Recording) -> Self {
        let beside = match (output.layout, &recording.location) {
            (Layout::Beside, Location::File(path)) => path.parent().or(Some(Path::new("/"))),
            _ => None,
        };
        if let Some(preferred) = beside {
            return Self {
                preferred: preferred.to_owned(),
                others: Vec::new(),
            };
        }
        let source = match output.layout {
            Layout::Flat => "",
            Layout::Mirror | Layout::Beside => &*recording.source,
        };
        let folder =
            |form| naming::transcript_folder(&output.dir, source, &recording.relative, form);
        let first = form_of(output.names);
        let preferred = folder(first);
        let forms = NameForm::ALL.into_iter().filter(|form| *form > first);
        let mut others: Vec<_> = forms
            .map(folder)
            .filter(|other| *other != preferred)
            .collect();
        others.dedup();
        Self { preferred, others }
    }

    /// Returns all folders, the preferred one first.
    pub fn iter(&self) -> impl Iterator<Item = &Path> {
        iter::once(&self.preferred)
            .chain(&self.others)
            .map(PathBuf::as_path)
    }

    /// Returns all folders, the preferred one first.
    pub fn into_all(self) -> impl Iterator<Item = PathBuf> {
        iter::once(self.preferred).chain(self.others)
    }

    /// Creates the first folder that the file system accepts, and returns it. Blocks.
    pub(super) fn create(&self) -> Result<&Path, WriteError> {
        let mut created = create_folder(&self.preferred).map(|()| self.preferred.as_path());
        for other in &self.others {
            match created {
                Err(error) if error.is_rejected_name() => {
                    created = create_folder(other).map(|()| other.as_path());
                }
                _ => break,
            }
        }
        created
    }
}

/// Returns the form of names that is tried first.
pub(super) const fn form_of(names: Names) -> NameForm {
    match names {
        Names::Original => NameForm::Original,
        Names::Portable => NameForm::Portable,
    }
}
