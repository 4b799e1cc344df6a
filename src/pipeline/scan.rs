//! What is new → queue. A source is walked on a blocking thread; what it finds is recorded in batches while the walk
//! goes on, so that the first recordings are submitted before the last are found.

use super::context::{Context, STORE_RETRY};
use super::event::{Event, Observer, Scan};
use crate::config::{Config, Source};
use crate::domain::{HoldKind, Timestamp};
use crate::media::walk::{Found, Walk, walk};
use crate::output::naming;
use crate::store::recordings::{Location, Seen};
use crate::store::{Store, StoreError};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::PoisonError;
use tokio::sync::mpsc;

/// What is handed over by the walk at once, and recorded in one commit.
const BATCH: usize = 2000;
/// Batches that the walk is ahead by.
const AHEAD: usize = 1;

/// Looks through every source once.
///
/// # Errors
/// If the database fails for good.
pub async fn scan_all(context: &Context) -> Result<(), StoreError> {
    for source in &context.config.sources {
        if context.stop.is_cancelled() {
            break;
        }
        scan_one(context, source).await?;
    }
    Ok(())
}

/// Looks through one source, and lets the stages know whether it can be submitted from; what is found may be submitted
/// while the look goes on. Again as long as the database cannot take what is found for a passing reason. `None` if the
/// folder is not there, or the run stops.
///
/// # Errors
/// If the database fails for good. A source that is gone or a folder that cannot be read is reported and changes
/// nothing in the queue.
pub async fn scan_one(context: &Context, source: &Source) -> Result<Option<Scan>, StoreError> {
    set_reach(context, source, source.path.is_dir());
    let recorded = || context.to_submit.notify_one();
    let mut troubled = false;
    loop {
        let scanner = Scanner {
            config: &context.config,
            store: &context.store,
            observer: &*context.observer,
            now: context.now(),
            recorded: &recorded,
        };
        match scanner.scan(source).await {
            Err(error) if error.is_passing() && !context.stop.is_cancelled() => {
                troubled = true;
                context.store_trouble(&error);
            }
            scanned => {
                if troubled {
                    context.release(HoldKind::Disk).await;
                }
                context.to_submit.notify_one();
                return scanned;
            }
        }
        tokio::select! {
            () = context.stop.cancelled() => return Ok(None),
            () = tokio::time::sleep(STORE_RETRY) => {}
        }
    }
}

fn set_reach(context: &Context, source: &Source, is_present: bool) {
    let names = context.config.sources.iter();
    let mut reach = context
        .reach
        .write()
        .unwrap_or_else(PoisonError::into_inner);
    reach.configured = names.map(|source| source.name.clone()).collect();
    reach.present.retain(|name| *name != source.name);
    if is_present {
        reach.present.push(source.name.clone());
    }
}

/// Looks through sources, in a run or without one.
pub struct Scanner<'a> {
    /// Says what to take and what to leave alone.
    pub config: &'a Config,
    /// Where it is recorded.
    pub store: &'a Store,
    /// Whoever shows it.
    pub observer: &'a dyn Observer,
    /// The time.
    pub now: Timestamp,
    /// Called when something new was recorded.
    pub recorded: &'a (dyn Fn() + Sync),
}

impl Scanner<'_> {
    /// Looks through one source and records what is new or changed. `None` if its folder is not there. A crash leaves
    /// what was recorded so far.
    ///
    /// # Errors
    /// If the database fails. A folder that cannot be read is reported.
    pub async fn scan(&self, source: &Source) -> Result<Option<Scan>, StoreError> {
        let (sender, mut walked) = mpsc::channel(AHEAD);
        let skip = vec![
            self.config.output.dir.clone(),
            self.config.state.dir.clone(),
        ];
        let walking = tokio::task::spawn_blocking({
            let (source, now) = (source.clone(), self.now);
            move || send_all(&source, &skip, now, &sender)
        });
        let mut scan = Scan::default();
        while let Some(found) = walked.recv().await {
            let seen = found
                .into_iter()
                .filter_map(|one| self.count(source, one, &mut scan))
                .collect();
            self.record(source, seen, &mut scan).await?;
        }
        match walking.await {
            Ok(None) => {
                self.observer.notice(&Event::Scanned {
                    source: source.name.clone(),
                    scan,
                });
                return Ok(Some(scan));
            }
            Ok(Some(reason)) => {
                let (source, path) = (source.name.clone(), source.path.clone());
                self.observer.notice(&Event::SourceGone {
                    source,
                    path,
                    reason,
                });
            }
            Err(panic) => {
                tracing::error!(error = %panic, source = source.name, "looking through a source failed")
            }
        }
        Ok(None)
    }

    /// Counts what was found; gives it back if it is a recording to be compared with the queue.
    fn count(&self, source: &Source, found: Found, scan: &mut Scan) -> Option<Seen> {
        match found {
            Found::Recording {
                relative,
                fingerprint,
            } => {
                scan.found += 1;
                return Some(Seen {
                    location: Location::File(source.path.join(&relative)),
                    relative,
                    size_bytes: fingerprint.size_bytes,
                    modified: fingerprint.modified,
                });
            }
            Found::Unsettled { settles, .. } => {
                scan.unsettled += 1;
                let first = scan.settles.map_or(settles, |first| first.min(settles));
                scan.settles = Some(first);
            }
            Found::Problem { path, message } => {
                scan.problems += 1;
                self.observer.notice(&Event::ScanProblem {
                    source: source.name.clone(),
                    path,
                    reason: message,
                });
            }
        }
        None
    }

    async fn record(
        &self,
        source: &Source,
        seen: Vec<Seen>,
        scan: &mut Scan,
    ) -> Result<(), StoreError> {
        let unknown = self.store.unknown_of(&source.name, seen).await?;
        if unknown.is_empty() {
            return Ok(());
        }
        let recorded = self
            .store
            .record(&source.name, &source.request, unknown, bases, self.now)
            .await?;
        scan.new += recorded.new;
        scan.changed += recorded.changed;
        (self.recorded)();
        Ok(())
    }
}

/// Walks on this thread until the end or until nobody listens any more. Says why if it could not begin.
fn send_all(
    source: &Source,
    skip: &[PathBuf],
    now: Timestamp,
    sender: &mpsc::Sender<Vec<Found>>,
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
        Ok(mut found) => loop {
            let batch: Vec<_> = found.by_ref().take(BATCH).collect();
            let is_last = batch.len() < BATCH;
            if sender.blocking_send(batch).is_err() || is_last {
                return None;
            }
        },
        Err(gone) => Some(gone.to_string()),
    }
}

/// The names a recording's transcripts may have.
#[must_use]
pub fn bases(name: &OsStr) -> Box<dyn Iterator<Item = OsString> + Send> {
    Box::new(naming::bases(name))
}
