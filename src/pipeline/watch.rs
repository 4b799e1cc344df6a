//! What others change in the database meanwhile (`pause`, `retry`, `cancel` beside a daemon), and the room on the disk
//! that results are kept safe on.

use super::context::Context;
use super::event::Event;
use crate::domain::{Hold, HoldKind, Timestamp};
use crate::policy::hours::Opening;
use crate::store::StoreError;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);
/// No look takes so long on a machine that is awake.
const SLEPT: Duration = Duration::from_secs(60);
/// Less room than this on the disk of the state folder holds submissions, in bytes: what is at the service by then
/// still fits.
pub const LEAST_FREE: u64 = 64 << 20;

/// Watches until the run stops. `reload` tells the poller that what is pending was changed by somebody else.
///
/// # Errors
/// If the database fails for good.
pub async fn watch(context: Arc<Context>, reload: mpsc::Sender<()>) -> Result<(), StoreError> {
    let mut watcher = Watcher {
        seen: None,
        opening: Opening::Now,
        looked_at: context.now(),
        low: false,
        reload,
    };
    let mut troubled = false;
    loop {
        match watcher.look(&context).await {
            Err(error) if error.is_passing() => {
                troubled = true;
                context.store_trouble(&error);
            }
            looked => {
                looked?;
                if std::mem::take(&mut troubled) {
                    context.release(HoldKind::Disk).await;
                }
            }
        }
        tokio::select! {
            () = context.stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

struct Watcher {
    /// The version of the database that was looked at last, if one was.
    seen: Option<i64>,
    /// Whether submissions could leave when it was looked at last.
    opening: Opening,
    /// When it was looked at last.
    looked_at: Timestamp,
    /// Whether the room is too low.
    low: bool,
    reload: mpsc::Sender<()>,
}

impl Watcher {
    async fn look(&mut self, context: &Context) -> Result<(), StoreError> {
        self.room(context).await;
        self.sleep(context);
        self.hours(context);
        self.budget(context).await;
        let glance = context.store.glance().await?;
        context.notice(&Event::Tick {
            counts: glance.counts,
            next_expiry: glance.next_expiry,
            now: context.now(),
        });
        if self.seen == Some(glance.version) {
            return Ok(());
        }
        operator(context).await?;
        // A full channel means that a reload is asked for already.
        let _asked = self.reload.try_send(());
        self.seen = Some(glance.version);
        context.to_submit.notify_one();
        context.progress.notify_one();
        Ok(())
    }

    /// Says when the machine has slept. Whoever waits for a time looks at the clock every few seconds by itself.
    fn sleep(&mut self, context: &Context) {
        let now = context.now();
        let span = now.since(self.looked_at);
        self.looked_at = now;
        if span > SLEPT {
            context.notice(&Event::PassedOver { span });
        }
    }

    /// Says when the hours begin and end.
    fn hours(&mut self, context: &Context) {
        let opening = context.gate.opening();
        if opening != self.opening {
            self.opening = opening;
            context.notice(&Event::Hours { opening });
        }
    }

    /// Lets submissions go on when the day or month is over whose budget was used up.
    async fn budget(&self, context: &Context) {
        let now = context.now();
        for hold in context.gate.holds().iter().filter(|hold| hold.is_over(now)) {
            context.release(hold.kind).await;
        }
    }

    /// Holds submissions while there is too little room for what they would bring.
    async fn room(&mut self, context: &Context) {
        let Some(free) = free_bytes(&context.config.state.dir) else {
            return;
        };
        if free < LEAST_FREE && !self.low {
            self.low = true;
            let message = format!(
                "less than {} MiB are free on the disk of the state folder",
                LEAST_FREE >> 20
            );
            let hold = Hold::new(HoldKind::Disk, context.now(), message);
            context.hold(hold).await;
        }
        if free >= 2 * LEAST_FREE && self.low {
            self.low = false;
            context.release(HoldKind::Disk).await;
        }
    }
}

/// Takes over what `pause` and `resume` said.
async fn operator(context: &Context) -> Result<(), StoreError> {
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
                context.notice(&Event::Held { hold });
            }
        }
        None => {
            if context.gate.release(kind) {
                context.notice(&Event::Released { kind });
            }
        }
    }
    Ok(())
}

/// Room for ordinary users on the disk of `folder`, in bytes; `None` where the system does not say.
#[must_use]
pub fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// The holds that an earlier run or `pause` left, for the gate of a new run.
///
/// # Errors
/// If the database fails.
pub async fn standing_holds(context: &Context) -> Result<Vec<Hold>, StoreError> {
    let holds = context.store.holds().await?;
    for hold in holds.iter().filter(|hold| !hold.kind.is_reckoned()) {
        context.gate.hold(hold.clone());
        context.notice(&Event::Held { hold: hold.clone() });
    }
    for kind in HoldKind::ALL.into_iter().filter(|kind| kind.is_reckoned()) {
        context.store.release(kind).await?;
    }
    Ok(holds)
}
