//! Time until the last of several results.

use super::progress::Progress;
use super::speed::Speed;

/// Number of the last submissions whose results are compared. A service may become faster or slower.
const MAX_RESULTS: usize = 200;
/// Number of the results that are usually the latest ones. The others come earlier almost certainly.
const MAX_AWAITED: usize = 200;
/// Bisections of the time. They leave less than a thousandth of a second of a day.
const BISECTIONS: u32 = 30;

/// A result that is waited for.
pub(super) struct Awaited {
    /// Seconds from now until the acceptance. Negative if it was accepted already.
    pub(super) accepted_s: f64,
    /// Usual seconds from the acceptance to the result.
    pub(super) usual_s: f64,
}

/// Distribution of the ratio of the time to a result to the usual time. Results that have not arrived yet count with their age
/// (product-limit estimator by Kaplan and Meier). Otherwise the fast ones of the last submissions would count more.
pub(super) struct ResultTimes {
    /// Ratios, rising, each with the share of results that take longer.
    later: Vec<(f64, f64)>,
}

impl ResultTimes {
    /// Returns the distribution of the last submissions.
    pub(super) fn of(progress: &Progress, speed: &Speed) -> Self {
        let known = progress.known_submissions();
        let last = known.iter().take(MAX_RESULTS).map(|one| {
            let time = one.result.unwrap_or(one.accepted).as_secs_f64();
            let usual = speed.result_s(one.size).max(f64::MIN_POSITIVE);
            (time / usual, one.result.is_some())
        });
        let mut last: Vec<_> = last.collect();
        last.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut share, mut left) = (1.0, last.len());
        let mut later = Vec::new();
        for (ratio, has_arrived) in last {
            if has_arrived {
                share *= (left - 1) as f64 / left as f64;
                later.push((ratio, share));
            }
            left -= 1;
        }
        // Nothing is known of later ones.
        match later.last_mut() {
            Some((_, share)) => *share = 0.0,
            None => later.push((1.0, 0.0)),
        }
        Self { later }
    }

    /// Returns the share of results that take longer than `ratio` times the usual time.
    fn share_later(&self, ratio: f64) -> f64 {
        let passed = self.later.partition_point(|(time, _)| *time <= ratio);
        match passed {
            0 => 1.0,
            _ => self.later.get(passed - 1).map_or(0.0, |(_, share)| *share),
        }
    }

    /// Returns the probability that a result is there in `seconds`, given that it is not there yet.
    fn probability(&self, one: &Awaited, seconds: f64) -> f64 {
        let usual_s = one.usual_s.max(f64::MIN_POSITIVE);
        let later = |seconds: f64| self.share_later((seconds - one.accepted_s) / usual_s);
        let now = later(0.0);
        // A result that is later than all others may come at any moment.
        match now > 0.0 {
            true => 1.0 - later(seconds) / now,
            false => 1.0,
        }
    }

    /// Returns the seconds after which all results are there with a probability of a half.
    pub(super) fn last_s(&self, awaited: &[Awaited]) -> f64 {
        let mut latest_ones: Vec<_> = awaited.iter().collect();
        let usual_at = |one: &Awaited| one.accepted_s + one.usual_s;
        latest_ones.sort_by(|a, b| usual_at(b).total_cmp(&usual_at(a)));
        latest_ones.truncate(MAX_AWAITED);
        let slowest = self.later.last().map_or(1.0, |(ratio, _)| *ratio);
        let latest = |one: &Awaited| one.accepted_s + slowest * one.usual_s;
        let (mut early, mut late) = (0.0, awaited.iter().map(latest).fold(0.0, f64::max));
        for _ in 0..BISECTIONS {
            let middle = f64::midpoint(early, late);
            let all: f64 = latest_ones
                .iter()
                .map(|one| self.probability(one, middle))
                .product();
            match all >= 0.5 {
                true => late = middle,
                false => early = middle,
            }
        }
        late
    }
}
