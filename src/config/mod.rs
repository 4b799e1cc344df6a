//! The configuration: one annotated file that is defaults, reference and `init` template at once, below the user's
//! file, below the environment. What cannot be meant is refused with its place and the nearest name.
//!
//! - [`load`](mod@load): where the file is
//! - `layers`: default, file and environment together
//! - [`environment`]: what the process was given
//! - [`key`]: reading the API key
//! - [`problem`](mod@problem): refusals
//! - `document`: TOML with the place of each value
//! - `section`: one table of it, read key by key through the layers
//! - `values`: what a value may be
//! - `small_file`: reading a file that is small by its nature
//! - [`notify`]: who is told, and what is run for each transcript
//! - [`email`]: the same by e-mail
//! - [`secret`]: reading secrets other than the key
//! - `source`: one `[[source]]`
//! - [`folder`]: what a folder of recordings says of itself
//! - [`layout`]: where transcripts are put
//! - [`uncertain`]: what is done about a lost answer

mod document;
pub mod email;
pub mod environment;
pub mod folder;
pub mod key;
mod layers;
pub mod layout;
pub mod load;
pub mod notify;
pub mod problem;
pub mod secret;
mod section;
mod small_file;
mod source;
pub mod uncertain;
mod values;

pub use email::{Email, MailServer, Privacy};
pub use environment::Environment;
pub use key::{KeyError, read_key};
pub use layout::Layout;
pub use load::{ConfigError, load};
pub use notify::{Hook, Hooks, Notify, Program, Webhook};
pub use secret::{SecretError, read_secret};
pub use uncertain::Uncertain;

use crate::domain::{FileName, Flow, Format, Prices, Request};
use crate::policy::bounds::Bounds;
use crate::policy::budget::Cap;
use crate::policy::hours::Range;
use globset::GlobSet;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// The annotated configuration: every key with its default. `nightscribe init` writes it.
pub const TEMPLATE: &str = include_str!("../../config/nightscribe.toml");

/// Everything that can be set. Paths are absolute.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it was read from, if there was one.
    pub file: Option<PathBuf>,
    /// The service.
    pub api: Api,
    /// How much at once, and how fast.
    pub limits: Limits,
    /// When to ask for a transcription.
    pub polling: Polling,
    /// When to try again.
    pub retry: Retry,
    /// The queue.
    pub state: State,
    /// The transcripts.
    pub output: Output,
    /// The daemon's hours.
    pub schedule: Schedule,
    /// What may be submitted in a run, a day, a month.
    pub budget: Vec<Cap>,
    /// What the models cost, as far as it is written here.
    pub prices: Prices,
    /// Who is told what a run came to, and when it needs a person.
    pub notify: Notify,
    /// What is run for each transcript.
    pub hooks: Hooks,
    /// Folders of recordings, in the order of the file.
    pub sources: Vec<Source>,
}

impl Config {
    /// A source by name.
    #[must_use]
    pub fn source(&self, name: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.name == name)
    }
}

/// The service.
#[derive(Debug, Clone)]
pub struct Api {
    /// Everything before `/stt`.
    pub base_url: Url,
    /// Where the key is.
    pub key: KeySource,
    /// Which calls a submission uses.
    pub flow: Flow,
    /// How long the service keeps a transcription, from its creation.
    pub retention: Duration,
}

/// Where the API key is read from; the key itself is never in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// An environment variable.
    Env(String),
    /// A file.
    File(PathBuf),
}

/// How much at once, and how fast.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Submissions in any minute.
    pub submits_per_minute: NonZeroU32,
    /// Polls in any minute.
    pub polls_per_minute: NonZeroU32,
    /// Uploads at once.
    pub max_uploads: usize,
    /// Generations waiting at the service at once.
    pub max_pending: usize,
}

/// When to ask for a transcription.
#[derive(Debug, Clone)]
pub struct Polling {
    /// Between two polls of one generation, at first.
    pub interval: Duration,
    /// The same, at most.
    pub max_interval: Duration,
}

/// When to try again.
#[derive(Debug, Clone)]
pub struct Retry {
    /// Submissions of one recording, before it is failed.
    pub max_attempts: u32,
    /// Before the second attempt.
    pub backoff: Duration,
    /// Before a later one, at most.
    pub max_backoff: Duration,
    /// What is done about a submission whose answer stays lost.
    pub uncertain: Uncertain,
}

/// The queue.
#[derive(Debug, Clone)]
pub struct State {
    /// Folder of the database and the lock.
    pub dir: PathBuf,
}

/// The transcripts.
#[derive(Debug, Clone)]
pub struct Output {
    /// Their folder.
    pub dir: PathBuf,
    /// Where in it.
    pub layout: Layout,
    /// Their names, without extension.
    pub name: FileName,
    /// Their formats, each once.
    pub formats: Vec<Format>,
}

/// The daemon's hours.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Between two scans.
    pub scan_every: Duration,
    /// When recordings are submitted; without any, at every hour.
    pub active_hours: Vec<Range>,
}

/// A folder of recordings.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its name, which can be a folder's.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Model and options, checked.
    pub request: Request,
    /// Whether models are taken that this version does not know.
    pub any_model: bool,
    /// What to take, on the path in the source. `None`: every file that its name says is a recording.
    pub include: Option<GlobSet>,
    /// What to leave out, on the path in the source.
    pub exclude: GlobSet,
    /// A file must be unchanged for so long before it is taken.
    pub settle: Duration,
    /// What is left out by its length or size.
    pub bounds: Bounds,
}

#[cfg(test)]
mod tests;
