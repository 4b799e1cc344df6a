//! The queue of `transcribe`. It belongs to the user and is never that of a configuration.
//!
//! A source of this queue stands for one folder and one request, so that the same call finds its items again, and another
//! model gets items of its own.

use crate::app::error::AppError;
use crate::app::session::{KeptStore, Session};
use crate::config::{Config, Environment, Layout, NotifyConfig, OutputConfig, SourceConfig, load};
use crate::domain::{Format, JobId, JobState, Location, Request};
use crate::pipeline::stages::discover::base_names;
use crate::store::Store;
use crate::store::sqlite::items::{Item, ItemFilter};
use crate::store::sqlite::operator::RetryFilter;
use crate::store::sqlite::recordings::FoundRecording;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Returns the folder of the queue: `$XDG_STATE_HOME/nightscribe`, by default `~/.local/state/nightscribe`.
///
/// # Errors
/// If neither variable is an absolute path. Another folder would be another queue, and its transcripts paid for again.
pub fn state_folder(environment: &Environment) -> Result<PathBuf, AppError> {
    let Some(home) = environment.get("XDG_STATE_HOME").map(PathBuf::from) else {
        let folder = environment.resolve(Path::new(""), Path::new("~/.local/state/nightscribe"));
        return folder.map_err(|error| AppError::NoStateHome(error.to_string()));
    };
    match home.is_absolute() {
        true => Ok(home.join("nightscribe")),
        false => Err(AppError::NoStateHome(
            "the environment variable XDG_STATE_HOME is not an absolute path; correct it"
                .to_owned(),
        )),
    }
}

/// Returns the session of `transcribe`: the defaults and `NIGHTSCRIBE__…` variables, with its own queue in `state`. Files
/// are written to `dir`, in `formats`. It has no sources, so that no rules of folders apply to its transcripts.
///
/// # Errors
/// If a variable is invalid.
pub fn session(
    environment: Environment,
    state: PathBuf,
    dir: &Path,
    formats: Vec<Format>,
) -> Result<Session, AppError> {
    let mut config = load::from_text(None, "", &environment)?;
    config.state.dir = state;
    config.output = OutputConfig {
        // Without `.` components, which would be in the names of the files.
        dir: environment.working_dir.join(dir).components().collect(),
        layout: Layout::Flat,
        formats,
        ..config.output
    };
    config.notify = NotifyConfig::default();
    config.hooks.on_done = None;
    Ok(Session {
        config,
        environment,
        kept: KeptStore::default(),
    })
}

/// The recordings of one call, in the queue.
pub struct TranscribeQueue<'a> {
    session: &'a Session,
    store: Store,
    sources: Vec<(SourceConfig, Vec<FoundRecording>)>,
}

impl<'a> TranscribeQueue<'a> {
    /// Opens the queue, creating it if needed, for recordings by the folder that their paths are relative to.
    ///
    /// # Errors
    /// If the queue cannot be opened.
    pub async fn open(
        session: &'a Session,
        found: BTreeMap<Option<PathBuf>, Vec<FoundRecording>>,
        request: &Request,
    ) -> Result<Self, AppError> {
        let sources = found.into_iter();
        let sources = sources.map(|(folder, found)| (source_of(folder.as_deref(), request), found));
        Ok(Self {
            session,
            store: Store::open(&session.config.state.dir).await?,
            sources: sources.collect(),
        })
    }

    /// Returns the queue.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Records the recordings, and returns their items. Known recordings keep theirs. Failed and cancelled items are queued
    /// again. Submits nothing.
    ///
    /// A crash in between leaves queued items, which the same call finds again.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn record(&self) -> Result<Vec<Item>, AppError> {
        let now = self.session.now();
        for (source, found) in &self.sources {
            let (name, found) = (&source.name, found.clone());
            let recorded = self
                .store
                .record(name, &source.request, found, base_names, now);
            recorded.await?;
        }
        let items = self.items().await?;
        let given_up = items.iter().filter(|item| {
            let state = item.state;
            matches!(state, JobState::Failed | JobState::Cancelled)
        });
        let jobs: Vec<_> = given_up.map(|item| item.job.id).collect();
        if jobs.is_empty() {
            return Ok(items);
        }
        let which = RetryFilter {
            jobs,
            ..RetryFilter::default()
        };
        self.store.retry(which, now).await?;
        self.items().await
    }

    /// Cancels queued items that an interrupted call left, except `wanted`. Otherwise this call would submit them. An item
    /// that may be paid for is kept, and its submission is looked up.
    ///
    /// The caller holds the lock on the queue, so that no other call needs them now.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn cancel_others(&self, wanted: &[Item]) -> Result<(), AppError> {
        let wanted: HashSet<JobId> = wanted.iter().map(|item| item.job.id).collect();
        let mut others = Vec::new();
        for (source, _) in &self.sources {
            let queued = ItemFilter {
                states: vec![JobState::Queued],
                source: Some(source.name.clone()),
                ..ItemFilter::default()
            };
            let queued = self.store.list(&queued).await?.into_iter();
            others.extend(
                queued
                    .filter(|item| !wanted.contains(&item.job.id) && !item.obstacles.is_uncertain)
                    .map(|item| item.job.id),
            );
        }
        if !others.is_empty() {
            self.store.cancel(others, self.session.now()).await?;
        }
        Ok(())
    }

    /// Returns the newest item of each recording, in the order of the recordings.
    async fn items(&self) -> Result<Vec<Item>, AppError> {
        let mut items = Vec::new();
        for (source, found) in &self.sources {
            let of_source = ItemFilter {
                source: Some(source.name.clone()),
                ..ItemFilter::default()
            };
            let mut newest: HashMap<Location, Item> = HashMap::new();
            for item in self.store.list(&of_source).await? {
                newest.entry(item.location.clone()).or_insert(item);
            }
            let found = found.iter();
            items.extend(found.filter_map(|one| newest.remove(&one.location)));
        }
        Ok(items)
    }

    /// Returns the configuration of the run. It writes no files: what an interrupted call paid for would otherwise be
    /// written to the folder of this one.
    #[must_use]
    pub fn run_config(&self) -> Config {
        let mut config = self.session.config.clone();
        config.output = OutputConfig {
            dir: config.state.dir.join("transcripts"),
            layout: Layout::Mirror,
            formats: Vec::new(),
            ..config.output
        };
        let sources = self.sources.iter();
        config.sources = sources.map(|(source, _)| source.clone()).collect();
        config
    }

    /// Closes the queue.
    pub async fn close(self) {
        self.store.close().await;
    }
}

/// Returns the source for recordings in `folder`, or for URLs.
fn source_of(folder: Option<&Path>, request: &Request) -> SourceConfig {
    SourceConfig::new(
        source_name(folder, request),
        folder.unwrap_or(Path::new("/")).to_owned(),
        request.clone(),
    )
}

/// Returns a name that depends only on the folder, the model in any spelling, and the options.
fn source_name(folder: Option<&Path>, request: &Request) -> String {
    let folder = folder.map_or(&[][..], |folder| folder.as_os_str().as_encoded_bytes());
    let hash = Sha256::new()
        .chain_update(folder)
        .chain_update([0])
        .chain_update(request.model_key())
        .chain_update([0])
        .chain_update(request.options_json());
    format!("transcribe-{}", &hex::encode(hash.finalize())[..16])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment {
            variables: variables
                .iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            working_dir: "/work".into(),
        }
    }

    #[test]
    fn the_queue_is_in_the_state_folder_of_the_user() {
        let folder = |variables: &[(&str, &str)]| {
            state_folder(&environment(variables)).map_err(|error| error.to_string())
        };
        let home = ("HOME", "/home/me");
        let path = |text: &str| Ok(PathBuf::from(text));
        assert_eq!(folder(&[home]), path("/home/me/.local/state/nightscribe"));
        assert_eq!(
            folder(&[home, ("XDG_STATE_HOME", "/var/s")]),
            path("/var/s/nightscribe")
        );
        assert_eq!(folder(&[home, ("XDG_STATE_HOME", "")]), folder(&[home]));
        for (variables, part) in [
            (&[][..], "HOME, which is not set"),
            (&[("HOME", "me")], "HOME, which is not an absolute path"),
            (
                &[home, ("XDG_STATE_HOME", "s")],
                "XDG_STATE_HOME is not an absolute path",
            ),
        ] {
            let error = folder(variables).unwrap_err();
            assert!(error.contains(part), "{error}");
            assert!(
                error.starts_with("cannot locate the queue of `transcribe`: "),
                "{error}"
            );
        }
    }

    #[test]
    fn variables_of_a_configuration_change_neither_the_queue_nor_the_files() {
        let variables = [
            ("NIGHTSCRIBE__STATE__DIR", "/other"),
            ("NIGHTSCRIBE__OUTPUT__DIR", "/other"),
            ("NIGHTSCRIBE__HOOKS__ON_DONE", "['index', '{txt}']"),
            ("NIGHTSCRIBE__RETRY__MAX_ATTEMPTS", "2"),
        ];
        let formats = vec![Format::Srt];
        let session = session(
            environment(&variables),
            "/own".into(),
            Path::new("."),
            formats.clone(),
        )
        .unwrap();
        let config = session.config;
        assert_eq!(config.state.dir, Path::new("/own"));
        assert_eq!(config.output.dir, Path::new("/work"));
        assert_eq!(config.output.formats, formats);
        assert_eq!(config.hooks.on_done, None);
        assert_eq!(config.retry.max_attempts, 2);
        assert!(config.sources.is_empty());
    }

    #[test]
    fn a_source_stands_for_a_folder_and_a_request() {
        let request = |model: &str, diarize: bool| {
            Request::new(model, [("diarize".to_owned(), json!(diarize))])
        };
        let name = |folder: &str, request: &Request| source_name(Some(Path::new(folder)), request);
        let general = request("#g1_nova-2-general", true);
        assert_eq!(
            name("/a", &general),
            name("/a", &request("deepgram/nova-2-general", true))
        );
        let others = [
            name("/b", &general),
            source_name(None, &general),
            name("/a", &request("#g1_nova-2-general", false)),
            name("/a", &request("#g1_nova-2-meeting", true)),
        ];
        assert!(!others.contains(&name("/a", &general)), "{others:?}");
    }
}
