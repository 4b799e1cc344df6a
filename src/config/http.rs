//! Reading `[http]`: the page in the browser and the interface for programs.

use super::KeySource;
use super::secret_source::read_secret_source;
use super::section::Section;
use super::values::{ParseResult, strings};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The page in the browser and the interface for programs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HttpConfig {
    /// Address on which a daemon listens. `None`: it does not listen.
    pub listen: Option<SocketAddr>,
    /// Path below which everything is found: empty, or a `/` and names without a `/` at the end.
    pub base_path: String,
    /// Names under which it may be called, besides the address and the names of this machine. In lower case.
    pub hosts: Vec<String>,
    /// Location of the token that a user or a program has to present.
    pub token: Option<KeySource>,
}

/// Why an address without a token is rejected.
pub const TOKEN_REQUIRED: &str = "an address that other machines reach requires a token; set `http.token_file` or `http.token_env`, or listen on 127.0.0.1";

/// Reads `[http]`.
pub(super) fn read_http(
    mut section: Section<'_>,
    resolve: &impl Fn(PathBuf) -> ParseResult<PathBuf>,
) -> Option<HttpConfig> {
    let is_listening = section.has("listen");
    let listen = section.get("listen", address);
    let base_path = section.get("base_path", base_path);
    let hosts = section.get("hosts", hosts);
    let token = read_secret_source(&mut section, ["token_env", "token_file"], "token", resolve);
    if token.is_none() && listen.is_some_and(|address| !address.ip().is_loopback()) {
        section.reject("listen", TOKEN_REQUIRED);
    }
    section.finish();
    // A value that is invalid was reported.
    (listen.is_some() || !is_listening).then_some(HttpConfig {
        listen,
        base_path: base_path.unwrap_or_default(),
        hosts: hosts.unwrap_or_default(),
        token,
    })
}

/// Parses a path such as `/nightscribe`. Returns it without a `/` at the end, so that `/` is empty.
fn address(value: &Value) -> ParseResult<SocketAddr> {
    let address = value.as_str().and_then(|text| text.parse().ok());
    address.ok_or_else(|| {
        format!("expected an IP address and a port like \"127.0.0.1:7878\", found {value}")
    })
}

fn base_path(value: &Value) -> ParseResult<String> {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "/-_.~".contains(char);
    let text = value.as_str().filter(|text| {
        text.starts_with('/')
            && text.chars().all(is_plain)
            && !text.contains("//")
            && !text.split('/').any(|part| part == "." || part == "..")
    });
    match text {
        Some(text) => Ok(text.trim_end_matches('/').to_owned()),
        None => Err(format!(
            "expected a path like \"/nightscribe\" of letters, digits, `-`, `_`, `.` and `~`, found {value}"
        )),
    }
}

/// Parses names of hosts, without a port.
fn hosts(value: &Value) -> ParseResult<Vec<String>> {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "-_.:[]".contains(char);
    let names = strings(value)?
        .into_iter()
        .map(|name| match name.chars().all(is_plain) {
            true => Ok(name.to_ascii_lowercase()),
            false => Err(format!("expected the name of a host, found `{name}`")),
        });
    names.collect()
}
