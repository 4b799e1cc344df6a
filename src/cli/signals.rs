//! SIGTERM and SIGINT: the first ends a command in good order, the second at once.

use super::exit::Report;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Cancels the token on the first signal; on the second the process exits as if the signal had killed it. Everything
/// that matters is on disk at any moment.
///
/// # Errors
/// If signals cannot be had.
pub(super) fn stop_on_signal() -> Result<CancellationToken, Report> {
    let failed = |error| Report::internal("signals cannot be received", &error);
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
