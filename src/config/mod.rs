//! Configuration, merged from three layers: environment over the user's file over the defaults. The defaults are in an
//! annotated file, which is also the reference and the template of `nightscribe init`. An invalid value is rejected
//! with its location, and an unknown name with the nearest valid one.
//!
//! - [`load`](mod@load): locating and reading the file
//! - `merge`: merging defaults, file and environment
//! - [`environment`]: variables and working folder of the process
//! - [`key`]: reading the API key
//! - [`diagnostics`]: messages about invalid settings, with their location
//! - `document`: TOML with the location of each value
//! - `section`: one table, read key by key from the merged layers
//! - `values`: parsers of single values
//! - [`template`]: the annotated file with a source filled in
//! - `small_file`: reading text files with a size limit
//! - [`notify`]: notification channels and hooks
//! - [`media`]: programs that read recordings; [`search`]: the player of found passages
//! - [`http`]: page and interface for programs; [`token`]: their token
//! - [`email`]: notification by e-mail; [`webhook`]: notification by HTTP
//! - [`secret`]: reading secrets other than the API key
//! - `secret_source`: location of a secret
//! - [`source`]: one `[[source]]`
//! - [`system`]: the configuration of the whole machine
//! - [`folder_rules`]: rules file of a folder of recordings
//! - [`layout`]: location of transcripts; `names`: form of their names; `rendering`: settings of the formats
//! - `render_rules`: names and replacements of a source or folder

mod document;
pub mod email;
pub mod environment;
pub mod http;
pub mod key;
pub mod layout;
pub mod load;
pub mod media;
pub mod names;
pub mod notify;
pub mod patterns;
mod render_rules;
mod rendering;
pub mod search;
pub mod secret;
mod secret_source;
mod section;
mod small_file;
pub mod source;
pub mod system;
pub mod template;
pub mod token;
mod values;
mod vocabulary;
pub mod webhook;

pub use crate::domain::on_uncertain::OnUncertain;
pub use email::{EmailConfig, MailServer, TlsMode};
pub use environment::Environment;
pub use http::HttpConfig;
pub use key::{KeyError, key_reader, read_key};
pub use layout::Layout;
pub use load::{ConfigError, load};
pub use media::{MediaConfig, OptionalProgram};
pub use names::Names;
pub use notify::{HookConfig, HooksConfig, NotifyConfig, Program};
pub use search::{Player, SearchConfig};
pub use secret::{SecretError, read_secret};
pub use source::{AllowUnknown, ExtractAudio, SourceConfig};
pub use webhook::{WebhookConfig, WebhookFormat};

use crate::domain::rendering::RenderOptions;
use crate::domain::{ApiMode, FileNameTemplate, Format, PriceTable};
use crate::policy::budget::Cap;
use crate::policy::hours::HoursRange;
use crate::provider::ClientSettings;
use secrecy::SecretString;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// The annotated configuration file: every key with its default. `nightscribe init` writes it.
pub const TEMPLATE: &str = include_str!("../../config/nightscribe.toml");

/// The complete configuration. Paths are absolute.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it was read from, if any.
    pub file: Option<PathBuf>,
    /// Access to the service.
    pub api: ApiConfig,
    /// Concurrency and rate limits.
    pub limits: LimitsConfig,
    /// Poll intervals.
    pub polling: PollingConfig,
    /// Retry policy.
    pub retry: RetryConfig,
    /// Storage of the queue.
    pub state: StateConfig,
    /// Location, names and formats of transcripts.
    pub output: OutputConfig,
    /// Scan interval and active hours.
    pub schedule: ScheduleConfig,
    /// Caps on submissions per run, day and month.
    pub budget: Vec<Cap>,
    /// Configured prices of the models.
    pub prices: PriceTable,
    /// Programs that read recordings.
    pub media: MediaConfig,
    /// Search in transcripts.
    pub search: SearchConfig,
    /// Notification channels.
    pub notify: NotifyConfig,
    /// Programs to run for each transcript.
    pub hooks: HooksConfig,
    /// The page in the browser and the interface for programs.
    pub http: HttpConfig,
    /// Folders of recordings, in file order.
    pub sources: Vec<SourceConfig>,
}

impl Config {
    /// Returns the source of this name.
    #[must_use]
    pub fn source(&self, name: &str) -> Option<&SourceConfig> {
        self.sources.iter().find(|source| source.name == name)
    }
}

/// Access to the service.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// Base URL, without `/stt`.
    pub base_url: Url,
    /// Location of the API key.
    pub key: KeySource,
    /// API calls used for a submission.
    pub flow: ApiMode,
    /// How long the service keeps a transcription after creating it.
    pub retention: Duration,
}

impl ApiConfig {
    /// Returns the settings of a client that sends `key`.
    #[must_use]
    pub fn client_settings(&self, key: SecretString) -> ClientSettings {
        ClientSettings {
            base_url: self.base_url.clone(),
            key,
            flow: self.flow,
        }
    }
}

/// Location of the API key or another secret. The configuration never holds the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// The environment variable of this name.
    Env(String),
    /// The file at this path.
    File(PathBuf),
}

/// Upper limit of `max_lookups`. More concurrent calls only burden a file server.
pub const MAX_LOOKUPS: usize = 64;

/// Concurrency and rate limits.
#[derive(Debug, Clone)]
pub struct LimitsConfig {
    /// Maximum submissions in any minute.
    pub submits_per_minute: NonZeroU32,
    /// Maximum polls in any minute.
    pub polls_per_minute: NonZeroU32,
    /// Maximum concurrent uploads.
    pub max_uploads: usize,
    /// Maximum generations in flight at the service.
    pub max_pending: usize,
    /// Maximum files whose metadata is looked up at the same time by a scan.
    pub max_lookups: usize,
}

/// Poll intervals.
#[derive(Debug, Clone)]
pub struct PollingConfig {
    /// Initial time between two polls of one generation.
    pub interval: Duration,
    /// Maximum time between two polls of one generation.
    pub max_interval: Duration,
}

/// Retry policy.
#[derive(Debug, Clone)]
pub struct RetryConfig {
    /// Submissions of one recording before its job fails.
    pub max_attempts: u32,
    /// Delay before the second attempt.
    pub backoff: Duration,
    /// Maximum delay before a later attempt.
    pub max_backoff: Duration,
    /// Handling of a submission whose answer was lost and cannot be recovered.
    pub on_uncertain: OnUncertain,
}

/// Storage of the queue.
#[derive(Debug, Clone)]
pub struct StateConfig {
    /// Folder of the database and the lock file.
    pub dir: PathBuf,
}

/// Location, names and formats of transcripts.
#[derive(Debug, Clone)]
pub struct OutputConfig {
    /// Root folder of the transcripts.
    pub dir: PathBuf,
    /// Placement of a transcript.
    pub layout: Layout,
    /// Template of the file names, without extension.
    pub name: FileNameTemplate,
    /// Form of file and folder names.
    pub names: Names,
    /// Formats to write, without duplicates.
    pub formats: Vec<Format>,
    /// Settings of the formats.
    pub rendering: RenderOptions,
}

/// Scan interval and active hours.
#[derive(Debug, Clone)]
pub struct ScheduleConfig {
    /// Time between two scans.
    pub scan_every: Duration,
    /// Hours in which recordings are submitted. Empty means any hour.
    pub active_hours: Vec<HoursRange>,
}

pub mod diagnostics;
pub mod folder_rules;
pub(crate) mod merge;
#[cfg(test)]
mod tests;
