//! A run that SIGHUP makes read its configuration again.

use super::display::RunDisplay;
use super::exit::{CommandError, Exit};
use super::logging::warn_without_sources;
use crate::app::session::{KeptStore, Session};
use crate::config::{Config, Environment};
use crate::domain::{JobId, Timestamp};
use crate::http::Server;
use crate::notify::Channels;
use crate::notify::channels::ChannelError;
use crate::pipeline::{self, Lock, Mode, Reload, RunError, Setup, Summary};
use crate::provider::options;
use crate::runtime::clock::SystemClock;
use secrecy::SecretString;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use tokio::signal::unix::Signal;
use tokio_util::sync::CancellationToken;

/// Settings that a reload replaces.
pub(super) struct RunSettings {
    config: Config,
    environment: Environment,
    key: SecretString,
    /// Names of the only sources to use. All if empty.
    sources: Vec<String>,
}

impl RunSettings {
    /// Reads the key, and checks that the notification channels can be set up. Uses only the sources of these names, if
    /// there are any.
    pub(super) fn new(mut session: Session, sources: &[String]) -> Result<Self, CommandError> {
        session.restrict_to_sources(sources)?;
        let settings = Self {
            key: session.key()?,
            config: session.config,
            environment: session.environment,
            sources: sources.to_vec(),
        };
        settings.channels()?;
        warn_without_sources(&settings.config);
        for source in &settings.config.sources {
            for warning in options::warnings(&source.request) {
                tracing::warn!(source = source.name, "{warning}");
            }
        }
        Ok(settings)
    }

    pub(super) fn state_dir(&self) -> &Path {
        &self.config.state.dir
    }

    fn channels(&self) -> Result<Channels, ChannelError> {
        Channels::new(&self.config, &self.environment)
    }

    /// Starts the page, if an address is set. A failure is logged: it must not end the run.
    async fn serve(&self) -> Option<Server> {
        let listen = self.config.http.listen?;
        let session = Session {
            config: self.config.clone(),
            environment: self.environment.clone(),
            kept: KeptStore::default(),
        };
        match Server::start(session, listen).await {
            Ok(server) => {
                tracing::info!(url = server.url(), "the page is at this address");
                Some(server)
            }
            Err(error) => {
                let error = CommandError::from(error).one_line();
                tracing::warn!("the page is not available: {error}");
                None
            }
        }
    }

    /// Reads the configuration file, the key and the other secrets again.
    fn reloaded(&self) -> Result<Self, CommandError> {
        let new = Self::new(Session::load(self.config.file.as_deref())?, &self.sources)?;
        if new.state_dir() != self.state_dir() {
            return Err(CommandError::new(
                Exit::Usage,
                "`state.dir` cannot change while nightscribe runs; restart it to use another queue",
            ));
        }
        Ok(new)
    }
}

/// A run, and how it is stopped or reloaded.
pub(super) struct ReloadableRun {
    pub(super) mode: Mode,
    pub(super) until: Option<Timestamp>,
    pub(super) limit: Option<u64>,
    /// The only items to submit. `None` allows all.
    pub(super) only: Option<Vec<JobId>>,
    /// Lock on the state folder. It is kept during reloads, so that no other run takes over.
    pub(super) lock: Lock,
    pub(super) display: Arc<RunDisplay>,
    pub(super) stop: CancellationToken,
    pub(super) hangups: Signal,
    /// Whether standard error was a terminal at the start.
    pub(super) had_terminal: bool,
}

/// How a part of the run ended, and the settings of the next part after a reload.
type EndedPart = (Result<Summary, RunError>, Option<RunSettings>);

impl ReloadableRun {
    /// Runs to the end, and returns the summary of all parts between reloads.
    pub(super) async fn run(mut self, mut settings: RunSettings) -> Result<Summary, CommandError> {
        let mut total = Summary::default();
        let mut previous = None;
        loop {
            let server = self.serve(&settings).await;
            let following = self.display.follow(&settings.config, &settings.environment);
            let part = self.run_part(&settings, &total).await;
            drop(following);
            if let Some(server) = server {
                server.stop().await;
            }
            match part? {
                (Ok(part), next) => {
                    total = part.with_earlier(&total);
                    match next {
                        Some(next) if !self.stop.is_cancelled() => {
                            self.display.reloaded(next.config.file.as_deref());
                            previous = Some(std::mem::replace(&mut settings, next));
                        }
                        _ => return Ok(total),
                    }
                }
                (Err(error), _) => match previous.take() {
                    Some(earlier) if error.is_of_configuration() => {
                        self.display.reload_failed(&error.into());
                        settings = earlier;
                    }
                    _ => return Err(error.into()),
                },
            }
        }
    }

    /// Starts the page of a daemon. Other runs end by themselves, and have none.
    async fn serve(&self, settings: &RunSettings) -> Option<Server> {
        match self.mode {
            Mode::Daemon => settings.serve().await,
            Mode::Once | Mode::Queued => None,
        }
    }

    /// Runs until the run ends or a reload succeeds.
    async fn run_part(
        &mut self,
        settings: &RunSettings,
        earlier: &Summary,
    ) -> Result<EndedPart, CommandError> {
        let stop = self.stop.child_token();
        let reload = Reload {
            requested: CancellationToken::new(),
            spent: earlier.spent,
        };
        let setup = self.setup(settings, stop.clone(), reload.clone())?;
        let part = pipeline::run_locked(setup, &self.lock);
        tokio::pin!(part);
        let mut next = None;
        loop {
            tokio::select! {
                ended = &mut part => return Ok((ended, next)),
                _ = self.hangups.recv(), if next.is_none() => {
                    next = self.settings_after_hangup(settings);
                }
            }
            if next.is_some() {
                reload.requested.cancel();
                stop.cancel();
            }
        }
    }

    /// Handles SIGHUP. Returns the new settings if the run is to be reloaded.
    fn settings_after_hangup(&self, settings: &RunSettings) -> Option<RunSettings> {
        if self.had_terminal && !std::io::stderr().is_terminal() {
            self.stop.cancel();
            return None;
        }
        if self.mode == Mode::Once {
            tracing::info!(
                "SIGHUP ignored: `run --once` reads its configuration only at the start"
            );
            return None;
        }
        match settings.reloaded() {
            Ok(new) => Some(new),
            Err(error) => {
                self.display.reload_failed(&error);
                None
            }
        }
    }

    fn setup(
        &self,
        settings: &RunSettings,
        stop: CancellationToken,
        reload: Reload,
    ) -> Result<Setup, CommandError> {
        Ok(Setup {
            config: settings.config.clone(),
            key: settings.key.clone(),
            mode: self.mode,
            until: self.until,
            limit: self.limit,
            only: self.only.clone(),
            clock: Arc::new(SystemClock),
            observer: self.display.clone(),
            channels: settings.channels()?,
            stop,
            reload,
        })
    }
}
