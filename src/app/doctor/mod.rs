//! Checks of all prerequisites of a run.
//!
//! - [`check_result`]: result of one check
//! - `channels`: notification channels and the hook
//! - `models`: models of the sources

mod channels;
pub mod check_result;
mod models;

use crate::app::duration_text::format_duration;
use crate::app::session::Session;
use crate::config::{self, Config, Environment, KeySource, SourceConfig};
use crate::domain::Timestamp;
use crate::pipeline::monitor::{MIN_FREE_BYTES, free_bytes};
use crate::provider::aimlapi::options;
use crate::provider::{Client, ClientSettings};
use crate::source::folder::walk::{WalkItem, WalkOptions, walk};
use crate::store::Store;
use check_result::{CheckResult, CheckStatus, path_text};
use std::time::Duration;

/// Largest tolerated clock difference to the service. A larger one makes expiry times unreliable.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);
/// How long the search for damage in the database may take.
const INTEGRITY_LIMIT: Duration = Duration::from_secs(20);
/// Free space below which a long run may be held, in bytes.
const LOW_SPACE: u64 = 1 << 30;

/// Checks the configuration, folders, free space, channels, the key, the service and the clock.
///
/// Creates the queue and the output folder if needed. The installed service is not part of it.
pub async fn check_all(session: &Session) -> Vec<CheckResult> {
    let (config, environment) = (&session.config, &session.environment);
    let mut results = vec![configuration(config)];
    let sources = config.sources.iter();
    results.extend(sources.map(|source| source_folder(source, config, session.now())));
    results.extend(sources_options(config));
    results.push(state(config).await);
    results.push(output(config));
    results.push(free_space(config));
    let channels = channels::check(config, environment).into_iter();
    results.extend(channels.map(|(name, status)| CheckResult::from_result(name, status)));
    results.extend(service(config, environment, session.now()).await);
    results.extend(models::check(session).await);
    results
}

fn configuration(config: &Config) -> CheckResult {
    match (&config.file, config.sources.len()) {
        (None, _) => {
            let message =
                "no configuration file; `nightscribe init` writes one, `--config` selects one";
            CheckResult::new(CheckStatus::Failed, "configuration", message.to_owned())
        }
        (Some(file), 0) => CheckResult::new(
            CheckStatus::Warning,
            "configuration",
            format!(
                "{} has no [[source]], so no recordings are found",
                path_text(file)
            ),
        ),
        (Some(file), _) => CheckResult::new(CheckStatus::Passed, "configuration", path_text(file)),
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

/// Walks a source, and counts what is taken and what is passed over.
fn source_folder(source: &SourceConfig, config: &Config, now: Timestamp) -> CheckResult {
    let skip = [config.output.dir.clone(), config.state.dir.clone()];
    let path = path_text(&source.path);
    let walked = walk(WalkOptions {
        root: &source.path,
        include: source.include.as_ref(),
        exclude: &source.exclude,
        default_excludes: source.default_excludes,
        follow_links: source.follow_links,
        settle: source.settle,
        skip: &skip,
        now,
    });
    let mut items = match walked {
        Ok(items) => items,
        Err(error) => {
            return CheckResult::new(CheckStatus::Failed, "source", format!("{path}: {error}"));
        }
    };
    let (mut taken, mut unsettled) = (0_u64, 0_u64);
    for item in items.by_ref() {
        match item {
            WalkItem::Recording { .. } => taken += 1,
            WalkItem::Unsettled { .. } => unsettled += 1,
            WalkItem::Rules { .. } | WalkItem::Unreadable { .. } => {}
        }
    }
    let mut message = format!("{path}: {taken} recordings");
    if unsettled > 0 {
        message.push_str(&format!(", {unsettled} still changing or open"));
    }
    let left_out = items.left_out();
    if !left_out.is_empty() {
        message.push_str(&format!("; passed over: {left_out}"));
    }
    CheckResult::new(CheckStatus::Passed, "source", message)
}

async fn state(config: &Config) -> CheckResult {
    let store = match Store::open(&config.state.dir).await {
        Ok(store) => store,
        Err(error) => return CheckResult::from_result("state", Err(error.into())),
    };
    let path = path_text(store.path());
    let checked = store.check_integrity(INTEGRITY_LIMIT).await;
    store.close().await;
    match checked {
        Ok(false) => CheckResult::new(
            CheckStatus::Warning,
            "state",
            format!("{path}: no damage found, but the time was too short for the whole database"),
        ),
        checked => CheckResult::from_result("state", checked.map(|_| path).map_err(Into::into)),
    }
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
        .map(|_| path_text(dir))
        .map_err(|error| format!("{}: {error}", path_text(dir)).into());
    CheckResult::from_result("output", written)
}

fn free_space(config: &Config) -> CheckResult {
    let free = free_bytes(&config.state.dir);
    let message = free.map_or_else(
        || "free space is unknown".to_owned(),
        |free| format!("{} MiB free for results", free >> 20),
    );
    match free {
        Some(free) if free < MIN_FREE_BYTES => {
            CheckResult::new(CheckStatus::Failed, "disk", message)
        }
        Some(free) if free >= LOW_SPACE => CheckResult::new(CheckStatus::Passed, "disk", message),
        _ => CheckResult::new(CheckStatus::Warning, "disk", message),
    }
}

async fn service(config: &Config, environment: &Environment, now: Timestamp) -> Vec<CheckResult> {
    let key = match config::read_key(&config.api.key, environment) {
        Ok(key) => key,
        Err(error) => return vec![CheckResult::from_result("key", Err(error.into()))],
    };
    let origin = match &config.api.key {
        KeySource::Env(name) => format!("from the environment variable {name}"),
        KeySource::File(path) => format!("from {}", path_text(path)),
    };
    let mut lines = vec![CheckResult::new(CheckStatus::Passed, "key", origin)];
    let settings = ClientSettings {
        base_url: config.api.base_url.clone(),
        key,
        flow: config.api.flow,
    };
    let client = match Client::new(&settings) {
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
    lines.extend(probe.server_time.map(|server| clock(now, server.into())));
    lines
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
