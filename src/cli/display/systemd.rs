//! State notifications to systemd: ready, alive, stopping. Does nothing if systemd did not start the process.

use crate::domain::JobState;
use crate::pipeline::event::{Observer, RunEvent};
use sd_notify::NotifyState;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Reports the state of the run to systemd.
pub(in crate::cli) struct SystemdNotifier {
    /// Watchdog timeout, if systemd set one.
    watchdog: Option<Duration>,
    /// Time of the last watchdog notification.
    last_ping: Mutex<Option<Instant>>,
}

impl SystemdNotifier {
    pub(in crate::cli) fn from_env() -> Self {
        Self {
            watchdog: sd_notify::watchdog_enabled(),
            last_ping: Mutex::new(None),
        }
    }

    /// Reports a reload that changed nothing.
    pub(in crate::cli) fn reload_failed(&self) {
        reloading();
        let status = "the new configuration cannot be used; the earlier one stays in force";
        send(&[NotifyState::Ready, NotifyState::Status(status)]);
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

impl Observer for SystemdNotifier {
    fn on_event(&self, event: &RunEvent) {
        match event {
            RunEvent::Started { .. } => send(&[NotifyState::Ready]),
            RunEvent::Stopping => send(&[NotifyState::Stopping]),
            RunEvent::Reloading => reloading(),
            RunEvent::Unreachable { .. } => {
                send(&[NotifyState::Status("the service cannot be reached")])
            }
            RunEvent::Held { hold } => {
                send(&[NotifyState::Status(&format!("held: {}", hold.kind))])
            }
            RunEvent::Released { .. } | RunEvent::SourceReleased { .. } => {
                send(&[NotifyState::Status("submissions resumed")])
            }
            RunEvent::WindowChanged { opening } => {
                send(&[NotifyState::Status(&opening.to_string())])
            }
            RunEvent::Scanned { source, .. } => {
                send(&[NotifyState::Status(&format!("scanned {source}"))])
            }
            RunEvent::Tick { counts, .. } => {
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

/// Reports the beginning of a reload. `Ready` ends it.
fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => send(&[NotifyState::Reloading, now]),
        Err(_) => send(&[NotifyState::Reloading]),
    }
}

fn send(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(error = %error, "cannot notify systemd");
    }
}
