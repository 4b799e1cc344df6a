//! Errors of the use cases.

use crate::config::{ConfigError, KeyError};
use crate::domain::readable_path::readable_path;
use crate::domain::search::parse::QueryError;
use crate::domain::{Format, JobId};
use crate::notify::channels::ChannelError;
use crate::provider::ClientError;
use crate::provider::models::UnknownModel;
use crate::runtime::subprocess::ProgramError;
use crate::store::StoreError;
use std::error::Error;
use std::io;
use std::path::PathBuf;

/// Error of a use case.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The configuration cannot be read or is invalid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The API key is missing or cannot be read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The client of the service cannot be set up.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The queue failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file or folder cannot be accessed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The working folder no longer exists.
    #[error("cannot determine the working folder: {0}")]
    WorkingFolder(io::Error),
    /// No configuration file was found.
    #[error(
        "no configuration file: looked for {}; `nightscribe init` writes one, `--config` selects one",
        one_of(looked_for)
    )]
    NoConfigFile {
        /// The files that do not exist.
        looked_for: Vec<PathBuf>,
    },
    /// The folder of the queue of `transcribe` is not known.
    #[error("cannot locate the queue of `transcribe`: {0}")]
    NoStateHome(String),
    /// No notification channel is configured.
    #[error(
        "no notification channel is configured; set `command`, `webhook` or `email` under [notify]"
    )]
    NoChannel,
    /// A notification channel cannot be set up.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// A folder that was named does not exist.
    #[error("`{}` does not exist; name the folder of the transcripts", readable_path(.0))]
    NoFolder(PathBuf),
    /// No item matches a word of the command line.
    #[error("there is no item `{0}`; `nightscribe list` shows all items")]
    NoItem(String),
    /// A word that must select one item selects several.
    #[error("`{name}` selects {count} items; name one of them, `nightscribe show` lists them")]
    SeveralItems {
        /// Word of the command line.
        name: String,
        /// Number of items.
        count: usize,
    },
    /// No source has this name.
    #[error("there is no source `{name}`{suggestion}")]
    UnknownSource {
        /// Requested name.
        name: String,
        /// `; did you mean …?`, `; there is …`, or nothing.
        suggestion: String,
    },
    /// No source is configured.
    #[error("no [[source]] is configured; `add` takes the model and options from one")]
    NoSource,
    /// There is no queue, and therefore no result to export.
    #[error("there are no results yet; `nightscribe run` produces them")]
    NoResults,
    /// A search has no meaning.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The player of `search --open` failed.
    #[error("cannot play the recording with `{}` ([search] player): {error}", player.display())]
    Player {
        /// The player.
        player: PathBuf,
        /// Why it failed.
        error: ProgramError,
    },
    /// The item has no result.
    #[error("item {item} has no transcript; `nightscribe show {item}` says why")]
    NoTranscript {
        /// ID of the job.
        item: JobId,
    },
    /// The format shows times, and the transcript has none.
    #[error("the transcript of item {item} has no times, which the format {format} needs")]
    NoTimes {
        /// ID of the job.
        item: JobId,
        /// Requested format.
        format: Format,
    },
    /// No file of a transcript exists any more.
    #[error(
        "item {item}: the transcript `{}` is gone; `nightscribe export {item} --format {format}` writes it again",
        readable_path(file)
    )]
    MissingFile {
        /// ID of the job.
        item: JobId,
        /// Format of the file.
        format: Format,
        /// The file.
        file: PathBuf,
    },
    /// The program that shows a transcript failed.
    #[error(
        "cannot show `{}` with `{}`: {error}",
        readable_path(file),
        readable_path(viewer)
    )]
    Viewer {
        /// The file.
        file: PathBuf,
        /// The program.
        viewer: PathBuf,
        /// Why it failed.
        error: ProgramError,
    },
    /// No transcript has a confidence.
    #[error(
        "no transcript has a confidence: the models give none, or an earlier version stored the results"
    )]
    NoConfidence,
    /// The model does not exist.
    #[error(transparent)]
    UnknownModel(#[from] UnknownModel),
    /// The cost is limited, and the price of the model is unknown.
    #[error(
        "[budget] limits the cost, but the price of `{0}` is unknown; run `nightscribe prices --refresh`, or set it under [prices]"
    )]
    Unpriced(String),
    /// A speaker cannot be named.
    #[error("speaker `{speaker}`: {reason}")]
    SpeakerName {
        /// Requested speaker.
        speaker: String,
        /// Reason, as a lowercase fragment.
        reason: String,
    },
    /// The service's list of requests cannot be read.
    #[error("cannot read the service's list of requests: {0}")]
    RequestList(String),
    /// The service offers no list of requests.
    #[error(
        "the service offers no list of charges (`/v2/billing/transactions`, `/v2/logs`) for this account"
    )]
    NoRequestList,
    /// The service's prices cannot be fetched.
    #[error("cannot fetch prices from the service: {0}; set them under [prices]")]
    PriceList(String),
}

/// Returns the messages of an error and of its causes.
#[must_use]
pub fn message_of(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message.push_str(&format!(": {error}"));
        cause = error.source();
    }
    message
}

/// Lists the files.
fn one_of(files: &[PathBuf]) -> String {
    let names: Vec<_> = files.iter().map(|file| readable_path(file)).collect();
    match names.as_slice() {
        [] => String::new(),
        [name] => name.clone(),
        [names @ .., last] => format!("{} and {last}", names.join(", ")),
    }
}
