//! What is new → queue. A source is walked on a blocking thread; what it finds is recorded in batches while the walk
//! goes on, so that the first recordings are submitted before the last are found.

use super::context::{Context, STORE_RETRY};
use super::event::{Event, Observer, Scan};
use super::folder_rules::Met;
use crate::config::{Config, Source};
use crate::domain::{HoldKind, Request, Timestamp};
use crate::media::walk::{Found, SKIP, Walk, below, walk};
use crate::output::naming;
use crate::store::recordings::{Location, PAGE, Seen};
use crate::store::{Store, StoreError};
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use tokio::sync::mpsc;

/// What is handed over by the walk at first, and recorded in one commit: little, so that it is submitted while the walk
/// goes on; then twice as much each time, up to a [`PAGE`].
const FIRST_BATCH: usize = 64;
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
    let is_there = source.path.is_dir();
    // Where folders have rules, what is queued in them may be asked for otherwise at the end of the scan.
    let has_rules = is_there && !context.store.rules(&source.name).await?.is_empty();
    set_reach(context, source, is_there && !has_rules);
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
                set_reach(context, source, is_there);
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
        while let Some(batch) = walked.recv().await {
            let found = batch.found.into_iter();
            let seen = found
                .filter_map(|one| self.count(source, one, &mut scan))
                .collect();
            self.record(source, seen, &batch.requests, &mut scan)
                .await?;
        }
        match walking.await {
            Ok(Ok(met)) => {
                self.settle_rules(source, met).await?;
                self.observer.notice(&Event::Scanned {
                    source: source.name.clone(),
                    scan,
                });
                return Ok(Some(scan));
            }
            Ok(Err(reason)) => {
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
            Found::Recording { path, fingerprint } => {
                scan.found += 1;
                return Some(Seen {
                    relative: below(&source.path, &path).to_owned(),
                    location: Location::File(path),
                    size_bytes: fingerprint.size_bytes,
                    modified: fingerprint.modified,
                });
            }
            Found::Unsettled { settles, .. } => {
                scan.unsettled += 1;
                let first = scan.settles.map_or(settles, |first| first.min(settles));
                scan.settles = Some(first);
            }
            Found::Rules { .. } => {}
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
        requests: &Requests,
        scan: &mut Scan,
    ) -> Result<(), StoreError> {
        let unknown = self.store.unknown_of(&source.name, seen).await?;
        if unknown.is_empty() {
            return Ok(());
        }
        for (request, unknown) in by_request(unknown, requests) {
            let request = request.as_deref().unwrap_or(&source.request);
            let recorded = self
                .store
                .record(&source.name, request, unknown, bases, self.now)
                .await?;
            scan.new += recorded.new;
            scan.changed += recorded.changed;
        }
        (self.recorded)();
        Ok(())
    }

    /// After a whole walk: what is queued in folders whose rules are others now is asked for by them.
    async fn settle_rules(&self, source: &Source, met: Met) -> Result<(), StoreError> {
        let before = self.store.rules(&source.name).await?;
        let rules = met.after(&before, is_looked_through);
        if rules != before {
            self.store
                .set_rules(&source.name, &source.request, rules, self.now)
                .await?;
            (self.recorded)();
        }
        Ok(())
    }
}

/// Whether a folder is there, and not left out.
fn is_looked_through(folder: &Path) -> bool {
    let is_left_out = |folder: &Path| folder.join(SKIP).is_file();
    folder.is_dir() && !folder.ancestors().any(is_left_out)
}

/// What is asked for recordings in folders with rules, by their path in the source.
type Requests = HashMap<PathBuf, Arc<Request>>;

/// What the walk hands over at once.
#[derive(Default)]
struct Batch {
    found: Vec<Found>,
    requests: Requests,
}

/// Parts what is asked for in different ways, each part in its order.
fn by_request(seen: Vec<Seen>, requests: &Requests) -> Vec<(Option<Arc<Request>>, Vec<Seen>)> {
    if requests.is_empty() {
        return vec![(None, seen)];
    }
    let mut parts: Vec<(Option<Arc<Request>>, Vec<Seen>)> = Vec::new();
    for one in seen {
        let request = requests.get(&one.relative).cloned();
        match parts.iter_mut().find(|(other, _)| *other == request) {
            Some((_, part)) => part.push(one),
            None => parts.push((request, vec![one])),
        }
    }
    parts
}

/// Walks on this thread until the end or until nobody listens any more; says which rules it met. Or why it could not
/// begin.
fn send_all(
    source: &Source,
    skip: &[PathBuf],
    now: Timestamp,
    sender: &mpsc::Sender<Batch>,
) -> Result<Met, String> {
    let mut walking = walk(Walk {
        root: &source.path,
        include: source.include.as_ref(),
        exclude: &source.exclude,
        settle: source.settle,
        skip,
        now,
    })
    .map_err(|gone| gone.to_string())?;
    let mut met = Met::of(source);
    let (mut batch, mut enough) = (Batch::default(), FIRST_BATCH);
    while let Some(found) = walking.next() {
        match found {
            Found::Rules { folder } => {
                let path = source.path.join(&folder);
                if let Err(message) = met.enter(folder) {
                    walking.leave_folder();
                    batch.found.push(Found::Problem { path, message });
                }
                continue;
            }
            Found::Recording { ref path, .. } => {
                let relative = below(&source.path, path);
                if let Some(request) = met.request_of(relative) {
                    batch.requests.insert(relative.to_owned(), request);
                }
            }
            Found::Problem { ref path, .. } => met.overlook(path),
            Found::Unsettled { .. } => {}
        }
        batch.found.push(found);
        if batch.found.len() == enough {
            if sender.blocking_send(std::mem::take(&mut batch)).is_err() {
                return Ok(met);
            }
            enough = PAGE.min(2 * enough);
        }
    }
    // Who does not listen any more needs no rest.
    let _heard = sender.blocking_send(batch);
    Ok(met)
}

/// The names a recording's transcripts may have.
#[must_use]
pub fn bases(name: &OsStr) -> Box<dyn Iterator<Item = OsString> + Send> {
    Box::new(naming::bases(name))
}
