//! The monitor of a run. It checks that the state folder is in its place. It checks for changes that other processes made
//! in the database (`pause`, `retry`, `cancel`), for free space on the disk of the state folder, and for changes of the
//! time.

use crate::disk::free_space::{MIN_FREE_BYTES, free_bytes};
use crate::disk::identity::PlacedFile;
use crate::domain::{Hold, HoldKind, Timestamp};
use crate::pipeline::archive::importer::Importer;
use crate::pipeline::event::RunEvent;
use crate::pipeline::journal::Journal;
use crate::pipeline::source_holds::SourceHolds;
use crate::policy::hours::Opening;
use crate::runtime::clock::sleep_steps;
use crate::store::sqlite::tick::{FileMark, TickSnapshot};
use crate::store::{Store, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Steps of [`sleep_steps`] between two checks.
const STEPS: u32 = 1;
/// The same while nothing is in progress and the database does not change.
const IDLE_STEPS: u32 = 4;
/// Time between two checks that proves that the machine slept or its clock was set forward.
const SLEEP_THRESHOLD: Duration = Duration::from_secs(60);

/// Runs the checks until the run stops.
///
/// # Errors
/// If the lock file or the database is no longer in its place, or the database fails permanently.
pub async fn run_monitor(journal: Arc<Journal>, mut monitor: Monitor) -> Result<(), StoreError> {
    let mut store_failed = false;
    loop {
        match monitor.check(&journal).await {
            Err(error) if error.is_transient() => {
                store_failed = true;
                journal.hold_for_store_error(&error);
            }
            checked => {
                checked?;
                if std::mem::take(&mut store_failed) {
                    journal.release(HoldKind::Disk).await;
                }
            }
        }
        tokio::select! {
            () = journal.signals.stop.cancelled() => return Ok(()),
            () = sleep_steps(monitor.steps()) => {}
        }
    }
}

/// The checks, and what the last ones found.
pub struct Monitor {
    /// Locked file in the state folder. A second run can begin if it is removed.
    lock_file: PlacedFile,
    /// Import of transcripts on disk, which is reported.
    importer: Arc<Importer>,
    /// Holds of single sources, which other processes may end.
    source_holds: Arc<SourceHolds>,
    /// Last snapshot of the queue.
    last_snapshot: Option<LastSnapshot>,
    /// Data version of the database at the last check, if there was one.
    version: Option<i64>,
    /// Tripped models as they are stored. `None` until they are read.
    tripped_models: Option<Vec<String>>,
    /// Whether the active hours allowed submissions at the last check.
    opening: Opening,
    /// Time of the last check.
    last_check: Timestamp,
    /// Whether submissions are held for lack of disk space.
    disk_low: bool,
    /// Time after which an unreachable service is reported. `None` if the run ends then.
    report_unreachable_after: Option<Duration>,
    /// Whether the service is unreachable and this was reported.
    is_unreachable: bool,
    /// Asks the poller to read the pending jobs again, after another process changed the database.
    reload: mpsc::Sender<()>,
}

/// A snapshot of the queue that holds until the files of the database change.
struct LastSnapshot {
    /// Mark of the files before the snapshot.
    mark: FileMark,
    /// Whether the mark was the same at the check before, so that any later commit changes it.
    is_settled: bool,
    snapshot: TickSnapshot,
}

impl Monitor {
    /// Creates the checks of a run that begins at `now`. `lock_file` is the locked file in the state folder. An
    /// unreachable service is reported after `report_unreachable_after`. `reload` is sent to after another process
    /// changed the database, so that the poller reads the pending jobs again.
    #[must_use]
    pub const fn new(
        now: Timestamp,
        lock_file: PlacedFile,
        importer: Arc<Importer>,
        source_holds: Arc<SourceHolds>,
        report_unreachable_after: Option<Duration>,
        reload: mpsc::Sender<()>,
    ) -> Self {
        Self {
            lock_file,
            importer,
            source_holds,
            last_snapshot: None,
            version: None,
            tripped_models: None,
            opening: Opening::Now,
            last_check: now,
            disk_low: false,
            report_unreachable_after,
            is_unreachable: false,
            reload,
        }
    }

    async fn check(&mut self, journal: &Journal) -> Result<(), StoreError> {
        journal.store.require_in_place()?;
        if !self.lock_file.is_in_place() {
            let path = self.lock_file.path().to_owned();
            return Err(StoreError::Replaced { path });
        }
        self.check_disk(journal).await;
        self.check_sleep(journal);
        self.check_hours(journal);
        self.check_service(journal).await;
        self.release_expired_holds(journal).await;
        self.store_tripped_models(journal).await?;
        if let Some(count) = self.importer.archive().imports_to_report(false) {
            journal.emit(&RunEvent::Imported { count });
        }
        let snapshot = self.snapshot(&journal.store).await?;
        journal.emit(&RunEvent::Tick {
            counts: snapshot.counts,
            next_expiry: snapshot.next_expiry,
            now: journal.now(),
        });
        if self.version == Some(snapshot.version) {
            return Ok(());
        }
        apply_operator_holds(journal).await?;
        self.source_holds.refresh(journal).await?;
        // Fails if a reload is already requested.
        let _already_requested = self.reload.try_send(());
        self.version = Some(snapshot.version);
        journal.signals.wake_submit.notify_one();
        journal.signals.progress.notify_one();
        Ok(())
    }

    /// Stores which models fail, for those who read only the database.
    async fn store_tripped_models(&mut self, journal: &Journal) -> Result<(), StoreError> {
        let stored = match self.tripped_models.take() {
            Some(stored) => stored,
            None => journal.store.tripped_models().await?,
        };
        let tripped = journal.admission.tripped_models();
        if stored != tripped {
            let now = journal.now();
            journal.store.set_tripped_models(&tripped, now).await?;
        }
        self.tripped_models = Some(tripped);
        Ok(())
    }

    /// Returns the steps until the next check.
    fn steps(&self) -> u32 {
        match &self.last_snapshot {
            Some(last) if last.is_settled && last.snapshot.is_idle() => IDLE_STEPS,
            _ => STEPS,
        }
    }

    /// Returns a snapshot of the queue. Takes none while the files of the database stay as they are, because its cost is
    /// most of that of an idle run.
    async fn snapshot(&mut self, store: &Store) -> Result<TickSnapshot, StoreError> {
        let mark = store.file_mark();
        if let Some(last) = &self.last_snapshot
            && last.is_settled
            && last.mark == mark
        {
            return Ok(last.snapshot.clone());
        }
        let snapshot = store.tick_snapshot().await?;
        // A commit shortly after this one may leave the mark as it is. After an interval, none can have.
        let is_settled = self
            .last_snapshot
            .as_ref()
            .is_some_and(|last| last.mark == mark);
        self.last_snapshot = Some(LastSnapshot {
            mark,
            is_settled,
            snapshot: snapshot.clone(),
        });
        Ok(snapshot)
    }

    /// Reports that the machine has slept. Tasks that wait for a time need no signal, as they read the clock every few
    /// seconds.
    fn check_sleep(&mut self, journal: &Journal) {
        let now = journal.now();
        let span = now.since(self.last_check);
        self.last_check = now;
        if span > SLEEP_THRESHOLD {
            journal.emit(&RunEvent::ClockJumped { span });
        }
    }

    /// Reports the beginning and end of the active hours.
    fn check_hours(&mut self, journal: &Journal) {
        let opening = journal.admission.opening();
        if opening != self.opening {
            self.opening = opening;
            journal.emit(&RunEvent::WindowChanged { opening });
        }
    }

    /// Reports a service that has been unreachable for too long, once per outage.
    async fn check_service(&mut self, journal: &Journal) {
        let failing_for = journal.admission.failing_for();
        if failing_for.is_zero() {
            self.is_unreachable = false;
        }
        let is_due = self
            .report_unreachable_after
            .is_some_and(|after| failing_for > after);
        if is_due && !self.is_unreachable {
            self.is_unreachable = true;
            journal.report_unreachable().await;
        }
    }

    /// Releases holds whose time has passed, such as that of a daily or monthly budget.
    async fn release_expired_holds(&self, journal: &Journal) {
        let now = journal.now();
        for hold in journal
            .admission
            .holds()
            .iter()
            .filter(|hold| hold.is_over(now))
        {
            journal.release(hold.kind).await;
        }
    }

    /// Holds submissions while the disk has too little space for their results.
    async fn check_disk(&mut self, journal: &Journal) {
        let Some(free) = free_bytes(self.lock_file.path()) else {
            return;
        };
        if free < MIN_FREE_BYTES && !self.disk_low {
            self.disk_low = true;
            let message = format!(
                "less than {} MiB of free space on the disk of the state folder",
                MIN_FREE_BYTES >> 20
            );
            let hold = Hold::new(HoldKind::Disk, journal.now(), message);
            journal.hold(hold).await;
        }
        if free >= 2 * MIN_FREE_BYTES && self.disk_low {
            self.disk_low = false;
            journal.release(HoldKind::Disk).await;
        }
    }
}

/// Applies the effect of `pause` and `resume`, which they record in the database.
async fn apply_operator_holds(journal: &Journal) -> Result<(), StoreError> {
    let mut holds = journal.store.holds().await?;
    for kind in HoldKind::ALL
        .into_iter()
        .filter(|kind| kind.ends_with_resume())
    {
        match holds.iter().position(|hold| hold.kind == kind) {
            Some(found) => {
                let hold = holds.swap_remove(found);
                if hold.is_over(journal.now()) {
                    continue;
                }
                if journal.admission.hold(hold.clone()) {
                    journal.emit(&RunEvent::Held { hold });
                }
            }
            None => {
                if journal.admission.release(kind) {
                    journal.emit(&RunEvent::Released { kind });
                }
            }
        }
    }
    Ok(())
}

/// Puts the holds left by an earlier run or by `pause` in force, and returns them. Releases the holds that this run
/// derives again from their cause.
///
/// # Errors
/// If the database fails.
pub async fn restore_holds(journal: &Journal) -> Result<Vec<Hold>, StoreError> {
    let (mut holds, now) = (journal.store.holds().await?, journal.now());
    for over in holds.iter().filter(|hold| hold.is_over(now)) {
        journal.store.release(over.kind).await?;
    }
    holds.retain(|hold| !hold.is_over(now));
    for hold in holds.iter().filter(|hold| !hold.kind.is_recomputed()) {
        journal.admission.hold(hold.clone());
        journal.emit(&RunEvent::Held { hold: hold.clone() });
    }
    for kind in HoldKind::ALL
        .into_iter()
        .filter(|kind| kind.is_recomputed())
    {
        journal.store.release(kind).await?;
    }
    Ok(holds)
}
