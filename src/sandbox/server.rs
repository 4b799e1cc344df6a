//! Connections: accepted here rather than by axum, so that a fault can cut one.

use super::desk::Desk;
use super::fault::Faults;
use super::ledger::Ledger;
use super::routes::{Connection, router};
use super::settings::{Account, Settings};
use axum::{Extension, Router};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// After a failure to accept (out of file descriptors, say).
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// A running server. Dropped, it stops.
pub struct Sandbox {
    desk: Arc<Desk>,
    address: SocketAddr,
    stop: CancellationToken,
    _stop_on_drop: DropGuard,
    tasks: TaskTracker,
}

impl Sandbox {
    /// Listens, and serves until it is stopped.
    ///
    /// # Errors
    /// If the address cannot be had.
    pub async fn start(settings: Settings) -> io::Result<Self> {
        let listener = TcpListener::bind(settings.listen).await?;
        let address = listener.local_addr()?;
        let desk = Arc::new(Desk::new(settings));
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(accept(
            listener,
            router(desk.clone()),
            stop.clone(),
            tasks.clone(),
        ));
        Ok(Self {
            desk,
            address,
            _stop_on_drop: stop.clone().drop_guard(),
            stop,
            tasks,
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a client's `api.base_url` is.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// What was asked so far.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.desk.ledger()
    }

    /// From now on these faults happen.
    pub fn set_faults(&self, faults: Faults) {
        self.desk.set_faults(faults);
    }

    /// From now on the account is like this.
    pub fn set_account(&self, account: Account) {
        self.desk.set_account(account);
    }

    /// Cuts every connection and waits until nothing of it runs.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

async fn accept(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let cut = stop.child_token();
                tasks.spawn(serve(stream, router.clone(), cut));
            }
            Err(error) => {
                tracing::debug!(error = %error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, router: Router, cut: CancellationToken) {
    // A small answer must not wait for more to fill a packet.
    let _best_effort = stream.set_nodelay(true);
    let service = TowerToHyperService::new(router.layer(Extension(Connection(cut.clone()))));
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        () = cut.cancelled() => {}
        served = connection => {
            if let Err(error) = served {
                tracing::trace!(error = %error, "a connection ended early");
            }
        }
    }
}
