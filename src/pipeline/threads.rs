//! Work on a few threads that may block.

use std::sync::{Arc, Mutex, PoisonError};

/// Threads for what waits for the disk most of the time: many more than there are processors, as the disk puts what comes
/// together down together.
pub(super) const WAITING: usize = 16;
/// Threads for what seldom waits. More of them would wait for each other, for a folder that all make files in; and each
/// keeps memory of its own.
pub(super) const WORKING: usize = 1;

/// Does the work for each item on so many threads, in any order. A panic is logged; what its thread did is missing in the
/// answer then.
pub(super) async fn in_threads<T, U, W>(
    threads: usize,
    items: impl IntoIterator<Item = T>,
    work: W,
) -> Vec<U>
where
    T: Send + 'static,
    U: Send + 'static,
    W: Fn(T) -> U + Clone + Send + 'static,
{
    let items: Vec<_> = items.into_iter().collect();
    let threads = items.len().min(threads);
    let queue = Arc::new(Mutex::new(items.into_iter()));
    let next = move || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let working: Vec<_> = (0..threads)
        .map(|_| {
            let (next, work) = (next.clone(), work.clone());
            tokio::task::spawn_blocking(move || {
                std::iter::from_fn(next).map(work).collect::<Vec<_>>()
            })
        })
        .collect();
    let mut done = Vec::new();
    for thread in working {
        match thread.await {
            Ok(part) => done.extend(part),
            Err(panic) => {
                tracing::error!(error = %panic, "work on a thread failed inside");
            }
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_item_is_worked_on_once_however_many_threads_there_are() {
        for count in [0, 1, WAITING, 10 * WAITING] {
            let mut done = in_threads(WAITING, 0..count, |item| item).await;
            done.sort_unstable();
            assert_eq!(done, (0..count).collect::<Vec<_>>());
        }
    }
}
