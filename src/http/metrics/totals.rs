//! Totals of the submissions, kept between scrapes so that each submission is read once.

use crate::domain::AttemptId;
use crate::store::sqlite::request_totals::{LATENCY_BOUNDS_S, RequestTotal};
use crate::store::{Store, StoreError};
use std::collections::BTreeMap;

/// Latencies of the completed submissions of a model.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::http) struct Latencies {
    /// Number of submissions by latency. The last number counts those above all bounds.
    pub(super) counts: [u64; LATENCY_BOUNDS_S.len() + 1],
    /// Sum of the latencies in seconds.
    pub(super) sum_s: f64,
}

/// Totals of all submissions that have ended.
#[derive(Debug, Default)]
pub(in crate::http) struct Totals {
    /// Last submission that was read.
    last: AttemptId,
    /// Number of submissions by model and outcome.
    pub(super) requests: BTreeMap<(String, String), u64>,
    /// Latencies by model.
    pub(super) latencies: BTreeMap<String, Latencies>,
    /// Billed audio in seconds, by model.
    pub(super) audio_s: BTreeMap<String, f64>,
    /// Charges of the service in US dollars, by model.
    pub(super) charged_usd: BTreeMap<String, f64>,
}

impl Totals {
    /// Reads the submissions that have ended since the last call. The first call reads all, in steps: what it has read when it is
    /// cancelled is not read again.
    ///
    /// # Errors
    /// If the database fails.
    pub(super) async fn update(&mut self, store: &Store) -> Result<(), StoreError> {
        loop {
            let (totals, last) = store.request_totals(self.last).await?;
            totals.into_iter().for_each(|total| self.add(total));
            if last == self.last {
                return Ok(());
            }
            self.last = last;
        }
    }

    fn add(&mut self, total: RequestTotal) {
        let model = total.model;
        if total.outcome == "completed" {
            let latencies = self.latencies.entry(model.clone()).or_insert(Latencies {
                counts: [0; LATENCY_BOUNDS_S.len() + 1],
                sum_s: 0.0,
            });
            let slot = total.latency.min(LATENCY_BOUNDS_S.len());
            latencies.counts[slot] += total.count;
            latencies.sum_s += total.latency_s;
        }
        *self.audio_s.entry(model.clone()).or_default() += total.billed_s;
        *self.charged_usd.entry(model.clone()).or_default() += total.charged_usd;
        *self.requests.entry((model, total.outcome)).or_default() += total.count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_added_by_model() {
        let total = |outcome: &str, latency, count| RequestTotal {
            model: "m".to_owned(),
            outcome: outcome.to_owned(),
            latency,
            count,
            latency_s: 2.0,
            billed_s: 3.0,
            charged_usd: 0.5,
        };
        let mut totals = Totals::default();
        for one in [
            total("completed", 0, 2),
            total("completed", 8, 1),
            total("refused", 0, 4),
        ] {
            totals.add(one);
        }
        let latencies = &totals.latencies["m"];
        assert_eq!(latencies.counts, [2, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(latencies.sum_s, 4.0);
        assert_eq!(totals.requests[&("m".into(), "completed".into())], 3);
        assert_eq!(totals.requests[&("m".into(), "refused".into())], 4);
        assert_eq!((totals.audio_s["m"], totals.charged_usd["m"]), (9.0, 1.5));
    }
}
