//! The budget of a planned run. It is charged as a run charges it: in the order of the queue, and by the same rules.

use crate::domain::{PriceTable, Timestamp};
use crate::policy::budget::{BookedLength, Budget, BudgetRefusal, Cap, Metric};
use crate::store::sqlite::durations::PlannedRecording;

/// Whether and when the budget admits a recording.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Admitted {
    /// At once.
    At(Timestamp),
    /// When the budget of this day or month is restored.
    Later(Timestamp),
    /// Not in this run, for this reason.
    Never(String),
    /// Not in this run, because `--limit` is reached.
    BeyondLimit,
}

/// The budget of a run that continues until the queue is empty.
pub(super) struct PlannedBudget<'a> {
    budget: Budget,
    pub(super) prices: &'a PriceTable,
    start: Timestamp,
    /// Time of the next charge.
    now: Timestamp,
    /// Cap of the run that is used up.
    used_up: Option<Cap>,
}

impl<'a> PlannedBudget<'a> {
    /// Plans a run that starts at `start` with this budget.
    pub(super) const fn new(budget: Budget, prices: &'a PriceTable, start: Timestamp) -> Self {
        Self {
            budget,
            prices,
            start,
            now: start,
            used_up: None,
        }
    }

    /// Charges the next recording of the queue.
    pub(super) fn admit(&mut self, recording: &PlannedRecording) -> Admitted {
        let size_bytes = recording.is_file.then_some(recording.size_bytes);
        let seconds = BookedLength::of(recording.duration_s, size_bytes).seconds();
        let cost = seconds.and_then(|seconds| self.prices.cost(&recording.model, seconds));
        while self.used_up.is_none() {
            match self.budget.spend(self.now, seconds, cost) {
                Ok(_) if self.now > self.start => return Admitted::Later(self.now),
                Ok(_) => return Admitted::At(self.now),
                // All recordings after it wait, too.
                Err(BudgetRefusal::WouldExceed {
                    ends: Some(ends), ..
                }) if ends > self.now => self.now = ends,
                Err(BudgetRefusal::WouldExceed { cap, .. }) => self.used_up = Some(cap),
                Err(refusal) => return Admitted::Never(format!("waits for the budget: {refusal}")),
            }
        }
        match self.used_up {
            Some(cap) if cap.metric != Metric::Recordings => {
                Admitted::Never(format!("left for a later run by {cap}"))
            }
            _ => Admitted::BeyondLimit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RecordingId;
    use crate::policy::budget::Period;
    use jiff::tz::TimeZone;

    /// 2026-11-21T03:04:05Z.
    const NOW: Timestamp = Timestamp::from_millis(1_795_230_245_000);

    /// Returns what a budget with this cap on seconds of audio says to recordings of these lengths.
    fn admitted(period: Period, limit: f64, lengths: &[Option<f64>]) -> Vec<Admitted> {
        let cap = Cap {
            metric: Metric::Audio,
            period,
            limit,
        };
        let prices = PriceTable::default();
        let budget = Budget::new(vec![cap], TimeZone::UTC, NOW);
        let mut planned = PlannedBudget::new(budget, &prices, NOW);
        let recordings = lengths.iter().map(|duration_s| PlannedRecording {
            recording: RecordingId(1),
            source: "talks".to_owned(),
            model: "m".to_owned(),
            is_file: true,
            size_bytes: 5_000,
            duration_s: *duration_s,
            is_estimate: false,
        });
        recordings
            .map(|recording| planned.admit(&recording))
            .collect()
    }

    fn time(text: &str) -> Timestamp {
        let time: jiff::Timestamp = text.parse().unwrap();
        Timestamp::from_millis(time.as_millisecond())
    }

    #[test]
    fn a_recording_that_does_not_fit_holds_the_next_ones() {
        let tomorrow = Admitted::Later(time("2026-11-22T00:00:00Z"));
        let found = admitted(Period::Day, 10.0, &[Some(6.0), Some(6.0), Some(1.0)]);
        assert_eq!(found, [Admitted::At(NOW), tomorrow.clone(), tomorrow]);
    }

    #[test]
    fn a_recording_above_the_cap_blocks_no_other() {
        let found = admitted(Period::Day, 10.0, &[Some(11.0), Some(10.0)]);
        assert!(
            matches!(&found[0], Admitted::Never(why) if why.starts_with("waits for the budget"))
        );
        assert_eq!(found[1], Admitted::At(NOW));
    }

    #[test]
    fn an_unknown_length_is_charged_by_its_size() {
        // 5,000 bytes last at most 10 s.
        let found = admitted(Period::Run, 11.0, &[None, Some(1.0), Some(1.0)]);
        let left = "left for a later run by budget.hours_per_run = 0.003055556".to_owned();
        let expected = [Admitted::At(NOW), Admitted::At(NOW), Admitted::Never(left)];
        assert_eq!(found, expected);
    }
}
