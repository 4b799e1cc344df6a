//! `nightscribe add`

use super::args::AddArgs;
use super::exit::{CommandError, Exit};
use crate::app::session::Session;
use super::terminal::{ERROR, printable_path};
use crate::config::SourceConfig;
use crate::domain::Timestamp;
use crate::output::naming::url_file_name;
use crate::pipeline::stages::discover::base_names;
use crate::source::folder::fingerprint;
use crate::store::Store;
use crate::store::sqlite::recordings::{FoundRecording, Location, RecordOutcome};
use std::io::Write;
use std::path::{Path, PathBuf};
use url::Url;

pub(super) async fn add(session: &Session, args: &AddArgs) -> Result<Exit, CommandError> {
    session.require_config_file()?;
    let source = match &args.source {
        Some(name) => session.source(name)?,
        None => session.config.sources.first().ok_or_else(|| {
            CommandError::new(
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
                    printable_path(what)
                )?;
            }
        }
    }
    store.close().await;
    Ok(exit)
}

async fn record(
    store: &Store,
    source: &SourceConfig,
    seen: FoundRecording,
    now: Timestamp,
) -> Result<RecordOutcome, CommandError> {
    Ok(store
        .record(&source.name, &source.request, vec![seen], base_names, now)
        .await?)
}

fn report(what: &Path, recorded: RecordOutcome) -> Result<(), CommandError> {
    let what = printable_path(what);
    let job = recorded
        .last_job
        .map_or_else(String::new, |job| format!(" ({job})"));
    let line = match recorded {
        RecordOutcome {
            new: 0, changed: 0, ..
        } => format!("{what}: already recorded{job}"),
        RecordOutcome { new: 0, .. } => format!("{what}: changed, queued again{job}"),
        _ => format!("{what}: queued{job}"),
    };
    Ok(writeln!(anstream::stdout().lock(), "{line}")?)
}

fn seen(session: &Session, source: &SourceConfig, what: &Path) -> Result<FoundRecording, String> {
    match what.to_str().filter(|text| text.contains("://")) {
        Some(url) => seen_url(url),
        None => seen_file(source, &session.environment.working_dir.join(what)),
    }
}

fn seen_url(text: &str) -> Result<FoundRecording, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err("the service downloads only http:// and https:// URLs".to_owned());
    }
    Ok(FoundRecording {
        relative: PathBuf::from(url_file_name(&url)),
        location: Location::Url(url.into()),
        size_bytes: 0,
        modified: Timestamp::from_millis(0),
    })
}

/// Describes a file as a scan would.
///
/// The relative path of a file inside the source is the one that a scan records. For other files it is the file name.
fn seen_file(source: &SourceConfig, path: &Path) -> Result<FoundRecording, String> {
    let path = std::path::absolute(path).map_err(|error| error.to_string())?;
    let found = fingerprint::of(&path).map_err(|error| error.to_string())?;
    let inside = path.strip_prefix(&source.path).map(Path::to_owned);
    let relative = inside.or_else(|_| {
        path.file_name()
            .map(PathBuf::from)
            .ok_or("the path has no file name".to_owned())
    })?;
    Ok(FoundRecording {
        location: Location::File(path),
        relative,
        size_bytes: found.size_bytes,
        modified: found.modified,
    })
}
