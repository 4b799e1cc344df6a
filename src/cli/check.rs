//! `nightscribe check`: one line for each thing that must be ready.

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

/// A clock that is further off makes expiry times wrong enough to matter.
const CLOCK_OFF: Duration = Duration::from_secs(60);
/// Room below which a long night may come to a hold, in bytes.
const LOW_ROOM: u64 = 1 << 30;

pub(super) enum Verdict {
    Ready,
    Doubtful,
    Wrong,
}

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

/// A result as a line: what it says, or everything that is behind its error.
pub(super) fn judged(what: &'static str, outcome: Result<String, Box<dyn Error>>) -> Line {
    match outcome {
        Ok(said) => line(Verdict::Ready, what, said),
        Err(error) => {
            let mut said = error.to_string();
            let mut cause = error.source();
            while let Some(error) = cause {
                said.push_str(&format!(": {error}"));
                cause = error.source();
            }
            line(Verdict::Wrong, what, said)
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
    lines.push(room(&session.config));
    let channels = channels::judge(&session.config, &session.environment);
    lines.extend(channels.into_iter().map(|(what, said)| judged(what, said)));
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
    let said = visible_lines(&line.said).replace('\n', "\n                    ");
    Ok(writeln!(
        anstream::stdout().lock(),
        "{style}{word}{style:#}  {:<13} {said}",
        line.what
    )?)
}

fn configuration(config: &Config) -> Line {
    match (&config.file, config.sources.len()) {
        (None, _) => {
            let said = "there is none; `nightscribe init` writes one, `--config` names one";
            line(Verdict::Wrong, "configuration", said.to_owned())
        }
        (Some(file), 0) => line(
            Verdict::Doubtful,
            "configuration",
            format!("{} has no [[source]], so nothing is found", shown(file)),
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

/// Writes and removes a hidden file, which is the one sure way to tell.
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

fn room(config: &Config) -> Line {
    let free = free_bytes(&config.state.dir);
    let said = free.map_or_else(
        || "cannot be told".to_owned(),
        |free| format!("{} MiB free for results", free >> 20),
    );
    match free {
        Some(free) if free < LEAST_FREE => line(Verdict::Wrong, "disk", said),
        Some(free) if free >= LOW_ROOM => line(Verdict::Ready, "disk", said),
        _ => line(Verdict::Doubtful, "disk", said),
    }
}

async fn service(config: &Config, environment: &Environment, now: Timestamp) -> Vec<Line> {
    let key = match config::read_key(&config.api.key, environment) {
        Ok(key) => key,
        Err(error) => return vec![judged("key", Err(error.into()))],
    };
    let place = match &config.api.key {
        KeySource::Env(name) => format!("from the environment variable {name}"),
        KeySource::File(path) => format!("from {}", shown(path)),
    };
    let mut lines = vec![line(Verdict::Ready, "key", place)];
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
    let taken = probe
        .outcome
        .map(|()| format!("{} takes the key", config.api.base_url));
    lines.push(judged(
        "service",
        taken.map_err(|error| error.failure.message.into()),
    ));
    lines.extend(probe.server_time.map(|server| clock(now, server.into())));
    lines
}

fn clock(now: Timestamp, server: Timestamp) -> Line {
    let off = now.since(server).max(server.since(now));
    if off > CLOCK_OFF {
        return line(
            Verdict::Doubtful,
            "clock",
            format!("{} away from the service's", length(off)),
        );
    }
    line(
        Verdict::Ready,
        "clock",
        "agrees with the service's".to_owned(),
    )
}
