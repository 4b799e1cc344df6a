//! Scans the sources and queues new recordings. A blocking thread walks the source, and its findings are recorded in
//! batches meanwhile. The first recordings are therefore submitted before the walk ends.

pub(crate) mod daemon;
pub mod guard;
mod reported;
use crate::config::{Config, SourceConfig};
use crate::domain::Location;
use crate::domain::{HoldKind, Request, Timestamp};
use crate::output::naming;
use crate::pipeline::event::{Observer, RunEvent, ScanSummary};
use crate::pipeline::journal::{Journal, STORE_RETRY_DELAY};
use crate::pipeline::reach::Reach;
use crate::runtime::clock::sleep_until;
use crate::source::folder::left_out::LeftOut;
use crate::source::folder::rules::WalkRules;
use crate::source::folder::selection::relative_to;
use crate::source::folder::walk::{SKIP_MARKER, WalkItem, WalkOptions, walk};
use crate::store::sqlite::recordings::{BATCH_SIZE, FoundRecording, ScanDiff};
use crate::store::sqlite::rules::FolderRule;
use crate::store::{Store, StoreError};
use guard::Guard;
use reported::NewProblems;
pub use reported::ReportedProblems;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Size of the first batch, small so that submissions start early. Each batch is recorded in one commit. The size
/// doubles with each batch, up to [`BATCH_SIZE`].
const FIRST_BATCH: usize = 64;
/// Longest time for which a single run waits for fresh files to settle.
const MAX_SETTLE_WAIT: Duration = Duration::from_secs(300);
/// Number of batches that the walk may be ahead of the database.
const BATCHES_AHEAD: usize = 1;

/// The discover stage and what it shares with others.
pub struct Discover {
    /// Configuration, with the sources.
    pub config: Arc<Config>,
    /// Durable writes and events.
    pub journal: Arc<Journal>,
    /// Sources that may be submitted from.
    pub reach: Arc<Reach>,
    /// Problems of earlier scans.
    pub reported: ReportedProblems,
    /// Guard against submissions of what is paid for.
    pub guard: Guard,
}

/// Scans every source once, and those with fresh files again when these have settled. A file that takes longer is left to
/// the next run.
///
/// # Errors
/// If the database fails permanently.
pub async fn scan_all(stage: &Discover) -> Result<(), StoreError> {
    let mut unsettled = Vec::new();
    for source in &stage.config.sources {
        let last = stage
            .journal
            .now()
            .after(source.settle.min(MAX_SETTLE_WAIT));
        let settles_at = settles_by(last, scan_source(stage, source).await?);
        unsettled.extend(settles_at.map(|at| (source, at, last)));
    }
    while !unsettled.is_empty() && !stage.journal.signals.stop.is_cancelled() {
        let (source, settles_at, last) = unsettled.remove(0);
        tokio::select! {
            () = stage.journal.signals.stop.cancelled() => return Ok(()),
            () = sleep_until(&*stage.journal.clock, settles_at) => {}
        }
        let settles_at = settles_by(last, scan_source(stage, source).await?);
        unsettled.extend(settles_at.map(|at| (source, at, last)));
    }
    Ok(())
}

/// Returns when all files that a scan found can have settled, if that is not after `last`.
fn settles_by(last: Timestamp, scan: Option<ScanSummary>) -> Option<Timestamp> {
    scan?.settles_at.filter(|at| *at <= last)
}

/// Scans one source and updates the sources within reach. New recordings may be submitted during the scan. The scan is
/// retried while the error of the database is transient. Returns `None` if the folder is missing or the run stops.
///
/// # Errors
/// If the database fails permanently. A missing source or an unreadable folder is reported instead, and does not change
/// the queue.
pub async fn scan_source(
    stage: &Discover,
    source: &SourceConfig,
) -> Result<Option<ScanSummary>, StoreError> {
    let is_there = source.path.is_dir();
    // With folder rules, the end of the scan may change the requests of queued jobs, so nothing is submitted before.
    let rules = stage.journal.store.folder_rules(&source.name).await?;
    let guard = stage
        .guard
        .begin_scan(&stage.journal.store, &source.name)
        .await?;
    let may_submit = is_there && rules.is_empty() && !guard.needs_comparison();
    stage.reach.set(&source.name, may_submit);
    let before_record = |diff: &ScanDiff| guard.before_record(diff);
    let new_problems = NewProblems {
        reported: &stage.reported,
        observer: stage.journal.as_ref(),
    };
    let on_recorded = || stage.journal.signals.wake_submit.notify_one();
    let mut store_failed = false;
    loop {
        let scanner = Scanner {
            config: &stage.config,
            store: &stage.journal.store,
            observer: &new_problems,
            now: stage.journal.now(),
            before_record: &before_record,
            on_recorded: &on_recorded,
        };
        match scanner.scan(source, &rules).await {
            Err(error) if error.is_transient() && !stage.journal.signals.stop.is_cancelled() => {
                store_failed = true;
                stage.journal.hold_for_store_error(&error);
            }
            scanned => {
                if store_failed {
                    stage.journal.release(HoldKind::Disk).await;
                }
                guard.end();
                stage.reach.set(&source.name, is_there);
                stage.journal.signals.wake_submit.notify_one();
                return scanned;
            }
        }
        tokio::select! {
            () = stage.journal.signals.stop.cancelled() => return Ok(None),
            () = tokio::time::sleep(STORE_RETRY_DELAY) => {}
        }
    }
}

/// Scans sources, in a run or outside of one.
pub struct Scanner<'a> {
    /// Configuration, with the folders to skip.
    pub config: &'a Config,
    /// Store that receives the recordings.
    pub store: &'a Store,
    /// Receiver of the events.
    pub observer: &'a dyn Observer,
    /// Time of the scan.
    pub now: Timestamp,
    /// Callback before new or changed recordings are stored.
    pub before_record: &'a (dyn Fn(&ScanDiff) + Sync),
    /// Callback after the queue was changed.
    pub on_recorded: &'a (dyn Fn() + Sync),
}

impl Scanner<'_> {
    /// Scans one source and records new and changed recordings. `before` are its folder rules as of the last scan. Returns
    /// `None` if its folder is missing. After a crash, the recordings committed so far remain.
    ///
    /// # Errors
    /// If the database fails. An unreadable folder is reported instead.
    pub async fn scan(
        &self,
        source: &SourceConfig,
        before: &[FolderRule],
    ) -> Result<Option<ScanSummary>, StoreError> {
        let (sender, mut walked) = mpsc::channel(BATCHES_AHEAD);
        let skip = vec![
            self.config.output.dir.clone(),
            self.config.state.dir.clone(),
        ];
        let walking = tokio::task::spawn_blocking({
            let (source, now) = (source.clone(), self.now);
            let max_lookups = self.config.limits.max_lookups;
            move || {
                let options = WalkOptions::of(&source, &skip, max_lookups, now);
                walk_source(&source, options, &sender)
            }
        });
        let mut scan = ScanSummary::default();
        while let Some(batch) = walked.recv().await {
            let found = batch.found.into_iter();
            let seen = found
                .filter_map(|found| self.count(source, found, &mut scan))
                .collect();
            self.record(source, seen, &batch.requests, &mut scan)
                .await?;
        }
        match walking.await {
            Ok(Ok((rules, left_out))) => {
                self.update_rules(source, before, rules).await?;
                self.observer.on_event(&RunEvent::LeftOut {
                    source: source.name.clone(),
                    left_out,
                });
                self.observer.on_event(&RunEvent::Scanned {
                    source: source.name.clone(),
                    scan,
                });
                return Ok(Some(scan));
            }
            Ok(Err(reason)) => {
                let (source, path) = (source.name.clone(), source.path.clone());
                self.observer.on_event(&RunEvent::SourceMissing {
                    source,
                    path,
                    reason,
                });
            }
            Err(panic) => {
                tracing::error!(error = %panic, source = source.name, "the scan of a source panicked")
            }
        }
        Ok(None)
    }

    /// Counts a finding. Returns it if it is a recording to compare with the queue.
    fn count(
        &self,
        source: &SourceConfig,
        found: WalkItem,
        scan: &mut ScanSummary,
    ) -> Option<FoundRecording> {
        match found {
            WalkItem::Recording { path, fingerprint } => {
                scan.found += 1;
                return Some(FoundRecording {
                    relative: relative_to(&source.path, &path).to_owned(),
                    location: Location::File(path),
                    size_bytes: fingerprint.size_bytes,
                    modified: fingerprint.modified,
                });
            }
            WalkItem::Unsettled {
                settles_at: settles,
                ..
            } => {
                scan.unsettled += 1;
                let first = scan.settles_at.map_or(settles, |first| first.min(settles));
                scan.settles_at = Some(first);
            }
            WalkItem::Rules { .. } => {}
            WalkItem::Unreadable { path, message } => {
                scan.problems += 1;
                self.observer.on_event(&RunEvent::ScanProblem {
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
        source: &SourceConfig,
        seen: Vec<FoundRecording>,
        requests: &Requests,
        scan: &mut ScanSummary,
    ) -> Result<(), StoreError> {
        let diff = self.store.new_or_changed(&source.name, seen).await?;
        if diff.unknown.is_empty() {
            return Ok(());
        }
        (self.before_record)(&diff);
        for (request, unknown) in group_by_request(diff.unknown, requests) {
            let request = request.as_deref().unwrap_or(&source.request);
            let recorded = self
                .store
                .record(&source.name, request, unknown, base_names, self.now)
                .await?;
            scan.new += recorded.new;
            scan.changed += recorded.changed;
        }
        (self.on_recorded)();
        Ok(())
    }

    /// Stores the folder rules of a complete walk. If they changed, updates the requests of queued jobs.
    async fn update_rules(
        &self,
        source: &SourceConfig,
        before: &[FolderRule],
        found: WalkRules,
    ) -> Result<(), StoreError> {
        let rules = found.merge(before, is_scanned);
        if rules != before {
            self.store
                .set_folder_rules(&source.name, &source.request, rules, self.now)
                .await?;
            (self.on_recorded)();
        }
        Ok(())
    }
}

/// Whether a folder exists and is not excluded by a marker file in it or above it.
fn is_scanned(folder: &Path) -> bool {
    let is_excluded = |folder: &Path| folder.join(SKIP_MARKER).is_file();
    folder.is_dir() && !folder.ancestors().any(is_excluded)
}

/// Requests for recordings in folders with rules, by path in the source.
type Requests = HashMap<PathBuf, Arc<Request>>;

/// Findings that the walk sends in one message.
#[derive(Default)]
struct WalkBatch {
    found: Vec<WalkItem>,
    requests: Requests,
}

/// Groups recordings by request. Keeps the order within each group.
fn group_by_request(
    seen: Vec<FoundRecording>,
    requests: &Requests,
) -> Vec<(Option<Arc<Request>>, Vec<FoundRecording>)> {
    if requests.is_empty() {
        return vec![(None, seen)];
    }
    let mut groups: Vec<(Option<Arc<Request>>, Vec<FoundRecording>)> = Vec::new();
    for recording in seen {
        let request = requests.get(&recording.relative).cloned();
        match groups.iter_mut().find(|(other, _)| *other == request) {
            Some((_, group)) => group.push(recording),
            None => groups.push((request, vec![recording])),
        }
    }
    groups
}

/// Walks a source on this thread and sends what it finds. Ends early if the receiver is gone. Returns the folder rules
/// and the counts of passed-over files so far.
///
/// # Errors
/// Why the walk could not start.
fn walk_source(
    source: &SourceConfig,
    options: WalkOptions<'_>,
    sender: &mpsc::Sender<WalkBatch>,
) -> Result<(WalkRules, LeftOut), String> {
    let mut walking = walk(options).map_err(|gone| gone.to_string())?;
    let mut rules = WalkRules::new(source);
    let (mut batch, mut batch_size) = (WalkBatch::default(), FIRST_BATCH);
    while let Some(found) = walking.next() {
        match found {
            WalkItem::Rules { folder } => {
                let path = source.path.join(&folder);
                if let Err(message) = rules.enter(folder) {
                    walking.skip_folder();
                    batch.found.push(WalkItem::Unreadable { path, message });
                }
                continue;
            }
            WalkItem::Recording { ref path, .. } => {
                let relative = relative_to(&source.path, path);
                if let Some(request) = rules.request_for(relative) {
                    batch.requests.insert(relative.to_owned(), request);
                }
            }
            WalkItem::Unreadable { ref path, .. } => rules.mark_unreadable(path),
            WalkItem::Unsettled { .. } => {}
        }
        batch.found.push(found);
        if batch.found.len() == batch_size {
            if sender.blocking_send(std::mem::take(&mut batch)).is_err() {
                return Ok((rules, walking.left_out()));
            }
            batch_size = BATCH_SIZE.min(2 * batch_size);
        }
    }
    // Fails only if the receiver is gone, which does not need the last batch then.
    let _receiver_gone = sender.blocking_send(batch);
    Ok((rules, walking.left_out()))
}

/// Returns the base names that the transcripts of a recording may have, in order of preference.
#[must_use]
pub fn base_names(name: &OsStr) -> Box<dyn Iterator<Item = OsString> + Send> {
    Box::new(naming::base_names(name))
}
