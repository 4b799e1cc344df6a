//! `nightscribe check`: checks all prerequisites and prints one line for each.

use super::args::GlobalArgs;
use super::channels;
use super::exit::{CommandError, Exit};
use super::terminal::{ERROR, SUCCESS, WARN, format_duration, printable_lines, printable_path};
use crate::app::session::{Session, environment};
use crate::config::{self, Config, Environment, KeySource};
use crate::domain::Timestamp;
use crate::pipeline::monitor::{MIN_FREE_BYTES, free_bytes};
use crate::provider::{Client, ClientSettings};
use crate::store::Store;
use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

/// Largest tolerated clock difference to the service. A larger one makes expiry times unreliable.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);
/// Free space below which a long run may be held, in bytes.
const LOW_SPACE: u64 = 1 << 30;

/// Status of a check.
pub(super) enum CheckStatus {
    Passed,
    Warning,
    Failed,
}

/// Result of a check, printed as one line.
pub(super) struct CheckResult {
    status: CheckStatus,
    name: &'static str,
    pub(super) message: String,
}

pub(super) const fn check_result(
    verdict: CheckStatus,
    what: &'static str,
    said: String,
) -> CheckResult {
    CheckResult {
        status: verdict,
        name: what,
        message: said,
    }
}

impl CheckResult {
    pub(super) const fn is_failed(&self) -> bool {
        matches!(self.status, CheckStatus::Failed)
    }
}

/// Converts a `Result` to a line. An error shows the messages of all its sources.
pub(super) fn from_result(
    what: &'static str,
    outcome: Result<String, Box<dyn Error>>,
) -> CheckResult {
    match outcome {
        Ok(message) => check_result(CheckStatus::Passed, what, message),
        Err(error) => {
            let mut message = error.to_string();
            let mut cause = error.source();
            while let Some(error) = cause {
                message.push_str(&format!(": {error}"));
                cause = error.source();
            }
            check_result(CheckStatus::Failed, what, message)
        }
    }
}

pub(super) async fn check(global: &GlobalArgs) -> Result<Exit, CommandError> {
    let environment = environment()?;
    let config = match config::load(global.config.as_deref(), &environment) {
        Ok(config) => config,
        Err(error) => {
            print(&from_result("configuration", Err(error.into())))?;
            return Ok(Exit::Usage);
        }
    };
    let session = Session {
        config,
        environment,
    };
    let mut lines = vec![configuration(&session.config)];
    lines.extend(
        session
            .config
            .sources
            .iter()
            .map(|source| folder("source", &source.path)),
    );
    lines.push(state(&session.config).await);
    lines.push(output(&session.config));
    lines.push(free_space(&session.config));
    let channels = channels::check(&session.config, &session.environment);
    lines.extend(
        channels
            .into_iter()
            .map(|(name, status)| from_result(name, status)),
    );
    lines.extend(service(&session.config, &session.environment, session.now()).await);
    lines.extend(crate::cli::service::readiness::check_installed(&session));
    lines.iter().try_for_each(print)?;
    let wrong = lines.iter().any(CheckResult::is_failed);
    Ok(if wrong { Exit::Usage } else { Exit::Done })
}

pub(super) fn print(line: &CheckResult) -> Result<(), CommandError> {
    let (style, word) = match line.status {
        CheckStatus::Passed => (SUCCESS, "ok  "),
        CheckStatus::Warning => (WARN, "warn"),
        CheckStatus::Failed => (ERROR, "FAIL"),
    };
    let message = printable_lines(&line.message).replace('\n', "\n                    ");
    Ok(writeln!(
        anstream::stdout().lock(),
        "{style}{word}{style:#}  {:<13} {message}",
        line.name
    )?)
}

fn configuration(config: &Config) -> CheckResult {
    match (&config.file, config.sources.len()) {
        (None, _) => {
            let message =
                "no configuration file; `nightscribe init` writes one, `--config` selects one";
            check_result(CheckStatus::Failed, "configuration", message.to_owned())
        }
        (Some(file), 0) => check_result(
            CheckStatus::Warning,
            "configuration",
            format!(
                "{} has no [[source]], so no recordings are found",
                printable_path(file)
            ),
        ),
        (Some(file), _) => check_result(CheckStatus::Passed, "configuration", printable_path(file)),
    }
}

fn folder(what: &'static str, path: &Path) -> CheckResult {
    match std::fs::read_dir(path) {
        Ok(_) => check_result(CheckStatus::Passed, what, printable_path(path)),
        Err(error) => check_result(
            CheckStatus::Failed,
            what,
            format!("{}: {error}", printable_path(path)),
        ),
    }
}

async fn state(config: &Config) -> CheckResult {
    let opened = match Store::open(&config.state.dir).await {
        Ok(store) => {
            let path = printable_path(store.path());
            store.close().await;
            Ok(path)
        }
        Err(error) => Err(error.into()),
    };
    from_result("state", opened)
}

/// Checks that the output folder is writable by creating and removing a hidden file.
fn output(config: &Config) -> CheckResult {
    let dir = &config.output.dir;
    let written = std::fs::create_dir_all(dir)
        .and_then(|()| {
            tempfile::Builder::new()
                .prefix(".nightscribe-")
                .tempfile_in(dir)
        })
        .map(|_| printable_path(dir))
        .map_err(|error| format!("{}: {error}", printable_path(dir)).into());
    from_result("output", written)
}

fn free_space(config: &Config) -> CheckResult {
    let free = free_bytes(&config.state.dir);
    let message = free.map_or_else(
        || "free space is unknown".to_owned(),
        |free| format!("{} MiB free for results", free >> 20),
    );
    match free {
        Some(free) if free < MIN_FREE_BYTES => check_result(CheckStatus::Failed, "disk", message),
        Some(free) if free >= LOW_SPACE => check_result(CheckStatus::Passed, "disk", message),
        _ => check_result(CheckStatus::Warning, "disk", message),
    }
}

async fn service(config: &Config, environment: &Environment, now: Timestamp) -> Vec<CheckResult> {
    let key = match config::read_key(&config.api.key, environment) {
        Ok(key) => key,
        Err(error) => return vec![from_result("key", Err(error.into()))],
    };
    let origin = match &config.api.key {
        KeySource::Env(name) => format!("from the environment variable {name}"),
        KeySource::File(path) => format!("from {}", printable_path(path)),
    };
    let mut lines = vec![check_result(CheckStatus::Passed, "key", origin)];
    let settings = ClientSettings {
        base_url: config.api.base_url.clone(),
        key,
        flow: config.api.flow,
    };
    let client = match Client::new(&settings) {
        Ok(client) => client,
        Err(error) => {
            lines.push(from_result("service", Err(error.into())));
            return lines;
        }
    };
    let probe = client.probe().await;
    let accepted = probe
        .outcome
        .map(|()| format!("{} accepts the key", config.api.base_url));
    lines.push(from_result(
        "service",
        accepted.map_err(|error| error.failure.message.into()),
    ));
    lines.extend(probe.server_time.map(|server| clock(now, server.into())));
    lines
}

fn clock(now: Timestamp, server: Timestamp) -> CheckResult {
    let off = now.since(server).max(server.since(now));
    if off > CLOCK_TOLERANCE {
        return check_result(
            CheckStatus::Warning,
            "clock",
            format!(
                "differs from the service's clock by {}",
                format_duration(off)
            ),
        );
    }
    check_result(
        CheckStatus::Passed,
        "clock",
        "in sync with the service".to_owned(),
    )
}
