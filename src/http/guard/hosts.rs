//! Names under which the server may be called.
//!
//! A page of another site can point its own name to this machine (DNS rebinding), and would then share an origin with the server.
//! Its requests carry that name in `Host`.

use std::net::{IpAddr, SocketAddr};

/// Names and addresses that a request may have in `Host`.
#[derive(Debug, Clone)]
pub(in crate::http) struct AllowedHosts {
    is_loopback: bool,
    names: Vec<String>,
}

impl AllowedHosts {
    /// Allows the addresses that lead to `listen`, `localhost`, and `names` in lower case.
    pub(in crate::http) fn new(listen: SocketAddr, names: &[String]) -> Self {
        Self {
            is_loopback: listen.ip().is_loopback(),
            names: names.to_vec(),
        }
    }

    /// Whether a value of `Host` is allowed. Its port does not matter.
    pub(in crate::http) fn allows(&self, host: &str) -> bool {
        let name = without_port(host).to_ascii_lowercase();
        if name == "localhost" || self.names.contains(&name) {
            return true;
        }
        let address = name.trim_start_matches('[').trim_end_matches(']');
        match address.parse::<IpAddr>() {
            // An address cannot be rebound. Whether it leads here is not known, as with 0.0.0.0.
            Ok(address) => !self.is_loopback || address.is_loopback(),
            Err(_) => false,
        }
    }
}

/// Returns a host without its port. An address of IPv6 keeps its brackets.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|byte| byte.is_ascii_digit())
                && (!name.contains(':') || name.ends_with(']')) =>
        {
            name
        }
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_cannot_be_rebound_are_allowed() {
        let local = AllowedHosts::new("127.0.0.1:7878".parse().unwrap(), &["ns.example".into()]);
        let open = AllowedHosts::new("0.0.0.0:7878".parse().unwrap(), &[]);
        for (host, is_local, is_open) in [
            ("localhost:7878", true, true),
            ("LocalHost", true, true),
            ("127.0.0.1:7878", true, true),
            ("127.0.0.1", true, true),
            ("[::1]:7878", true, true),
            ("[::1]", true, true),
            ("ns.example", true, false),
            ("NS.example:443", true, false),
            ("192.168.1.5:7878", false, true),
            ("evil.example", false, false),
            ("evil.example:7878", false, false),
            ("localhost.evil.example", false, false),
            ("127.0.0.1.evil.example", false, false),
            ("localhost@evil.example", false, false),
            ("", false, false),
        ] {
            assert_eq!(local.allows(host), is_local, "{host}");
            assert_eq!(open.allows(host), is_open, "{host}");
        }
    }
}
