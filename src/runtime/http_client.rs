//! Shared settings of this program's HTTP clients.

use reqwest::{ClientBuilder, redirect};
use std::time::Duration;
use url::Url;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Returns the builder of a client for `url` and the paths below it.
///
/// The client follows no redirects, so keys and recordings never reach another host. It uses the proxies of the
/// environment, except for this machine.
pub fn client_builder(url: &Url) -> ClientBuilder {
    // An error means that a provider is already installed.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("nightscribe/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT);
    if url.scheme() == "http" {
        // Plain HTTP needs no root certificates, so a machine may have none.
        builder = builder.tls_certs_only([]);
    }
    if is_loopback(url) {
        builder = builder.no_proxy();
    }
    builder
}

/// Whether `url` is on this machine, which is reached without a proxy.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
