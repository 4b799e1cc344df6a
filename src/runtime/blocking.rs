//! Runs blocking work on a few threads.

use std::sync::{Arc, Mutex, PoisonError};

/// Number of threads for work that mostly waits for the disk. It exceeds the number of processors because the disk
/// combines syncs that arrive at the same time.
pub(crate) const IO_THREADS: usize = 16;
/// Number of threads for work that seldom waits. More threads would contend for the folder in which all of them create
/// files, and each keeps memory of its own.
pub(crate) const CPU_THREADS: usize = 1;

/// Applies `work` to each item on up to `threads` threads. The results are in no particular order. A panic is logged,
/// and the results of its thread are missing.
pub(crate) async fn map_blocking<T, U, W>(
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
    let workers: Vec<_> = (0..threads)
        .map(|_| {
            let (next, work) = (next.clone(), work.clone());
            tokio::task::spawn_blocking(move || {
                std::iter::from_fn(next).map(work).collect::<Vec<_>>()
            })
        })
        .collect();
    let mut results = Vec::new();
    for worker in workers {
        match worker.await {
            Ok(part) => results.extend(part),
            Err(panic) => {
                tracing::error!(error = %panic, "a worker thread panicked");
            }
        }
    }
    results
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_item_is_processed_exactly_once() {
        for count in [0, 1, IO_THREADS, 10 * IO_THREADS] {
            let mut done = map_blocking(IO_THREADS, 0..count, |item| item).await;
            done.sort_unstable();
            assert_eq!(done, (0..count).collect::<Vec<_>>());
        }
    }
}
