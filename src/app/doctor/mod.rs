//! Checks of all prerequisites of a run.
//!
//! - [`check_result`]: result of one check
//! - `budget`: prices that the budget needs
//! - `channels`: notification channels and the hook
//! - `folders`: state folder, output folder and free space
//! - `http`: token of the page
//! - `media`: ffprobe and ffmpeg, which are used if they are installed
//! - `models`: models of the sources
//! - `secret_files`: access rights of files with secrets
//! - `sources`: folders of the sources

mod budget;
mod channels;
pub mod check_result;
mod folders;
mod http;
mod media;
mod models;
mod secret_files;
mod sources;

use crate::app::duration_text::format_duration;
use crate::app::session::Session;
use crate::config::{Config, KeySource};
use crate::domain::Timestamp;
use crate::provider::options;
use check_result::{CheckResult, CheckStatus, path_text};
use std::time::Duration;

/// Largest tolerated clock difference to the service. A larger one makes expiry times unreliable.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);

/// Checks the configuration, folders, free space, channels, the key, the service and the clock.
///
/// Creates nothing, and sends nothing but a question to the service. The installed service is not part of it.
pub async fn check_all(session: &Session) -> Vec<CheckResult> {
    let (config, environment) = (&session.config, &session.environment);
    let mut results = vec![configuration(config)];
    results.extend(sources::check(config, session.now()));
    results.extend(sources_options(config));
    results.extend(folders::check(session).await);
    results.extend(media::check(config).await);
    results.extend(budget::check(session).await);
    results.extend(channels::check(config, environment).await);
    results.extend(http::check(session));
    results.extend(base_url(config));
    results.extend(service(session).await);
    results.extend(models::check(session).await);
    results
}

fn configuration(config: &Config) -> CheckResult {
    let file = config.file.as_deref().map(path_text).unwrap_or_default();
    match config.sources.len() {
        0 => CheckResult::new(
            CheckStatus::Warning,
            "configuration",
            format!("{file} has no [[source]], so no recordings are found"),
        ),
        _ => CheckResult::new(CheckStatus::Passed, "configuration", file),
    }
}

/// Returns a warning for each option of a source that has no effect.
fn sources_options(config: &Config) -> Vec<CheckResult> {
    let warnings = config.sources.iter().flat_map(|source| {
        let warnings = options::warnings(&source.request).into_iter();
        warnings.map(|warning| format!("source `{}`: {warning}", source.name))
    });
    warnings
        .map(|message| CheckResult::new(CheckStatus::Warning, "options", message))
        .collect()
}

async fn service(session: &Session) -> Vec<CheckResult> {
    let config = &session.config;
    let key = match session.key() {
        Ok(key) => key,
        Err(error) => return vec![CheckResult::from_result("key", Err(error.into()))],
    };
    let origin = match &config.api.key {
        KeySource::Env(name) => format!("from the environment variable {name}"),
        KeySource::File(path) => format!("from {}", path_text(path)),
    };
    let mut lines = vec![secret_files::with_mode("key", &config.api.key, origin)];
    let client = match session.client(key) {
        Ok(client) => client,
        Err(error) => {
            lines.push(CheckResult::from_result("service", Err(error.into())));
            return lines;
        }
    };
    let probe = client.probe().await;
    let accepted = probe
        .outcome
        .map(|()| format!("{} accepts the key", config.api.base_url));
    lines.push(CheckResult::from_result(
        "service",
        accepted.map_err(|error| error.failure.message.into()),
    ));
    lines.extend(
        probe
            .server_time
            .map(|server| clock(session.now(), server.into())),
    );
    lines
}

/// Reports a base URL without the version of the API, at which the service answers nothing.
fn base_url(config: &Config) -> Option<CheckResult> {
    let url = &config.api.base_url;
    let last = url
        .path_segments()
        .and_then(|mut parts| parts.rfind(|part| !part.is_empty()));
    let is_version = |part: &str| {
        part.strip_prefix('v').is_some_and(|number| {
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    (!last.is_some_and(is_version)).then(|| {
        let message = format!(
            "api.base_url is {url}, without a version such as /v1; the service answers 404 there"
        );
        CheckResult::new(CheckStatus::Warning, "base URL", message)
    })
}

fn clock(now: Timestamp, server: Timestamp) -> CheckResult {
    let off = now.since(server).max(server.since(now));
    if off > CLOCK_TOLERANCE {
        return CheckResult::new(
            CheckStatus::Warning,
            "clock",
            format!(
                "differs from the service's clock by {}",
                format_duration(off)
            ),
        );
    }
    CheckResult::new(
        CheckStatus::Passed,
        "clock",
        "in sync with the service".to_owned(),
    )
}
