//! Requests that another site may have caused (CSRF).

use axum::http::Method;
use url::Url;

/// Site that caused a request, by its headers.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Caller<'a> {
    /// `Sec-Fetch-Site`. Every current browser sends it to addresses that it trusts, such as localhost and https.
    pub(in crate::http) fetch_site: Option<&'a str>,
    /// `Origin`. Every browser sends it with a request that changes something.
    pub(in crate::http) origin: Option<&'a str>,
    /// `Host`.
    pub(in crate::http) host: &'a str,
}

/// Whether a request may be answered. One that only reads may come from anywhere, as no other site can read the answer. A
/// program sends neither header.
pub(in crate::http) fn is_allowed(method: &Method, caller: Caller<'_>) -> bool {
    if method.is_safe() {
        return true;
    }
    let is_own_site = caller
        .fetch_site
        .is_none_or(|site| site == "same-origin" || site == "none");
    is_own_site
        && caller
            .origin
            .is_none_or(|origin| is_of(origin, caller.host))
}

/// Whether an origin is that of a host. The scheme does not matter: a reverse proxy may change it.
fn is_of(origin: &str, host: &str) -> bool {
    let Ok(origin) = Url::parse(origin) else {
        return false;
    };
    let Ok(own) = Url::parse(&format!("{}://{host}", origin.scheme())) else {
        return false;
    };
    origin.host().is_some()
        && origin.host() == own.host()
        && origin.port_or_known_default() == own.port_or_known_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_site_can_change_nothing() {
        let own = Some("http://localhost:7878");
        for (fetch_site, origin, expected) in [
            (None, None, true),
            (None, own, true),
            (Some("same-origin"), own, true),
            (Some("same-origin"), None, true),
            (Some("none"), None, true),
            (Some("cross-site"), None, false),
            (Some("same-site"), own, false),
            (Some("cross-site"), own, false),
            (Some("same-origin"), Some("http://evil.example"), false),
            (None, Some("http://evil.example"), false),
            (None, Some("http://localhost:1"), false),
            (None, Some("http://localhost"), false),
            (None, Some("null"), false),
            (None, Some(""), false),
            (None, Some("http://localhost:7878.evil.example"), false),
        ] {
            let caller = Caller {
                fetch_site,
                origin,
                host: "localhost:7878",
            };
            assert_eq!(is_allowed(&Method::POST, caller), expected, "{caller:?}");
            assert_eq!(is_allowed(&Method::PUT, caller), expected, "{caller:?}");
            assert!(is_allowed(&Method::GET, caller), "{caller:?}");
        }
    }

    #[test]
    fn the_default_port_may_be_left_out() {
        let caller = |origin, host| Caller {
            fetch_site: None,
            origin: Some(origin),
            host,
        };
        for (origin, host, expected) in [
            ("https://ns.example", "ns.example", true),
            ("https://ns.example", "ns.example:443", true),
            ("https://ns.example", "ns.example:80", false),
            ("http://ns.example:80", "ns.example", true),
        ] {
            let caller = caller(origin, host);
            assert_eq!(is_allowed(&Method::POST, caller), expected, "{caller:?}");
        }
    }
}
