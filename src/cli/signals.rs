//! SIGTERM and SIGINT: the first stops a command gracefully, the second immediately.

use super::exit::CommandError;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Returns a token that the first signal cancels.
///
/// On the second signal, calls `last_words`, and the process exits with the status of a process killed by that signal.
/// This loses nothing, since all state is on disk at any time.
///
/// # Errors
/// If the signal handlers cannot be installed.
pub(super) fn stop_on_signal(
    last_words: impl Fn() + Send + 'static,
) -> Result<CancellationToken, CommandError> {
    let mut terminate = receive(SignalKind::terminate())?;
    let mut interrupt = receive(SignalKind::interrupt())?;
    let stop = CancellationToken::new();
    let first = stop.clone();
    tokio::spawn(async move {
        loop {
            let code = tokio::select! {
                _ = terminate.recv() => 143,
                _ = interrupt.recv() => 130,
            };
            if first.is_cancelled() {
                last_words();
                std::process::exit(code);
            }
            first.cancel();
        }
    });
    Ok(stop)
}

/// Returns the received SIGHUP signals. They no longer end the process.
///
/// # Errors
/// If the signal handler cannot be installed.
pub(super) fn hangups() -> Result<Signal, CommandError> {
    receive(SignalKind::hangup())
}

fn receive(kind: SignalKind) -> Result<Signal, CommandError> {
    signal(kind).map_err(|error| CommandError::internal("cannot install signal handlers", &error))
}
