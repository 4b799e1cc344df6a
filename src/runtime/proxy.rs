//! Proxies that the environment names. The HTTP client applies them; this file refuses those it cannot use.

use crate::runtime::http_client::is_loopback;
use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

/// A variable of the environment names a proxy that cannot be used. The message contains no part of its credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the environment variable `{variable}` names a proxy {reason}; \
     use http, https, socks4, socks4a, socks5 or socks5h, or exclude {host} with `NO_PROXY`"
)]
pub struct UnusableProxy {
    variable: &'static str,
    reason: String,
    host: String,
}

/// Checks that the proxy for `url`, if there is one, can be used. The HTTP client would silently ignore it otherwise.
///
/// # Errors
/// If the variable that applies to `url` does not name a proxy of a supported kind.
pub fn check_proxy(url: &Url) -> Result<(), UnusableProxy> {
    if is_loopback(url) {
        return Ok(());
    }
    check(url, |name| std::env::var(name).ok())
}

/// Whether the HTTP client uses a proxy for `url`.
#[must_use]
pub fn has_proxy(url: &Url) -> bool {
    !is_loopback(url)
        && url
            .as_str()
            .parse()
            .is_ok_and(|destination| Matcher::from_env().intercept(&destination).is_some())
}

/// Checks the proxy with the variables that `variable` returns.
fn check(url: &Url, variable: impl Fn(&str) -> Option<String>) -> Result<(), UnusableProxy> {
    let own = match url.scheme() {
        "https" => ["HTTPS_PROXY", "https_proxy"],
        _ => ["HTTP_PROXY", "http_proxy"],
    };
    let first_set = |names: [&'static str; 2]| {
        let set = names
            .iter()
            .find_map(|name| variable(name).map(|value| (*name, value)));
        set.filter(|(_, value)| !value.is_empty())
    };
    let proxy = first_set(own).or_else(|| first_set(["ALL_PROXY", "all_proxy"]));
    let excluded = ["NO_PROXY", "no_proxy"]
        .iter()
        .find_map(|name| variable(name));
    match proxy {
        // The HTTP client can use it.
        Some((_, value)) if applies(&value, url, "") => Ok(()),
        // It would use a proxy for this host, but ignores this one.
        Some((variable, value)) if applies("http://proxy", url, &excluded.unwrap_or_default()) => {
            Err(UnusableProxy {
                variable,
                reason: reason(&value),
                host: url.host_str().unwrap_or_default().to_owned(),
            })
        }
        _ => Ok(()),
    }
}

/// Whether the HTTP client would send requests for `url` to `proxy`, unless its host is in `excluded`.
fn applies(proxy: &str, url: &Url, excluded: &str) -> bool {
    let matcher = Matcher::builder().all(proxy).no(excluded).build();
    let destination = url.as_str().parse();
    destination.is_ok_and(|destination| matcher.intercept(&destination).is_some())
}

/// Names the scheme of a proxy and nothing else of it.
fn reason(proxy: &str) -> String {
    match proxy.split_once("://") {
        Some((scheme, _)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            format!("that is invalid or of the unsupported scheme `{scheme}`")
        }
        _ => "that is not a valid address".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(url: &str, variables: &[(&str, &str)]) -> Option<String> {
        let value = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let checked = check(&url.parse().unwrap(), value);
        checked.err().map(|error| error.to_string())
    }

    #[test]
    fn supported_proxies_are_accepted() {
        for proxy in [
            "http://p:3128",
            "https://u:secret@p",
            "p:3128",
            "socks4://p:1080",
            "socks4a://p:1080",
            "socks5://u:secret@127.0.0.1:1080",
            "socks5h://p:1080",
        ] {
            let variables = [("ALL_PROXY", proxy), ("HTTPS_PROXY", "")];
            assert_eq!(error("https://api.example/v1", &variables), None, "{proxy}");
        }
        assert_eq!(error("https://api.example/v1", &[]), None);
    }

    #[test]
    fn an_unusable_proxy_is_named_without_its_credentials() {
        let all = [("all_proxy", "socks6://u:secret@p:1080")];
        assert_eq!(
            error("https://api.example/v1", &all).unwrap(),
            "the environment variable `all_proxy` names a proxy that is invalid or of the unsupported scheme `socks6`; \
             use http, https, socks4, socks4a, socks5 or socks5h, or exclude api.example with `NO_PROXY`"
        );
        let spaced = [("HTTPS_PROXY", " u:secret@p "), ("ALL_PROXY", "http://p")];
        let message = error("https://api.example/v1", &spaced).unwrap();
        assert!(message.contains("`HTTPS_PROXY`") && !message.contains("secret"));
    }

    #[test]
    fn only_the_variable_that_applies_is_checked() {
        let variables = [("HTTP_PROXY", "ftp://p"), ("HTTPS_PROXY", "http://p")];
        assert_eq!(error("https://api.example/v1", &variables), None);
        assert!(error("http://api.example/v1", &variables).is_some());
        let excluded = [("ALL_PROXY", "ftp://p"), ("NO_PROXY", ".example")];
        assert_eq!(error("https://api.example/v1", &excluded), None);
    }
}
