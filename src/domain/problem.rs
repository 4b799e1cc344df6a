//! Problems of a run that need a person, and that neither a failed job nor a hold shows.

use super::one_line::one_line;
use super::readable_path::readable_path;
use std::path::PathBuf;

/// A problem at the end of a run. A run with problems has not done everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The folder of a source is missing or cannot be read.
    SourceMissing {
        /// Name of the source.
        source: String,
        /// Its folder.
        path: PathBuf,
        /// Error message of the system.
        reason: String,
    },
    /// Files or folders of a source cannot be read.
    Unreadable {
        /// Name of the source.
        source: String,
        /// Number of files and folders.
        count: u64,
    },
    /// The service could not be reached for too long.
    Unreachable {
        /// Message of the last failure. Empty if none is known.
        reason: String,
    },
    /// The service could not run a model for too long.
    ModelFailing {
        /// Canonical name of the model.
        model: String,
    },
    /// Files of stored results could not be written.
    Unwritten,
}

impl Problem {
    /// Returns the name used in JSON.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::SourceMissing { .. } => "source_missing",
            Self::Unreadable { .. } => "unreadable",
            Self::Unreachable { .. } => "unreachable",
            Self::ModelFailing { .. } => "model_failing",
            Self::Unwritten => "unwritten",
        }
    }

    /// Returns what is wrong, on one line.
    #[must_use]
    pub fn message(&self) -> String {
        let text = match self {
            Self::SourceMissing {
                source,
                path,
                reason,
            } => format!(
                "the folder of source `{source}` cannot be read: {}: {reason}",
                readable_path(path)
            ),
            Self::Unreadable { source, count: 1 } => {
                format!("1 file or folder of source `{source}` cannot be read")
            }
            Self::Unreadable { source, count } => {
                format!("{count} files or folders of source `{source}` cannot be read")
            }
            Self::Unreachable { reason } if reason.is_empty() => {
                "the service could not be reached".to_owned()
            }
            Self::Unreachable { reason } => format!("the service could not be reached: {reason}"),
            Self::ModelFailing { model } => format!("the service cannot run {model} at present"),
            Self::Unwritten => "some transcripts are not written yet".to_owned(),
        };
        one_line(&text)
    }

    /// Returns what happens next, and what a person can do.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::SourceMissing { .. } => {
                "Its items stay queued. Mount or restore the folder, or correct `path` of the source."
            }
            Self::Unreadable { .. } => {
                "They were left out. `nightscribe check` names them; grant read access."
            }
            Self::Unreachable { .. } => {
                "The remaining items stay queued. `nightscribe check` tests the connection."
            }
            Self::ModelFailing { .. } => "Its items stay queued for the next run.",
            Self::Unwritten => {
                "Their results are safe in the database. Check the space and the access rights of the output folder."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_fit_on_one_line() {
        let problem = Problem::SourceMissing {
            source: "a".to_owned(),
            path: "/a\nb".into(),
            reason: "No such file or directory".to_owned(),
        };
        assert!(!problem.message().contains('\n'));
        let reason = String::new();
        let message = Problem::Unreachable { reason }.message();
        assert_eq!(message, "the service could not be reached");
    }
}
