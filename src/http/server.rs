//! Listening, connections and the stop.

use super::guard::access::Access;
use super::guard::hosts::AllowedHosts;
use super::guard::token::AccessToken;
use super::router::router;
use super::site::{Peer, Site};
use super::watch::watch;
use crate::app::session::{KeptStore, Session};
use crate::config::http::TOKEN_REQUIRED;
use crate::config::token::TokenError;
use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Address on which `serve` listens by default.
pub const DEFAULT_LISTEN: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 7878));
/// Number of connections at the same time. Others wait.
const MAX_CONNECTIONS: usize = 256;
/// Time for the head of a request, including the wait for it on an open connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// Maximum size of the head of a request in bytes.
const MAX_HEAD: usize = 32 * 1024;
/// How long requests may continue after a stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause after a connection could not be accepted, for example because the process has too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Error of starting the server.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Other machines reach the address, and there is no token.
    #[error("cannot listen on {0}: {TOKEN_REQUIRED}")]
    NoToken(SocketAddr),
    /// The token cannot be used.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The address cannot be listened on.
    #[error(
        "cannot listen on {address}; another program may use the port: choose one with `http.listen` or `serve --listen`"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

/// A running server. Dropping it stops it at once.
pub struct Server {
    address: SocketAddr,
    base_path: String,
    site: Arc<Site>,
    tasks: [JoinHandle<()>; 2],
}

impl Server {
    /// Listens on `listen`, and serves the queue of `session` from then on.
    ///
    /// # Errors
    /// If the token is missing or cannot be used, or the address cannot be listened on.
    pub async fn start(mut session: Session, listen: SocketAddr) -> Result<Self, ServeError> {
        let token = AccessToken::read(&session.config.http, &session.environment)?;
        if token.is_none() && !listen.ip().is_loopback() {
            return Err(ServeError::NoToken(listen));
        }
        let failed = |source| ServeError::Listen {
            address: listen,
            source,
        };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let access = Access {
            hosts: AllowedHosts::new(listen, &session.config.http.hosts),
            token,
            wrong: Default::default(),
        };
        session.kept = KeptStore::kept();
        let base_path = session.config.http.base_path.clone();
        let stop = CancellationToken::new();
        let site = Arc::new(Site::new(session, access, stop.clone()));
        tidy(&site);
        let serving = tokio::spawn(accept(listener, router(site.clone()), stop));
        let watching = tokio::spawn(watch(site.clone()));
        Ok(Self {
            address,
            base_path,
            site,
            tasks: [serving, watching],
        })
    }

    /// Returns the address of the first page.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}{}/", self.address, self.base_path)
    }

    /// Stops listening, and waits a few seconds for requests that are being answered.
    pub async fn stop(mut self) {
        self.site.stop.cancel();
        for task in &mut self.tasks {
            if let Err(error) = task.await {
                tracing::error!(error = %error, "the server of the page ended early");
            }
        }
        self.site.session.kept.close().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.site.stop.cancel();
    }
}

/// Tidies the folder of what was made for players, in the background.
fn tidy(site: &Site) {
    let player = site.player.clone();
    tokio::task::spawn_blocking(move || {
        if let Err(error) = player.tidy() {
            tracing::warn!(error = %error, "cannot tidy the folder `playback` in the state folder");
        }
    });
}

async fn accept(listener: TcpListener, router: Router, stop: CancellationToken) {
    let connections = GracefulShutdown::new();
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let next = async {
            let permit = permits.clone().acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            () = stop.cancelled() => break,
            next = next => next,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(error = %error, "cannot accept a connection to the page");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let connection = connections.watch(connection(stream, Peer(peer.ip()), &router));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = %error, peer = %peer, "a connection to the page broke");
            }
            drop(permit);
        });
    }
    drop(listener);
    if tokio::time::timeout(STOP_TIMEOUT, connections.shutdown())
        .await
        .is_err()
    {
        tracing::debug!("connections to the page were cut at the stop");
    }
}

fn connection(
    stream: TcpStream,
    peer: Peer,
    router: &Router,
) -> http1::Connection<
    TokioIo<TcpStream>,
    impl Service<
        hyper::Request<hyper::body::Incoming>,
        Response = axum::response::Response,
        Error = std::convert::Infallible,
        Future: Send,
    > + use<>,
> {
    let routes = TowerToHyperService::new(router.clone());
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(peer);
        routes.call(request)
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service)
}
