//! Options and items of a walk.

use crate::config::SourceConfig;
use crate::config::patterns::PathPatterns;
use crate::domain::{Revision, Timestamp};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Name of the marker file that excludes its folder and all subfolders from the walk.
pub const SKIP_MARKER: &str = ".nightscribe-skip";
/// Name of the file that sets the model and options for its folder and all subfolders.
pub const RULES_FILE: &str = ".nightscribe.toml";

/// Options of a walk.
#[derive(Debug, Clone, Copy)]
pub struct WalkOptions<'a> {
    /// Folder to walk. May itself be a symbolic link.
    pub root: &'a Path,
    /// Patterns of the files to include. `None` includes every file with the extension of a recording.
    pub include: Option<&'a PathPatterns>,
    /// Patterns of the files and folders to exclude.
    pub exclude: &'a PathPatterns,
    /// Whether unfinished files, trash and thumbnails are excluded.
    pub default_excludes: bool,
    /// Whether symbolic links below the root are followed.
    pub follow_links: bool,
    /// Time for which a file must be unchanged.
    pub settle: Duration,
    /// Folders that are not walked.
    pub skip: &'a [PathBuf],
    /// Maximum number of files whose metadata is looked up at the same time.
    pub max_lookups: usize,
    /// Current time.
    pub now: Timestamp,
}

impl<'a> WalkOptions<'a> {
    /// Returns the options for the folder of a source.
    #[must_use]
    pub fn of(
        source: &'a SourceConfig,
        skip: &'a [PathBuf],
        max_lookups: usize,
        now: Timestamp,
    ) -> Self {
        Self {
            root: &source.path,
            include: source.include.as_ref(),
            exclude: &source.exclude,
            default_excludes: source.default_excludes,
            follow_links: source.follow_links,
            settle: source.settle,
            skip,
            max_lookups,
            now,
        }
    }
}

/// One item of a walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WalkItem {
    /// A recording that has settled.
    Recording {
        /// Full path, including the root.
        path: PathBuf,
        /// Size and modification time.
        fingerprint: Revision,
    },
    /// A recording that was changed within the settle time, or is open for writing.
    Unsettled {
        /// Full path, including the root.
        path: PathBuf,
        /// Time at which it settles, unless it changes again.
        settles_at: Timestamp,
    },
    /// A folder with a rules file. Precedes all other items of the folder.
    Rules {
        /// Path of the folder relative to the root. Empty for the root itself.
        folder: PathBuf,
    },
    /// A file or folder that cannot be read.
    Unreadable {
        /// Full path of the file or folder.
        path: PathBuf,
        /// Error message of the operating system.
        message: String,
    },
}
