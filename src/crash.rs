//! Points at which a test kills the process, to show that a crash there loses nothing. Without the feature
//! `crash-points` they compile to nothing.
//!
//! A point is named `room.stage.moment`. With the feature, the process kills itself at the point that
//! `NIGHTSCRIBE_CRASH_AT` names; `name#3` is the third time it is reached.

#[cfg(feature = "crash-points")]
pub(crate) use armed::{around, point};
#[cfg(not(feature = "crash-points"))]
pub(crate) use inert::{around, point};

#[cfg(not(feature = "crash-points"))]
mod inert {
    /// Nothing happens here.
    #[inline]
    pub(crate) const fn point(_name: &'static str) {}

    /// The work itself.
    #[inline]
    pub(crate) fn around<F: Future>(_name: &'static str, work: F) -> F {
        work
    }
}

#[cfg(feature = "crash-points")]
mod armed {
    use rustix::process::{Signal, getpid, kill_process};
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    const VARIABLE: &str = "NIGHTSCRIBE_CRASH_AT";

    /// Where this process ends.
    struct Trap {
        point: String,
        /// How often the point is still passed before.
        passes: AtomicU64,
    }

    static TRAP: LazyLock<Option<Trap>> = LazyLock::new(|| {
        let named = std::env::var(VARIABLE).ok()?;
        let (point, occurrence) = named.split_once('#').unwrap_or((&named, "1"));
        Some(Trap {
            point: point.to_owned(),
            passes: AtomicU64::new(occurrence.parse::<u64>().ok()?.checked_sub(1)?),
        })
    });

    /// Ends the process if this is where it is to end.
    pub(crate) fn point(name: &str) {
        let Some(trap) = TRAP.as_ref().filter(|trap| trap.point == name) else {
            return;
        };
        let left = trap
            .passes
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
        if left.is_err() {
            // It cannot fail: the process may always signal itself, and does not come back from this.
            let _gone = kill_process(getpid(), Signal::KILL);
        }
    }

    /// The points `name.before` and `name.after`, and the work between them.
    pub(crate) async fn around<F: Future>(name: &'static str, work: F) -> F::Output {
        point(&format!("{name}.before"));
        let output = work.await;
        point(&format!("{name}.after"));
        output
    }
}
