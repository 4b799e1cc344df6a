//! Times at which the queued recordings are accepted, by the limits of submissions.

use super::progress::{InFlight, Progress};
use super::speed::Speed;
use super::utilization::Slowdown;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// Microseconds from now, which are ordered.
type Micros = u64;

/// Returns the seconds from now until each listed queued recording is accepted, in their order.
///
/// Each waits for the rate, for the end of an upload, and for a result if the service has as many generations as it may have.
/// The slowdown makes these waits longer.
pub(super) fn acceptances(progress: &Progress, speed: &Speed, slowdown: Slowdown) -> Vec<f64> {
    let (factor, mut minute) = match slowdown {
        Slowdown::Factor(factor) => (factor, None),
        Slowdown::PerMinute(limit) => (1.0, Some(LastMinute::of(progress, limit))),
    };
    let limits = &progress.limits;
    let left = |usual_s: f64, one: &InFlight| micros(usual_s - one.since.as_secs_f64());
    let mut uploads = Slots::new(limits.uploads);
    let mut at_service = Slots::new(limits.pending);
    for one in &progress.sending {
        let accepted = left(speed.upload_s(one.size), one);
        uploads.take(accepted);
        at_service.take(accepted + micros(speed.result_s(one.size)));
    }
    for one in &progress.pending {
        at_service.take(left(speed.result_s(one.size), one));
    }
    let interval_s = 60.0 / f64::from(limits.per_minute.max(1));
    let queued = progress.queued.iter().enumerate();
    let accepted = queued.map(|(number, size)| {
        let by_rate = micros((number + 1) as f64 * interval_s);
        let start = by_rate.max(uploads.free()).max(at_service.free());
        let start = match &mut minute {
            Some(minute) => minute.admit(start),
            None => start,
        };
        let upload_s = speed.upload_s(*size);
        let accepted = start + micros(upload_s);
        uploads.take(accepted);
        at_service.take(accepted + micros(speed.result_s(*size)));
        start as f64 / 1e6 * factor + upload_s
    });
    accepted.collect()
}

/// Submissions of the last minute. The service accepts a limited number in any minute.
struct LastMinute {
    limit: usize,
    /// Times at which each of the last ones does not count any more, oldest first.
    ends: VecDeque<Micros>,
}

impl LastMinute {
    fn of(progress: &Progress, limit: usize) -> Self {
        let accepted = progress.submissions.iter().take(limit).rev();
        let ends = accepted.map(|one| micros(60.0 - one.accepted.as_secs_f64()));
        Self {
            limit,
            ends: ends.collect(),
        }
    }

    /// Returns the time from `start` on at which the next one is accepted.
    fn admit(&mut self, start: Micros) -> Micros {
        let mut time = start;
        while self.ends.len() >= self.limit {
            time = time.max(self.ends.pop_front().unwrap_or_default());
        }
        self.ends.push_back(time + micros(60.0));
        time
    }
}

/// Slots that are each taken until some time.
struct Slots {
    count: usize,
    ends: BinaryHeap<Reverse<Micros>>,
}

impl Slots {
    const fn new(count: usize) -> Self {
        Self {
            count,
            ends: BinaryHeap::new(),
        }
    }

    /// Gives up the slot that ends first if none is free. Returns its end.
    fn free(&mut self) -> Micros {
        let mut end = 0;
        // More than the limit may be taken if the limit was lowered.
        while self.ends.len() >= self.count.max(1) {
            end = self.ends.pop().map_or(0, |Reverse(end)| end);
        }
        end
    }

    fn take(&mut self, end: Micros) {
        self.ends.push(Reverse(end));
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a negative time is now, and a conversion to an integer saturates"
)]
fn micros(seconds: f64) -> Micros {
    // Some centuries, so that sums do not overflow.
    (seconds * 1e6).clamp(0.0, 1e16) as Micros
}
