//! The server: start, connections and stop.

use crate::fault::Faults;
use crate::ledger::Ledger;
use crate::response::ConnectionHandle;
use crate::routes::{Shared, router};
use crate::settings::{AccountState, Settings};
use crate::state::SandboxState;
use crate::timestamp::Timestamp;
use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Pause after a failed accept, such as with too many open files. It keeps the loop from spinning.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Server that runs until it is stopped or dropped. It stores nothing on disk.
pub struct Sandbox {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Sandbox {
    /// Starts a sandbox on the current Tokio runtime.
    ///
    /// # Errors
    /// Returns an error if it cannot listen on `settings.listen`.
    pub async fn start(settings: Settings) -> io::Result<Self> {
        Self::start_with_clock(settings, monotonic_clock()).await
    }

    /// Starts a sandbox with a custom clock for generations, retention and limits. The clock must be monotonic.
    ///
    /// # Errors
    /// Returns an error if it cannot listen on `settings.listen`.
    pub async fn start_with_clock(
        settings: Settings,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(settings.listen).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            delay: settings.delay,
            state: Mutex::new(SandboxState::new(settings)),
            clock: Box::new(clock),
            requests: AtomicU64::new(1),
        });
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let router = router(Arc::clone(&shared));
        tasks.spawn(accept(listener, router, stop.clone(), tasks.clone()));
        Ok(Self {
            address,
            shared,
            stop,
            tasks,
        })
    }

    /// Returns the listening address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the base URL for a client on this machine.
    #[must_use]
    pub fn base_url(&self) -> String {
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        format!("http://{}/v1", SocketAddr::new(ip, self.address.port()))
    }

    /// Returns a snapshot of the ledger.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.shared.state().ledger()
    }

    /// Replaces the faults.
    pub fn set_faults(&self, faults: Faults) {
        self.shared.state().faults = faults;
    }

    /// Sets the state of the account.
    pub fn set_account(&self, account: AccountState) {
        self.shared.state().account = account;
    }

    /// Replaces the only accepted key.
    pub fn set_key(&self, key: &str) {
        self.shared.state().set_key(key);
    }

    /// Stops the server: cuts all connections and waits for all tasks to end.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Returns a monotonic clock: the system time at the start plus the elapsed time.
fn monotonic_clock() -> impl Fn() -> Timestamp + Send + Sync + 'static {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let start = Instant::now();
    move || Timestamp::from(since_epoch + start.elapsed())
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
            Ok((stream, _)) => _ = tasks.spawn(serve(stream, router.clone(), stop.child_token())),
            Err(error) => {
                tracing::warn!(%error, "the sandbox failed to accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves one connection until it ends or is cut.
async fn serve(stream: TcpStream, router: Router, cut: CancellationToken) {
    // Responses are small, and a client waits for each.
    _ = stream.set_nodelay(true);
    let router = TowerToHyperService::new(router);
    let handle = ConnectionHandle(cut.clone());
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(handle.clone());
        router.call(request)
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // A client may disconnect at any time.
        _ = connection => {}
        () = cut.cancelled() => {}
    }
}
