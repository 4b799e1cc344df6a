//! Reading `[notify.email]`.

use super::KeySource;
use super::secret_source::read_secret_source;
use super::section::Section;
use super::values::{ParseResult, string, strings};
use lettre::message::Mailbox;
use serde_json::Value;
use std::path::PathBuf;
use url::{Host, Url};

/// Notification by e-mail.
#[derive(Debug, Clone)]
pub struct EmailConfig {
    /// Recipients. At least one.
    pub to: Vec<Mailbox>,
    /// Sender.
    pub from: Mailbox,
    /// Mail server.
    pub server: MailServer,
    /// User name and location of the password, if the server requires a login.
    pub login: Option<(String, KeySource)>,
}

/// A mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailServer {
    /// Host name or IP address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Encryption of the connection.
    pub tls_mode: TlsMode,
}

/// Encryption of the connection to a mail server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    /// TLS from the first byte.
    Implicit,
    /// STARTTLS. Nothing is sent without it.
    StartTls,
    /// None. Only for a server on this machine.
    Plaintext,
}

/// Reads `[notify.email]`. `Some(None)` if it is not set, `None` if it is invalid.
pub(super) fn read_email(
    mut section: Section<'_>,
    resolve: &impl Fn(PathBuf) -> ParseResult<PathBuf>,
) -> Option<Option<EmailConfig>> {
    let is_empty = section.is_empty();
    for key in ["to", "from", "server"] {
        if !is_empty && !section.has(key) {
            section.reject(key, "required key is missing");
        }
    }
    let to = section.get("to", mailboxes);
    let from = section.get("from", mailbox);
    let server = section.get("server", server);
    let user = section.get("user", string);
    let keys = ["password_env", "password_file"];
    let password = read_secret_source(&mut section, keys, "password", resolve);
    let login = match (user, password) {
        (Some(user), Some(password)) => Some((user, password)),
        (Some(_), None) => {
            section.reject(
                "user",
                "no password is set; name a variable with `password_env` or a file with `password_file`",
            );
            None
        }
        (None, Some(_)) => {
            section.reject("user", "required because a password is set");
            None
        }
        (None, None) => None,
    };
    section.finish();
    if is_empty {
        return Some(None);
    }
    Some(Some(EmailConfig {
        to: to?,
        from: from?,
        server: server?,
        login,
    }))
}

fn mailbox(value: &Value) -> ParseResult<Mailbox> {
    string(value)?
        .parse()
        .map_err(|_| format!("expected an e-mail address like \"me@example.org\", found {value}"))
}

fn mailboxes(value: &Value) -> ParseResult<Vec<Mailbox>> {
    let texts = match value {
        Value::String(_) => vec![string(value)?],
        _ => strings(value)?,
    };
    if texts.is_empty() {
        return Err("expected at least one".to_owned());
    }
    texts
        .into_iter()
        .map(|text| mailbox(&Value::from(text)))
        .collect()
}

fn server(value: &Value) -> ParseResult<MailServer> {
    const EXPECTED: &str =
        "expected \"smtps://host:465\" or \"smtp://host:587\", without a user name or password";
    let refused = || EXPECTED.to_owned();
    let url = Url::parse(string(value)?.trim()).map_err(|_| refused())?;
    let bare = url.username().is_empty()
        && url.password().is_none()
        && matches!(url.path(), "" | "/")
        && url.query().is_none();
    let host = url.host_str().filter(|_| bare).ok_or_else(refused)?;
    let (port, privacy) = match url.scheme() {
        "smtps" => (465, TlsMode::Implicit),
        "smtp" if is_loopback(host) => (587, TlsMode::Plaintext),
        "smtp" => (587, TlsMode::StartTls),
        _ => return Err(refused()),
    };
    Ok(MailServer {
        host: host.trim_matches(['[', ']']).to_owned(),
        port: url.port().unwrap_or(port),
        tls_mode: privacy,
    })
}

fn is_loopback(host: &str) -> bool {
    match Host::parse(host) {
        Ok(Host::Domain(name)) => name == "localhost",
        Ok(Host::Ipv4(address)) => address.is_loopback(),
        Ok(Host::Ipv6(address)) => address.is_loopback(),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, u16, TlsMode)> {
        let server = server(&Value::from(text)).ok()?;
        Some((server.host, server.port, server.tls_mode))
    }

    #[test]
    fn only_a_local_server_is_used_without_tls() {
        let is = |text: &str, host: &str, port, privacy| {
            assert_eq!(read(text), Some((host.to_owned(), port, privacy)), "{text}");
        };
        is(
            "smtps://mail.example.org",
            "mail.example.org",
            465,
            TlsMode::Implicit,
        );
        is(
            "smtp://mail.example.org:25",
            "mail.example.org",
            25,
            TlsMode::StartTls,
        );
        is("smtp://localhost", "localhost", 587, TlsMode::Plaintext);
        is(
            "smtp://127.0.0.1:2525",
            "127.0.0.1",
            2525,
            TlsMode::Plaintext,
        );
        is("smtp://[::1]:25", "::1", 25, TlsMode::Plaintext);
    }

    #[test]
    fn a_url_with_a_password_is_rejected_and_not_shown() {
        for text in [
            "smtps://me:hush@host",
            "mail.example.org",
            "https://host",
            "smtp://h/x",
        ] {
            let refused = server(&Value::from(text)).unwrap_err();
            assert!(!refused.contains("hush"), "{refused}");
        }
    }
}
