//! The amounts that are spent of a budget, and the charges to it.

use super::cap::{Cap, Metric, Period, period_bounds};
use crate::domain::Timestamp;
use jiff::tz::TimeZone;
use std::fmt;

/// Tolerance for rounding errors in sums of seconds and money.
const ROUNDING: f64 = 1e-6;

/// An amount of each metric.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Amount {
    /// Audio, in seconds.
    pub audio_s: f64,
    /// Money, in the currency of the prices.
    pub cost: f64,
    /// Number of recordings.
    pub recordings: f64,
}

impl Amount {
    const fn of(&self, metric: Metric) -> f64 {
        match metric {
            Metric::Audio => self.audio_s,
            Metric::Cost => self.cost,
            Metric::Recordings => self.recordings,
        }
    }

    /// Adds `factor` times the other amount.
    fn add(&mut self, other: &Self, factor: f64) {
        self.audio_s += factor * other.audio_s;
        self.cost += factor * other.cost;
        self.recordings += factor * other.recordings;
    }
}

/// Reason why a recording may not be submitted.
#[derive(Debug, Clone, PartialEq)]
pub enum BudgetRefusal {
    /// The recording would exceed the remaining budget of a cap.
    WouldExceed {
        /// Exceeded cap.
        cap: Cap,
        /// Time when the period ends and the budget is restored. `None` for a cap per run.
        ends: Option<Timestamp>,
    },
    /// The recording alone exceeds the cap of a whole period.
    TooLarge(Cap),
    /// The amount of the recording is unknown, so that the cap cannot be enforced.
    UnknownAmount(Cap),
}

/// Amount that was charged to the budget for one recording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Charge {
    amount: Amount,
    /// Time of the charge. Its day and its month were charged.
    at: Timestamp,
    /// Whether an earlier run was charged.
    is_earlier: bool,
}

impl Charge {
    /// Returns the charge of a submission by an earlier run, which [`Budget::add_earlier_spend`] included.
    #[must_use]
    pub const fn earlier(amount: Amount, at: Timestamp) -> Self {
        Self {
            amount,
            at,
            is_earlier: true,
        }
    }
}

impl fmt::Display for BudgetRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WouldExceed { cap, .. } => write!(f, "the next recording would exceed {cap}"),
            Self::TooLarge(cap) => write!(f, "this recording alone exceeds {cap}"),
            Self::UnknownAmount(cap) if cap.metric == Metric::Cost => write!(
                f,
                "cannot enforce {cap}: the length of the recording or the price of its model is unknown"
            ),
            Self::UnknownAmount(cap) => write!(
                f,
                "cannot enforce {cap}: the length of the recording is unknown"
            ),
        }
    }
}

/// Amounts submitted in the current periods, and their caps.
#[derive(Debug, Clone)]
pub struct Budget {
    caps: Vec<Cap>,
    zone: TimeZone,
    run: Amount,
    day: Spent,
    month: Spent,
}

/// Amount spent in the current day or month.
#[derive(Debug, Clone, Copy)]
struct Spent {
    amount: Amount,
    begins: Timestamp,
    ends: Timestamp,
}

impl Spent {
    /// Adds `factor` times an amount that was charged at `at`, if that is in this period.
    fn add(&mut self, amount: &Amount, factor: f64, at: Timestamp) {
        if (self.begins..self.ends).contains(&at) {
            self.amount.add(amount, factor);
        }
    }
}

impl Budget {
    /// Creates a budget with nothing spent at `now`.
    #[must_use]
    pub fn new(caps: Vec<Cap>, zone: TimeZone, now: Timestamp) -> Self {
        let spent = |period| {
            let bounds = period_bounds(period, now, &zone);
            let (begins, ends) = bounds.unwrap_or((now, Timestamp::MAX));
            Spent {
                amount: Amount::default(),
                begins,
                ends,
            }
        };
        Self {
            day: spent(Period::Day),
            month: spent(Period::Month),
            run: Amount::default(),
            caps,
            zone,
        }
    }

    /// Returns whether there are any caps.
    #[must_use]
    pub fn is_capped(&self) -> bool {
        !self.caps.is_empty()
    }

    /// Returns whether there is a cap for a period.
    #[must_use]
    pub fn has_cap_for(&self, period: Period) -> bool {
        self.caps.iter().any(|cap| cap.period == period)
    }

    /// Returns what the run has spent.
    #[must_use]
    pub const fn spent_in_run(&self) -> Amount {
        self.run
    }

    /// Adds an amount spent earlier in the current period: by earlier runs of the day or month, or by this run before a
    /// reload.
    pub fn add_earlier_spend(&mut self, period: Period, amount: &Amount) {
        match period {
            Period::Run => self.run.add(amount, 1.0),
            Period::Day => self.day.amount.add(amount, 1.0),
            Period::Month => self.month.amount.add(amount, 1.0),
        }
    }

    /// Charges one recording. An unknown length or cost is `None`.
    ///
    /// # Errors
    /// If a cap would be exceeded or cannot be enforced. Nothing is charged in that case.
    pub fn spend(
        &mut self,
        now: Timestamp,
        audio_s: Option<f64>,
        cost: Option<f64>,
    ) -> Result<Charge, BudgetRefusal> {
        self.begin_periods(now);
        let wanted = |cap: Cap| match cap.metric {
            Metric::Audio => audio_s.ok_or(BudgetRefusal::UnknownAmount(cap)),
            Metric::Cost => cost.ok_or(BudgetRefusal::UnknownAmount(cap)),
            Metric::Recordings => Ok(1.0),
        };
        // First, because a recording that no period can hold starts no hold for all others.
        for &cap in &self.caps {
            if wanted(cap)? > cap.limit + ROUNDING {
                return Err(BudgetRefusal::TooLarge(cap));
            }
        }
        for &cap in &self.caps {
            let (spent, ends) = self.spent(cap.period);
            if spent.of(cap.metric) + wanted(cap)? > cap.limit + ROUNDING {
                return Err(BudgetRefusal::WouldExceed { cap, ends });
            }
        }
        let amount = Amount {
            audio_s: audio_s.unwrap_or(0.0),
            cost: cost.unwrap_or(0.0),
            recordings: 1.0,
        };
        let charge = Charge {
            amount,
            at: now,
            is_earlier: false,
        };
        self.add(&charge, 1.0);
        Ok(charge)
    }

    /// Refunds a submission that was not billed.
    pub fn refund(&mut self, charge: &Charge) {
        self.add(charge, -1.0);
    }

    /// Replaces the audio and the cost of a charge by what was billed.
    pub fn correct(&mut self, charge: &Charge, audio_s: f64, cost: Option<f64>) {
        let amount = Amount {
            audio_s,
            cost: cost.unwrap_or(charge.amount.cost),
            ..charge.amount
        };
        self.add(charge, -1.0);
        self.add(&Charge { amount, ..*charge }, 1.0);
    }

    fn add(&mut self, charge: &Charge, factor: f64) {
        if !charge.is_earlier {
            self.run.add(&charge.amount, factor);
        }
        for spent in [&mut self.day, &mut self.month] {
            spent.add(&charge.amount, factor, charge.at);
        }
    }

    const fn spent(&self, period: Period) -> (&Amount, Option<Timestamp>) {
        match period {
            Period::Run => (&self.run, None),
            Period::Day => (&self.day.amount, Some(self.day.ends)),
            Period::Month => (&self.month.amount, Some(self.month.ends)),
        }
    }

    fn begin_periods(&mut self, now: Timestamp) {
        for (period, spent) in [
            (Period::Day, &mut self.day),
            (Period::Month, &mut self.month),
        ] {
            if now >= spent.ends
                && let Some((begins, ends)) = period_bounds(period, now, &self.zone)
            {
                *spent = Spent {
                    amount: Amount::default(),
                    begins,
                    ends,
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: i64 = 3_600_000;

    fn at(hours: i64) -> Timestamp {
        // The start of a month: 2026-11-01T00:00:00Z.
        Timestamp::from_millis(1_793_491_200_000 + hours * HOUR)
    }

    fn budget(caps: &[(Metric, Period, f64)]) -> Budget {
        let caps = caps
            .iter()
            .map(|&(metric, period, most)| Cap {
                metric,
                period,
                limit: most,
            })
            .collect();
        Budget::new(caps, TimeZone::UTC, at(1))
    }

    fn audio(budget: &mut Budget, hour: i64, seconds: f64) -> Result<Charge, BudgetRefusal> {
        budget.spend(at(hour), Some(seconds), None)
    }

    #[test]
    fn without_caps_every_recording_is_admitted() {
        assert!(budget(&[]).spend(at(1), None, None).is_ok());
    }

    #[test]
    fn a_budget_is_used_up_but_not_exceeded() {
        let mut budget = budget(&[(Metric::Audio, Period::Day, 3600.0)]);
        for _ in 0..6 {
            assert!(audio(&mut budget, 1, 600.0).is_ok());
        }
        let Err(BudgetRefusal::WouldExceed { ends, .. }) = audio(&mut budget, 2, 0.001) else {
            panic!("the cap is not exceeded");
        };
        assert_eq!(ends, Some(at(24)));
        assert!(audio(&mut budget, 24, 3600.0).is_ok());
    }

    #[test]
    fn an_unbilled_amount_is_refunded() {
        let mut budget = budget(&[(Metric::Recordings, Period::Run, 1.0)]);
        let amount = audio(&mut budget, 1, 5.0).unwrap();
        assert!(matches!(
            audio(&mut budget, 1, 5.0),
            Err(BudgetRefusal::WouldExceed { ends: None, .. })
        ));
        budget.refund(&amount);
        assert!(audio(&mut budget, 1, 5.0).is_ok());
    }

    #[test]
    fn a_refund_concerns_the_day_of_its_charge() {
        let mut budget = budget(&[(Metric::Audio, Period::Day, 10.0)]);
        let yesterday = audio(&mut budget, 23, 10.0).unwrap();
        audio(&mut budget, 25, 10.0).unwrap();
        budget.refund(&yesterday);
        assert!(audio(&mut budget, 25, 1.0).is_err());
    }

    #[test]
    fn the_billed_length_replaces_an_upper_bound() {
        let mut budget = budget(&[
            (Metric::Audio, Period::Day, 10.0),
            (Metric::Cost, Period::Month, 10.0),
        ]);
        let bound = budget.spend(at(1), Some(9.0), Some(9.0)).unwrap();
        assert!(budget.spend(at(1), Some(2.0), Some(2.0)).is_err());
        budget.correct(&bound, 3.0, Some(3.0));
        assert!(budget.spend(at(1), Some(7.0), Some(7.0)).is_ok());
        assert!(budget.spend(at(1), Some(0.1), Some(0.0)).is_err());
    }

    #[test]
    fn a_charge_of_an_earlier_run_is_corrected_in_its_day() {
        let caps = [
            (Metric::Audio, Period::Run, 10.0),
            (Metric::Audio, Period::Day, 10.0),
        ];
        let mut budget = budget(&caps);
        let bound = Amount {
            audio_s: 10.0,
            ..Amount::default()
        };
        budget.add_earlier_spend(Period::Day, &bound);
        budget.correct(&Charge::earlier(bound, at(0)), 4.0, None);
        assert!(audio(&mut budget, 1, 6.5).is_err());
        assert!(audio(&mut budget, 1, 6.0).is_ok());
    }

    #[test]
    fn a_recording_above_one_cap_starts_no_hold_for_another() {
        let mut budget = budget(&[
            (Metric::Audio, Period::Day, 10.0),
            (Metric::Audio, Period::Month, 20.0),
        ]);
        audio(&mut budget, 1, 10.0).unwrap();
        let refused = audio(&mut budget, 1, 21.0).unwrap_err();
        assert!(matches!(refused, BudgetRefusal::TooLarge(_)));
    }

    #[test]
    fn too_large_and_unknown_amounts_are_distinguished() {
        let mut budget = budget(&[(Metric::Audio, Period::Month, 100.0)]);
        assert!(matches!(
            audio(&mut budget, 1, 101.0),
            Err(BudgetRefusal::TooLarge(_))
        ));
        assert!(matches!(
            budget.spend(at(1), None, None),
            Err(BudgetRefusal::UnknownAmount(_))
        ));
    }

    #[test]
    fn the_spend_of_earlier_runs_counts() {
        let mut budget = budget(&[(Metric::Cost, Period::Month, 10.0)]);
        let before = Amount {
            cost: 9.0,
            ..Amount::default()
        };
        budget.add_earlier_spend(Period::Month, &before);
        assert!(budget.spend(at(1), None, Some(1.5)).is_err());
        assert!(budget.spend(at(1), None, Some(1.0)).is_ok());
        assert!(budget.spend(at(30 * 24), None, Some(10.0)).is_ok());
    }

    proptest! {
        #[test]
        fn no_cap_is_ever_exceeded(
            lengths in proptest::collection::vec((0.0..5000.0f64, 0u8..4), 1..60), day in 1000.0..9000.0f64, month in 1000.0..20000.0f64,
        ) {
            let mut budget = budget(&[(Metric::Audio, Period::Day, day), (Metric::Audio, Period::Month, month)]);
            let (mut hour, mut by_day, mut all) = (1, 0.0, 0.0);
            for (length, step) in lengths {
                if (hour + i64::from(step)) / 24 > hour / 24 {
                    by_day = 0.0;
                }
                hour += i64::from(step);
                if audio(&mut budget, hour, length).is_ok() {
                    by_day += length;
                    all += length;
                }
                prop_assert!(by_day <= day + 1e-3 && all <= month + 1e-3);
            }
        }
    }
}
