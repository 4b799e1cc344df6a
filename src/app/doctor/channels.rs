//! Checks of the notification channels and of the hook.

use super::check_result::{CheckResult, path_text};
use super::secret_files;
use crate::config::{Config, EmailConfig, Environment, KeySource, WebhookConfig, read_secret};
use crate::domain::control_chars::escape_control_chars;
use crate::notify::channels::{EMAIL_PASSWORD, WEBHOOK_SECRET};
use crate::notify::email::EmailChannel;
use crate::notify::webhook_secret::WebhookSecret;
use crate::runtime::proxy::{check_proxy, has_proxy};
use std::error::Error;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;
use tokio::net::TcpStream;
use url::Url;

/// How long the host of a webhook or the mail server may take to answer.
const REACH_TIMEOUT: Duration = Duration::from_secs(10);

/// Description of a channel, or the reason it cannot work.
type ChannelStatus = Result<String, Box<dyn Error>>;

/// Checks each configured channel, the monitor and the hook. Connects to the mail server and to the hosts of the webhook and
/// of the monitor, but sends nothing to them.
pub(super) async fn check(config: &Config, environment: &Environment) -> Vec<CheckResult> {
    let notify = &config.notify;
    let mut results = Vec::new();
    if let Some(command) = &notify.command {
        let status = program(&command.path, environment);
        results.push(CheckResult::from_result("command", status));
    }
    if let Some(webhook) = &notify.webhook {
        let status = webhook_status(webhook, environment).await;
        results.push(from_secret("webhook", webhook.secret.as_ref(), status));
    }
    if let Some(url) = &notify.healthcheck {
        let host = url.host_str().unwrap_or_default();
        let status = try_host(url, format!("pings {host}")).await;
        results.push(CheckResult::from_result("healthcheck", status));
    }
    if let Some(email) = &notify.email {
        let status = email_status(email, environment).await;
        let password = email.login.as_ref().map(|(_, password)| password);
        results.push(from_secret("e-mail", password, status));
    }
    if let Some(hook) = &config.hooks.on_done {
        let status = program(&hook.path, environment);
        results.push(CheckResult::from_result("hook", status));
    }
    results
}

/// Returns the result of a channel, with a warning if all users can read its secret.
fn from_secret(
    name: &'static str,
    secret: Option<&KeySource>,
    status: ChannelStatus,
) -> CheckResult {
    match (secret, status) {
        (Some(secret), Ok(message)) => secret_files::with_mode(name, secret, message),
        (_, status) => CheckResult::from_result(name, status),
    }
}

async fn webhook_status(webhook: &WebhookConfig, environment: &Environment) -> ChannelStatus {
    let host = webhook.url.host_str().unwrap_or_default();
    let signed = match &webhook.secret {
        None => "unsigned",
        Some(source) => {
            WebhookSecret::parse(&read_secret(WEBHOOK_SECRET, source, environment)?)?;
            "signed"
        }
    };
    try_host(&webhook.url, format!("posts to {host}, {signed}")).await
}

/// Connects to the host of a URL, and sends nothing. Returns `description`.
async fn try_host(url: &Url, description: String) -> ChannelStatus {
    let host = url.host_str().unwrap_or_default();
    check_proxy(url)?;
    // The host may be known only to the proxy.
    if has_proxy(url) {
        return Ok(format!("{description}; not tried, because a proxy is used"));
    }
    let port = url.port_or_known_default().unwrap_or_default();
    let connecting = TcpStream::connect((host.trim_matches(['[', ']']), port));
    match tokio::time::timeout(REACH_TIMEOUT, connecting).await {
        Ok(Ok(_)) => Ok(description),
        Ok(Err(error)) => Err(format!("{host} cannot be reached: {error}").into()),
        Err(_) => Err(format!("{host} cannot be reached: timed out").into()),
    }
}

async fn email_status(email: &EmailConfig, environment: &Environment) -> ChannelStatus {
    let to: Vec<_> = email.to.iter().map(ToString::to_string).collect();
    let (to, host) = (to.join(", "), &email.server.host);
    let description = escape_control_chars(&format!("to {to} through {host}"));
    let login = match &email.login {
        None => None,
        Some((user, source)) => {
            let password = read_secret(EMAIL_PASSWORD, source, environment)?;
            Some((user.clone(), password))
        }
    };
    let channel = EmailChannel::new(email, login)?;
    channel.try_connection(REACH_TIMEOUT).await?;
    Ok(description)
}

fn program(program: &Path, environment: &Environment) -> ChannelStatus {
    let Some(found) = environment.find_program(program) else {
        return Err(format!("`{}` is not an executable program", path_text(program)).into());
    };
    if has_no_new_privileges() && needs_privileges(&found) {
        return Err(format!(
            "`{}` needs the privileges of its owner, which the sandbox of this process denies (NoNewPrivileges=)",
            path_text(&found)
        )
        .into());
    }
    Ok(path_text(found))
}

/// Whether a program runs as its owner or group (set-user-ID, set-group-ID).
fn needs_privileges(program: &Path) -> bool {
    program
        .metadata()
        .is_ok_and(|found| found.permissions().mode() & 0o6000 != 0)
}

/// Whether this process and the programs that it starts cannot gain privileges. `check` sees it if it runs as the unit.
fn has_no_new_privileges() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let value = status
        .lines()
        .find_map(|line| line.strip_prefix("NoNewPrivs:"));
    value.is_some_and(|value| value.trim() == "1")
}
