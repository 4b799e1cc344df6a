//! A one-thread executor for jobs that take much memory, such as reading or rendering hours of speech.
//!
//! Running one job at a time bounds the memory in use. All jobs share one thread because an allocator keeps freed
//! memory for the thread that freed it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;
use std::sync::mpsc::{Sender, channel};
use std::thread::Builder;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

type BoxedJob = Box<dyn FnOnce() + Send>;

/// Queue of the thread. `None` if the thread could not be started; jobs then run on the runtime's blocking threads.
static THREAD: LazyLock<Option<Sender<BoxedJob>>> = LazyLock::new(|| {
    let (sender, jobs) = channel::<BoxedJob>();
    let run = move || jobs.into_iter().for_each(|job| job());
    let started = Builder::new().name("large-jobs".to_owned()).spawn(run);
    started.ok().map(|_| sender)
});

/// A job panicked and returned nothing.
#[derive(Debug, thiserror::Error)]
#[error("a large job panicked")]
pub(crate) struct LargeJobPanicked;

/// Runs `work` after the jobs queued before it, and returns its result. If the caller is cancelled, `work` still runs
/// to its end.
///
/// # Errors
/// If `work` panics.
pub(crate) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, LargeJobPanicked> {
    let Some(thread) = THREAD.as_ref() else {
        return spawn_blocking(work).await.map_err(|_| LargeJobPanicked);
    };
    let (sender, receiver) = oneshot::channel();
    let job = Box::new(move || {
        if let Ok(output) = catch_unwind(AssertUnwindSafe(work)) {
            let _cancelled = sender.send(output);
        }
    });
    thread.send(job).map_err(|_| LargeJobPanicked)?;
    receiver.await.map_err(|_| LargeJobPanicked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn jobs_share_one_thread_even_after_a_panic() {
        let thread = || std::thread::current().id();
        let first = run(thread).await.unwrap();
        assert!(run(|| panic!("inside")).await.is_err());
        assert_eq!(run(thread).await.unwrap(), first);
        assert_ne!(first, thread());
    }
}
