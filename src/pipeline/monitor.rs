//! The monitor of a run. It checks for changes that other processes made in the database (`pause`, `retry`, `cancel`),
//! for free space on the disk of the state folder, and for changes of the time.

use crate::domain::{Hold, HoldKind, Timestamp};
use crate::pipeline::context::Context;
use crate::pipeline::event::RunEvent;
use crate::policy::hours::Opening;
use crate::store::StoreError;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Time between two checks.
const INTERVAL: Duration = Duration::from_secs(1);
/// Time between two checks that proves that the machine slept or its clock was set forward.
const SLEEP_THRESHOLD: Duration = Duration::from_secs(60);
/// Free space on the disk of the state folder below which submissions are held, in bytes. Results of generations
/// already at the service still fit.
pub const MIN_FREE_BYTES: u64 = 64 << 20;

/// Runs the checks until the run stops. Sends on `reload` after another process changed the database, so that the
/// poller reads the pending jobs again.
///
/// # Errors
/// If the database fails permanently.
pub async fn run_monitor(
    context: Arc<Context>,
    reload: mpsc::Sender<()>,
) -> Result<(), StoreError> {
    let mut monitor = Monitor {
        version: None,
        opening: Opening::Now,
        last_check: context.now(),
        disk_low: false,
        reload,
    };
    let mut store_failed = false;
    loop {
        match monitor.check(&context).await {
            Err(error) if error.is_transient() => {
                store_failed = true;
                context.store_trouble(&error);
            }
            checked => {
                checked?;
                if std::mem::take(&mut store_failed) {
                    context.release(HoldKind::Disk).await;
                }
            }
        }
        tokio::select! {
            () = context.stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
}

struct Monitor {
    /// Data version of the database at the last check, if there was one.
    version: Option<i64>,
    /// Whether the active hours allowed submissions at the last check.
    opening: Opening,
    /// Time of the last check.
    last_check: Timestamp,
    /// Whether submissions are held for lack of disk space.
    disk_low: bool,
    reload: mpsc::Sender<()>,
}

impl Monitor {
    async fn check(&mut self, context: &Context) -> Result<(), StoreError> {
        self.check_disk(context).await;
        self.check_sleep(context);
        self.check_hours(context);
        self.release_expired_holds(context).await;
        let snapshot = context.store.tick_snapshot().await?;
        context.notice(&RunEvent::Tick {
            counts: snapshot.counts,
            next_expiry: snapshot.next_expiry,
            now: context.now(),
        });
        if self.version == Some(snapshot.version) {
            return Ok(());
        }
        apply_operator_hold(context).await?;
        // Fails if a reload is already requested.
        let _already_requested = self.reload.try_send(());
        self.version = Some(snapshot.version);
        context.to_submit.notify_one();
        context.progress.notify_one();
        Ok(())
    }

    /// Reports that the machine has slept. Tasks that wait for a time need no signal, as they read the clock every few
    /// seconds.
    fn check_sleep(&mut self, context: &Context) {
        let now = context.now();
        let span = now.since(self.last_check);
        self.last_check = now;
        if span > SLEEP_THRESHOLD {
            context.notice(&RunEvent::ClockJumped { span });
        }
    }

    /// Reports the beginning and end of the active hours.
    fn check_hours(&mut self, context: &Context) {
        let opening = context.gate.opening();
        if opening != self.opening {
            self.opening = opening;
            context.notice(&RunEvent::WindowChanged { opening });
        }
    }

    /// Releases holds whose time has passed, such as that of a daily or monthly budget.
    async fn release_expired_holds(&self, context: &Context) {
        let now = context.now();
        for hold in context.gate.holds().iter().filter(|hold| hold.is_over(now)) {
            context.release(hold.kind).await;
        }
    }

    /// Holds submissions while the disk has too little space for their results.
    async fn check_disk(&mut self, context: &Context) {
        let Some(free) = free_bytes(&context.config.state.dir) else {
            return;
        };
        if free < MIN_FREE_BYTES && !self.disk_low {
            self.disk_low = true;
            let message = format!(
                "less than {} MiB of free space on the disk of the state folder",
                MIN_FREE_BYTES >> 20
            );
            let hold = Hold::new(HoldKind::Disk, context.now(), message);
            context.hold(hold).await;
        }
        if free >= 2 * MIN_FREE_BYTES && self.disk_low {
            self.disk_low = false;
            context.release(HoldKind::Disk).await;
        }
    }
}

/// Applies the effect of `pause` and `resume`, which they record in the database.
async fn apply_operator_hold(context: &Context) -> Result<(), StoreError> {
    let kind = HoldKind::Operator;
    match context
        .store
        .holds()
        .await?
        .into_iter()
        .find(|hold| hold.kind == kind)
    {
        Some(hold) => {
            if context.gate.hold(hold.clone()) {
                context.notice(&RunEvent::Held { hold });
            }
        }
        None => {
            if context.gate.release(kind) {
                context.notice(&RunEvent::Released { kind });
            }
        }
    }
    Ok(())
}

/// Returns the space available to ordinary users on the disk of `folder`, in bytes. Returns `None` if the system cannot
/// report it.
#[must_use]
pub fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Puts the holds left by an earlier run or by `pause` in force, and returns them. Releases the holds that this run
/// derives again from their cause.
///
/// # Errors
/// If the database fails.
pub async fn restore_holds(context: &Context) -> Result<Vec<Hold>, StoreError> {
    let holds = context.store.holds().await?;
    for hold in holds.iter().filter(|hold| !hold.kind.is_recomputed()) {
        context.gate.hold(hold.clone());
        context.notice(&RunEvent::Held { hold: hold.clone() });
    }
    for kind in HoldKind::ALL
        .into_iter()
        .filter(|kind| kind.is_recomputed())
    {
        context.store.release(kind).await?;
    }
    Ok(holds)
}
