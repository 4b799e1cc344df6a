//! A run as the service manager sees it: ready, alive, stopping. Says nothing where there is no service manager.

use crate::domain::JobState;
use crate::pipeline::event::{Event, Observer};
use sd_notify::NotifyState;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Tells systemd, if it started this process.
pub(in crate::cli) struct ServiceManager {
    /// How often it wants to hear that the run is alive.
    watchdog: Option<Duration>,
    told: Mutex<Option<Instant>>,
}

impl ServiceManager {
    pub(in crate::cli) fn of_process() -> Self {
        Self {
            watchdog: sd_notify::watchdog_enabled(),
            told: Mutex::new(None),
        }
    }

    /// A tick comes only while the run and its database answer.
    fn alive(&self) {
        let Some(watchdog) = self.watchdog else {
            return;
        };
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|told| told.elapsed() >= watchdog / 4) {
            *told = Some(Instant::now());
            tell(&[NotifyState::Watchdog]);
        }
    }
}

impl Observer for ServiceManager {
    fn notice(&self, event: &Event) {
        match event {
            Event::Started { .. } => tell(&[NotifyState::Ready]),
            Event::Stopping => tell(&[NotifyState::Stopping]),
            Event::Held { hold } => tell(&[NotifyState::Status(&format!("held: {}", hold.kind))]),
            Event::Released { .. } => tell(&[NotifyState::Status("submissions go on")]),
            Event::Hours { opening } => tell(&[NotifyState::Status(&opening.to_string())]),
            Event::Scanned { source, .. } => {
                tell(&[NotifyState::Status(&format!("looked through {source}"))])
            }
            Event::Tick { counts, .. } => {
                tracing::trace!(
                    queued = counts[&JobState::Queued],
                    pending = counts[&JobState::Pending],
                    "alive"
                );
                self.alive();
            }
            _ => {}
        }
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(error = %error, "the service manager could not be told");
    }
}
