//! `nightscribe add`

use super::args::Add;
use super::exit::{Exit, Report};
use super::session::Session;
use super::terminal::{ERROR, shown};
use crate::config::Source;
use crate::domain::Timestamp;
use crate::media::fingerprint;
use crate::output::naming::url_file_name;
use crate::pipeline::scan::bases;
use crate::store::Store;
use crate::store::recordings::{Location, Recorded, Seen};
use std::io::Write;
use std::path::{Path, PathBuf};
use url::Url;

pub(super) async fn add(session: &Session, args: &Add) -> Result<Exit, Report> {
    session.require_file()?;
    let source = match &args.source {
        Some(name) => session.source(name)?,
        None => session.config.sources.first().ok_or_else(|| {
            Report::new(
                Exit::Usage,
                "no [[source]] is configured; `add` takes the model and options from one",
            )
        })?,
    };
    let store = session.store().await?;
    let mut exit = Exit::Done;
    for what in &args.what {
        match seen(session, source, what) {
            Ok(seen) => report(what, record(&store, source, seen, session.now()).await?)?,
            Err(reason) => {
                exit = Exit::Usage;
                writeln!(
                    anstream::stderr(),
                    "{ERROR}error{ERROR:#}: {}: {reason}",
                    shown(what)
                )?;
            }
        }
    }
    store.close().await;
    Ok(exit)
}

async fn record(
    store: &Store,
    source: &Source,
    seen: Seen,
    now: Timestamp,
) -> Result<Recorded, Report> {
    Ok(store
        .record(&source.name, &source.request, vec![seen], bases, now)
        .await?)
}

fn report(what: &Path, recorded: Recorded) -> Result<(), Report> {
    let what = shown(what);
    let job = recorded
        .last_job
        .map_or_else(String::new, |job| format!(" ({job})"));
    let line = match recorded {
        Recorded {
            new: 0, changed: 0, ..
        } => format!("{what}: already recorded{job}"),
        Recorded { new: 0, .. } => format!("{what}: changed, queued again{job}"),
        _ => format!("{what}: queued{job}"),
    };
    Ok(writeln!(anstream::stdout().lock(), "{line}")?)
}

fn seen(session: &Session, source: &Source, what: &Path) -> Result<Seen, String> {
    match what.to_str().filter(|text| text.contains("://")) {
        Some(url) => seen_url(url),
        None => seen_file(source, &session.environment.folder.join(what)),
    }
}

fn seen_url(text: &str) -> Result<Seen, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err("the service downloads only http:// and https:// URLs".to_owned());
    }
    Ok(Seen {
        relative: PathBuf::from(url_file_name(&url)),
        location: Location::Url(url.into()),
        size_bytes: 0,
        modified: Timestamp::from_millis(0),
    })
}

/// Describes a file as a scan would.
///
/// The relative path of a file inside the source is the one that a scan records. For other files it is the file name.
fn seen_file(source: &Source, path: &Path) -> Result<Seen, String> {
    let path = std::path::absolute(path).map_err(|error| error.to_string())?;
    let found = fingerprint::of(&path).map_err(|error| error.to_string())?;
    let inside = path.strip_prefix(&source.path).map(Path::to_owned);
    let relative = inside.or_else(|_| {
        path.file_name()
            .map(PathBuf::from)
            .ok_or("the path has no file name".to_owned())
    })?;
    Ok(Seen {
        location: Location::File(path),
        relative,
        size_bytes: found.size_bytes,
        modified: found.modified,
    })
}
