//! Queues individual files and URLs.

use crate::app::error::AppError;
use crate::app::session::Session;
use crate::config::SourceConfig;
use crate::domain::Location;
use crate::domain::{JobId, Timestamp};
use crate::output::naming::url_file_name;
use crate::pipeline::stages::discover::base_names;
use crate::source::folder::fingerprint;
use crate::store::Store;
use crate::store::sqlite::recordings::{FoundRecording, RecordOutcome};
use serde::Serialize;
use std::path::{Path, PathBuf};
use url::Url;

/// Outcome of adding a file or URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AddOutcome {
    /// A new recording was queued.
    Queued {
        /// Its item.
        item: Option<JobId>,
    },
    /// The recording changed and was queued again.
    QueuedAgain {
        /// Its new item.
        item: Option<JobId>,
    },
    /// The recording was already recorded, and has not changed.
    AlreadyRecorded {
        /// Its latest item.
        item: Option<JobId>,
    },
    /// The file or URL cannot be added.
    Refused {
        /// Reason, as a lowercase fragment.
        reason: String,
    },
}

/// JSON form of the result. Fields may be added, but never removed or renamed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AddResult {
    /// The path or URL, as given.
    pub name: String,
    /// Outcome.
    #[serde(flatten)]
    pub outcome: AddOutcome,
}

impl From<RecordOutcome> for AddOutcome {
    fn from(outcome: RecordOutcome) -> Self {
        let item = outcome.last_job;
        match (outcome.new, outcome.changed) {
            (0, 0) => Self::AlreadyRecorded { item },
            (0, _) => Self::QueuedAgain { item },
            _ => Self::Queued { item },
        }
    }
}

/// Queue to which files and URLs are added, with the source that supplies model and options.
pub struct Adder<'a> {
    session: &'a Session,
    source: &'a SourceConfig,
    store: Store,
}

impl<'a> Adder<'a> {
    /// Opens the queue, creating it if needed. Without a name, the first source supplies model and options.
    ///
    /// # Errors
    /// If there is no configuration file or no such source, or the queue cannot be opened.
    pub async fn open(session: &'a Session, source: Option<&str>) -> Result<Self, AppError> {
        session.require_config_file()?;
        let source = match source {
            Some(name) => session.source(name)?,
            None => session.config.sources.first().ok_or(AppError::NoSource)?,
        };
        let store = session.store().await?;
        Ok(Self {
            session,
            source,
            store,
        })
    }

    /// Queues a file or an http(s) URL. A relative path starts at the working folder.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn add(&self, name: &Path) -> Result<AddOutcome, AppError> {
        let found = match found(self.session, self.source, name) {
            Ok(found) => found,
            Err(reason) => return Ok(AddOutcome::Refused { reason }),
        };
        let (source, now) = (self.source, self.session.now());
        let recording =
            self.store
                .record(&source.name, &source.request, vec![found], base_names, now);
        Ok(recording.await?.into())
    }

    /// Closes the queue.
    pub async fn close(self) {
        self.store.close().await;
    }
}

fn found(session: &Session, source: &SourceConfig, name: &Path) -> Result<FoundRecording, String> {
    match name.to_str().filter(|text| text.contains("://")) {
        Some(url) => found_url(url),
        None => found_file(source, &session.environment.working_dir.join(name)),
    }
}

/// Describes an http(s) URL, which the service downloads itself.
///
/// # Errors
/// Why it cannot be added, as a lowercase fragment.
pub(in crate::app) fn found_url(text: &str) -> Result<FoundRecording, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err("the service downloads only http:// and https:// URLs".to_owned());
    }
    Ok(FoundRecording {
        relative: PathBuf::from(url_file_name(&url)),
        location: Location::Url(url.into()),
        size_bytes: 0,
        modified: Timestamp::from_millis(0),
    })
}

/// Describes a file as a scan would.
///
/// The relative path of a file inside the source is the one that a scan records. For other files it is the file name.
fn found_file(source: &SourceConfig, path: &Path) -> Result<FoundRecording, String> {
    let path = std::path::absolute(path).map_err(|error| error.to_string())?;
    let found = fingerprint::of(&path).map_err(|error| error.to_string())?;
    let inside = path.strip_prefix(&source.path).map(Path::to_owned);
    let relative = inside.or_else(|_| {
        path.file_name()
            .map(PathBuf::from)
            .ok_or("the path has no file name".to_owned())
    })?;
    Ok(FoundRecording {
        location: Location::File(path),
        relative,
        size_bytes: found.size_bytes,
        modified: found.modified,
    })
}
