//! State notifications to systemd: ready, alive, stopping. Does nothing if systemd did not start the process.

use crate::domain::JobState;
use crate::pipeline::event::{Event, Observer};
use sd_notify::NotifyState;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Reports the state of the run to systemd.
pub(in crate::cli) struct ServiceManager {
    /// Watchdog timeout, if systemd set one.
    watchdog: Option<Duration>,
    /// Time of the last watchdog notification.
    last_ping: Mutex<Option<Instant>>,
}

impl ServiceManager {
    pub(in crate::cli) fn of_process() -> Self {
        Self {
            watchdog: sd_notify::watchdog_enabled(),
            last_ping: Mutex::new(None),
        }
    }

    /// Notifies the watchdog, at most four times per timeout.
    ///
    /// Called on each tick. Ticks stop if the runner or its database hangs.
    fn alive(&self) {
        let Some(watchdog) = self.watchdog else {
            return;
        };
        let mut last_ping = self
            .last_ping
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if last_ping.is_none_or(|ping| ping.elapsed() >= watchdog / 4) {
            *last_ping = Some(Instant::now());
            send(&[NotifyState::Watchdog]);
        }
    }
}

impl Observer for ServiceManager {
    fn notice(&self, event: &Event) {
        match event {
            Event::Started { .. } => send(&[NotifyState::Ready]),
            Event::Stopping => send(&[NotifyState::Stopping]),
            Event::Held { hold } => send(&[NotifyState::Status(&format!("held: {}", hold.kind))]),
            Event::Released { .. } => send(&[NotifyState::Status("submissions resumed")]),
            Event::Hours { opening } => send(&[NotifyState::Status(&opening.to_string())]),
            Event::Scanned { source, .. } => {
                send(&[NotifyState::Status(&format!("scanned {source}"))])
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

fn send(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(error = %error, "cannot notify systemd");
    }
}
