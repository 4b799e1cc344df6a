//! `nightscribe check`: checks all prerequisites and prints one line for each.

use super::args::Global;
use super::channels;
use super::exit::{Exit, Report};
use super::session::{Session, environment};
use super::terminal::{ERROR, GOOD, WARN, length, shown, visible_lines};
use crate::api::{Client, Settings};
use crate::config::{self, Config, Environment, KeySource};
use crate::domain::Timestamp;
use crate::pipeline::watch::{LEAST_FREE, free_bytes};
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
pub(super) enum Verdict {
    Ready,
    Doubtful,
    Wrong,
}

/// Result of a check, printed as one line.
pub(super) struct Line {
    verdict: Verdict,
    what: &'static str,
    pub(super) said: String,
}

pub(super) const fn line(verdict: Verdict, what: &'static str, said: String) -> Line {
    Line {
        verdict,
        what,
        said,
    }
}

impl Line {
    pub(super) const fn is_wrong(&self) -> bool {
        matches!(self.verdict, Verdict::Wrong)
    }
}

/// Converts a `Result` to a line. An error shows the messages of all its sources.
pub(super) fn judged(what: &'static str, outcome: Result<String, Box<dyn Error>>) -> Line {
    match outcome {
        Ok(message) => line(Verdict::Ready, what, message),
        Err(error) => {
            let mut message = error.to_string();
            let mut cause = error.source();
            while let Some(error) = cause {
                message.push_str(&format!(": {error}"));
                cause = error.source();
            }
            line(Verdict::Wrong, what, message)
        }
    }
}

pub(super) async fn check(global: &Global) -> Result<Exit, Report> {
    let environment = environment()?;
    let config = match config::load(global.config.as_deref(), &environment) {
        Ok(config) => config,
        Err(error) => {
            tell(&judged("configuration", Err(error.into())))?;
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
    let channels = channels::judge(&session.config, &session.environment);
    lines.extend(
        channels
            .into_iter()
            .map(|(name, status)| judged(name, status)),
    );
    lines.extend(service(&session.config, &session.environment, session.now()).await);
    lines.extend(super::service::night::lines(&session));
    lines.iter().try_for_each(tell)?;
    let wrong = lines.iter().any(Line::is_wrong);
    Ok(if wrong { Exit::Usage } else { Exit::Done })
}

pub(super) fn tell(line: &Line) -> Result<(), Report> {
    let (style, word) = match line.verdict {
        Verdict::Ready => (GOOD, "ok  "),
        Verdict::Doubtful => (WARN, "warn"),
        Verdict::Wrong => (ERROR, "FAIL"),
    };
    let message = visible_lines(&line.said).replace('\n', "\n                    ");
    Ok(writeln!(
        anstream::stdout().lock(),
        "{style}{word}{style:#}  {:<13} {message}",
        line.what
    )?)
}

fn configuration(config: &Config) -> Line {
    match (&config.file, config.sources.len()) {
        (None, _) => {
            let message =
                "no configuration file; `nightscribe init` writes one, `--config` selects one";
            line(Verdict::Wrong, "configuration", message.to_owned())
        }
        (Some(file), 0) => line(
            Verdict::Doubtful,
            "configuration",
            format!(
                "{} has no [[source]], so no recordings are found",
                shown(file)
            ),
        ),
        (Some(file), _) => line(Verdict::Ready, "configuration", shown(file)),
    }
}

fn folder(what: &'static str, path: &Path) -> Line {
    match std::fs::read_dir(path) {
        Ok(_) => line(Verdict::Ready, what, shown(path)),
        Err(error) => line(Verdict::Wrong, what, format!("{}: {error}", shown(path))),
    }
}

async fn state(config: &Config) -> Line {
    let opened = match Store::open(&config.state.dir).await {
        Ok(store) => {
            let path = shown(store.path());
            store.close().await;
            Ok(path)
        }
        Err(error) => Err(error.into()),
    };
    judged("state", opened)
}

/// Checks that the output folder is writable by creating and removing a hidden file.
fn output(config: &Config) -> Line {
    let dir = &config.output.dir;
    let written = std::fs::create_dir_all(dir)
        .and_then(|()| {
            tempfile::Builder::new()
                .prefix(".nightscribe-")
                .tempfile_in(dir)
        })
        .map(|_| shown(dir))
        .map_err(|error| format!("{}: {error}", shown(dir)).into());
    judged("output", written)
}

fn free_space(config: &Config) -> Line {
    let free = free_bytes(&config.state.dir);
    let message = free.map_or_else(
        || "free space is unknown".to_owned(),
        |free| format!("{} MiB free for results", free >> 20),
    );
    match free {
        Some(free) if free < LEAST_FREE => line(Verdict::Wrong, "disk", message),
        Some(free) if free >= LOW_SPACE => line(Verdict::Ready, "disk", message),
        _ => line(Verdict::Doubtful, "disk", message),
    }
}

async fn service(config: &Config, environment: &Environment, now: Timestamp) -> Vec<Line> {
    let key = match config::read_key(&config.api.key, environment) {
        Ok(key) => key,
        Err(error) => return vec![judged("key", Err(error.into()))],
    };
    let origin = match &config.api.key {
        KeySource::Env(name) => format!("from the environment variable {name}"),
        KeySource::File(path) => format!("from {}", shown(path)),
    };
    let mut lines = vec![line(Verdict::Ready, "key", origin)];
    let settings = Settings {
        base_url: config.api.base_url.clone(),
        key,
        flow: config.api.flow,
    };
    let client = match Client::new(&settings) {
        Ok(client) => client,
        Err(error) => {
            lines.push(judged("service", Err(error.into())));
            return lines;
        }
    };
    let probe = client.probe().await;
    let accepted = probe
        .outcome
        .map(|()| format!("{} accepts the key", config.api.base_url));
    lines.push(judged(
        "service",
        accepted.map_err(|error| error.failure.message.into()),
    ));
    lines.extend(probe.server_time.map(|server| clock(now, server.into())));
    lines
}

fn clock(now: Timestamp, server: Timestamp) -> Line {
    let off = now.since(server).max(server.since(now));
    if off > CLOCK_TOLERANCE {
        return line(
            Verdict::Doubtful,
            "clock",
            format!("differs from the service's clock by {}", length(off)),
        );
    }
    line(
        Verdict::Ready,
        "clock",
        "in sync with the service".to_owned(),
    )
}
