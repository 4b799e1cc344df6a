//! What is new → queue. A source is walked on a blocking thread; what it finds is recorded in batches while the walk
//! goes on, so that the first recordings are submitted before the last are found.

use super::context::Context;
use super::event::{Event, Scan};
use crate::config::Source;
use crate::domain::Timestamp;
use crate::media::fingerprint::Fingerprint;
use crate::media::walk::{Found, Walk, walk};
use crate::output::naming;
use crate::store::StoreError;
use crate::store::queue::Reach;
use crate::store::recordings::{Location, Seen};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::PoisonError;
use tokio::sync::mpsc;

/// Recordings that are recorded in one commit.
const BATCH: usize = 500;

/// Looks through every source once, then lets the stages know which sources can be submitted from.
///
/// # Errors
/// If the database fails for good. A source that is gone or a folder that cannot be read is reported and changes
/// nothing in the queue.
pub async fn scan_all(context: &Context) -> Result<(), StoreError> {
    let configured: Vec<String> = context
        .config
        .sources
        .iter()
        .map(|source| source.name.clone())
        .collect();
    let mut present = Vec::new();
    for source in &context.config.sources {
        if context.stop.is_cancelled() {
            break;
        }
        match std::fs::read_dir(&source.path) {
            Ok(_) => {
                present.push(source.name.clone());
                set_reach(context, &configured, &present);
                scan(context, source).await?;
            }
            Err(error) => context.notice(&Event::SourceGone {
                source: source.name.clone(),
                path: source.path.clone(),
                reason: error.to_string(),
            }),
        }
    }
    set_reach(context, &configured, &present);
    context.to_submit.notify_one();
    Ok(())
}

fn set_reach(context: &Context, configured: &[String], present: &[String]) {
    let reach = Reach {
        configured: configured.to_vec(),
        present: present.to_vec(),
    };
    *context
        .reach
        .write()
        .unwrap_or_else(PoisonError::into_inner) = reach;
}

async fn scan(context: &Context, source: &Source) -> Result<(), StoreError> {
    let (sender, mut found) = mpsc::channel(BATCH);
    let skip = vec![
        context.config.output.dir.clone(),
        context.config.state.dir.clone(),
    ];
    let walking = tokio::task::spawn_blocking({
        let (source, now) = (source.clone(), context.now());
        move || send_all(&source, &skip, now, &sender)
    });
    let mut scan = Scan::default();
    let mut batch = Vec::with_capacity(BATCH);
    while let Some(one) = found.recv().await {
        match one {
            Found::Recording {
                relative,
                fingerprint,
            } => {
                scan.found += 1;
                let location = Location::File(source.path.join(&relative));
                let Fingerprint {
                    size_bytes,
                    modified,
                } = fingerprint;
                batch.push(Seen {
                    location,
                    relative,
                    size_bytes,
                    modified,
                });
            }
            Found::Unsettled { .. } => scan.unsettled += 1,
            Found::Problem { path, message } => {
                scan.problems += 1;
                context.notice(&Event::ScanProblem {
                    source: source.name.clone(),
                    path,
                    reason: message,
                });
            }
        }
        if batch.len() == BATCH {
            record(context, source, std::mem::take(&mut batch), &mut scan).await?;
        }
    }
    record(context, source, batch, &mut scan).await?;
    match walking.await {
        Ok(None) => context.notice(&Event::Scanned {
            source: source.name.clone(),
            scan,
        }),
        Ok(Some(reason)) => {
            let (source, path) = (source.name.clone(), source.path.clone());
            context.notice(&Event::SourceGone {
                source,
                path,
                reason,
            });
        }
        Err(panic) => {
            tracing::error!(error = %panic, source = source.name, "looking through a source failed")
        }
    }
    Ok(())
}

/// Walks on this thread until the end or until nobody listens any more. Says why if it could not begin.
fn send_all(
    source: &Source,
    skip: &[PathBuf],
    now: Timestamp,
    sender: &mpsc::Sender<Found>,
) -> Option<String> {
    let found = walk(Walk {
        root: &source.path,
        include: source.include.as_ref(),
        exclude: &source.exclude,
        settle: source.settle,
        skip,
        now,
    });
    match found {
        Ok(mut found) => {
            found.try_for_each(|one| sender.blocking_send(one)).ok();
            None
        }
        Err(gone) => Some(gone.to_string()),
    }
}

async fn record(
    context: &Context,
    source: &Source,
    seen: Vec<Seen>,
    scan: &mut Scan,
) -> Result<(), StoreError> {
    let unknown = context.store.unknown_of(&source.name, seen).await?;
    if unknown.is_empty() {
        return Ok(());
    }
    let recorded = context
        .store
        .record(&source.name, &source.request, unknown, bases, context.now())
        .await?;
    scan.new += recorded.new;
    scan.changed += recorded.changed;
    context.to_submit.notify_one();
    Ok(())
}

/// The names a recording's transcripts may have.
#[must_use]
pub fn bases(name: &OsStr) -> Box<dyn Iterator<Item = OsString> + Send> {
    Box::new(naming::bases(name))
}
