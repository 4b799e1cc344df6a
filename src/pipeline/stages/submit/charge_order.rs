//! Order in which submissions are charged to the budget: that of the queue.
//!
//! Checks of files take differently long. Without this order, the same queue and budget would submit different recordings
//! in each run, and a plan could not tell which.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Order of the submissions that are not charged yet.
#[derive(Debug, Default)]
pub(super) struct ChargeOrder {
    uncharged: Mutex<Uncharged>,
    /// Signalled when a submission leaves the order.
    left: Notify,
}

#[derive(Debug, Default)]
struct Uncharged {
    next: u64,
    numbers: BTreeSet<u64>,
}

impl ChargeOrder {
    /// Adds a submission at the end.
    pub(super) fn join(self: &Arc<Self>) -> ChargeTurn {
        let mut uncharged = self.uncharged();
        let number = uncharged.next;
        uncharged.next += 1;
        uncharged.numbers.insert(number);
        ChargeTurn {
            order: self.clone(),
            number,
        }
    }

    fn uncharged(&self) -> MutexGuard<'_, Uncharged> {
        self.uncharged
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Place of a submission in the order. Drop it once the submission is charged, or if it will not be charged.
#[derive(Debug)]
pub(super) struct ChargeTurn {
    order: Arc<ChargeOrder>,
    number: u64,
}

impl ChargeTurn {
    /// Waits until no earlier submission is left.
    pub(super) async fn arrived(&self) {
        loop {
            let left = self.order.left.notified();
            tokio::pin!(left);
            // Before the check, so that no signal is lost.
            left.as_mut().enable();
            if self.order.uncharged().numbers.first() == Some(&self.number) {
                return;
            }
            left.await;
        }
    }
}

impl Drop for ChargeTurn {
    fn drop(&mut self) {
        self.order.uncharged().numbers.remove(&self.number);
        self.order.left.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn a_turn_arrives_after_all_earlier_ones() {
        let order = Arc::new(ChargeOrder::default());
        let [first, second, third] = [(); 3].map(|()| order.join());
        assert!(third.arrived().now_or_never().is_none());
        drop(second);
        assert!(third.arrived().now_or_never().is_none());
        let waiting = tokio::spawn(async move { third.arrived().await });
        tokio::task::yield_now().await;
        assert!(first.arrived().now_or_never().is_some());
        drop(first);
        waiting.await.unwrap();
    }
}
