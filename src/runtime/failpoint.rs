//! Failpoints: named places where a test kills the process, to prove that a crash there loses nothing.
//!
//! Without the feature `crash-points` they compile to nothing. With it, the environment variable `NIGHTSCRIBE_CRASH_AT`
//! selects the failpoint that kills the process. Failpoints are named `module.stage.moment`. `name#3` selects the third
//! time that `name` is reached.

#[cfg(not(feature = "crash-points"))]
pub(crate) use disabled::{around, hit};
#[cfg(feature = "crash-points")]
pub(crate) use enabled::{around, hit};

#[cfg(not(feature = "crash-points"))]
mod disabled {
    /// Does nothing.
    #[inline]
    pub(crate) const fn hit(_name: &'static str) {}

    /// Returns `work` unchanged.
    #[inline]
    pub(crate) fn around<F: Future>(_name: &'static str, work: F) -> F {
        work
    }
}

#[cfg(feature = "crash-points")]
mod enabled {
    use rustix::process::{Signal, getpid, kill_process};
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    const VARIABLE: &str = "NIGHTSCRIBE_CRASH_AT";

    /// The failpoint that kills this process.
    struct Failpoint {
        name: String,
        /// Number of times it is still passed before it kills.
        passes_left: AtomicU64,
    }

    static SELECTED: LazyLock<Option<Failpoint>> = LazyLock::new(|| {
        let value = std::env::var(VARIABLE).ok()?;
        let (name, occurrence) = value.split_once('#').unwrap_or((&value, "1"));
        Some(Failpoint {
            name: name.to_owned(),
            passes_left: AtomicU64::new(occurrence.parse::<u64>().ok()?.checked_sub(1)?),
        })
    });

    /// Kills the process if `name` is the selected failpoint and its passes are used up.
    pub(crate) fn hit(name: &str) {
        let Some(selected) = SELECTED.as_ref().filter(|selected| selected.name == name) else {
            return;
        };
        let passed =
            selected
                .passes_left
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                    left.checked_sub(1)
                });
        if passed.is_err() {
            // Cannot fail: a process may always signal itself, and SIGKILL does not return.
            let _killed = kill_process(getpid(), Signal::KILL);
        }
    }

    /// Runs `work` between the failpoints `name.before` and `name.after`.
    pub(crate) async fn around<F: Future>(name: &'static str, work: F) -> F::Output {
        hit(&format!("{name}.before"));
        let output = work.await;
        hit(&format!("{name}.after"));
        output
    }
}
