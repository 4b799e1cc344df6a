//! What every HTTP client of this program has in common.

use reqwest::{ClientBuilder, redirect};
use std::time::Duration;
use url::Url;

const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// A client that will only ever ask `url` and what is below it. It follows no redirect: what is sent is meant for nobody
/// else.
pub fn connecting_to(url: &Url) -> ClientBuilder {
    // Installed already is as good.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("nightscribe/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_WITHIN);
    if url.scheme() == "http" {
        // No certificate is ever looked at, so a machine without any will do.
        builder = builder.tls_certs_only([]);
    }
    if is_loopback(url) {
        builder = builder.no_proxy();
    }
    builder
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
