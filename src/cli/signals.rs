//! SIGTERM and SIGINT: the first stops a command gracefully, the second immediately.

use super::exit::CommandError;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Returns a token that the first signal cancels.
///
/// On the second signal, the process exits with the status of a process killed by that signal. This loses nothing,
/// since all state is on disk at any time.
///
/// # Errors
/// If the signal handlers cannot be installed.
pub(super) fn stop_on_signal() -> Result<CancellationToken, CommandError> {
    let failed = |error| CommandError::internal("cannot install signal handlers", &error);
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let stop = CancellationToken::new();
    let first = stop.clone();
    tokio::spawn(async move {
        loop {
            let code = tokio::select! {
                _ = terminate.recv() => 143,
                _ = interrupt.recv() => 130,
            };
            if first.is_cancelled() {
                std::process::exit(code);
            }
            first.cancel();
        }
    });
    Ok(stop)
}
