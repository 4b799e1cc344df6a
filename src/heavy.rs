//! Work that takes much memory, as hours of speech do while they are read or rendered: one piece at a time, and always on
//! the same thread, as an allocator keeps what a thread has freed for that thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;
use std::sync::mpsc::{Sender, channel};
use std::thread::Builder;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

type Piece = Box<dyn FnOnce() + Send>;

/// `None` where the machine had no thread left: then any of the runtime's will do.
static THREAD: LazyLock<Option<Sender<Piece>>> = LazyLock::new(|| {
    let (sender, pieces) = channel::<Piece>();
    let work = move || pieces.into_iter().for_each(|piece| piece());
    let started = Builder::new().name("heavy".to_owned()).spawn(work);
    started.ok().map(|_| sender)
});

/// The work broke off inside; what it was done for is left as it was.
#[derive(Debug, thiserror::Error)]
#[error("work on a thread failed inside")]
pub(crate) struct Failed;

/// Does the work in its turn. Given up by its caller, it is done all the same.
///
/// # Errors
/// If it panics.
pub(crate) async fn in_turn<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failed> {
    let Some(thread) = THREAD.as_ref() else {
        return spawn_blocking(work).await.map_err(|_| Failed);
    };
    let (answer, answered) = oneshot::channel();
    let piece = Box::new(move || {
        if let Ok(done) = catch_unwind(AssertUnwindSafe(work)) {
            let _nobody_waits = answer.send(done);
        }
    });
    thread.send(piece).map_err(|_| Failed)?;
    answered.await.map_err(|_| Failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_done_on_one_thread_also_after_some_that_failed() {
        let thread = || std::thread::current().id();
        let first = in_turn(thread).await.unwrap();
        assert!(in_turn(|| panic!("inside")).await.is_err());
        assert_eq!(in_turn(thread).await.unwrap(), first);
        assert_ne!(first, thread());
    }
}
