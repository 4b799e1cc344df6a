//! Budget of a run, including the spend of earlier runs in the same day and month, and what this run charges to it.

use crate::config::Config;
use crate::domain::{AttemptId, PriceTable, Timestamp};
use crate::pipeline::run::{RunError, Setup};
use crate::policy::budget::{
    Amount, BookedLength, Budget, BudgetRefusal, Cap, Charge, Metric, Period, period_bounds,
};
use crate::store::sqlite::budget::OpenSubmission;
use crate::store::{Store, StoreError};
use jiff::tz::TimeZone;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Returns the prices of the models. Configured prices take precedence over those of the service.
///
/// # Errors
/// If the database fails.
pub async fn prices(config: &Config, store: &Store) -> Result<PriceTable, StoreError> {
    let (mut prices, _) = store.prices().await?;
    prices.extend(&config.prices);
    Ok(prices)
}

/// Checks that each model has a price if money is capped.
///
/// # Errors
/// [`RunError::Unpriced`] for the first model without a price.
pub fn require_prices(config: &Config, prices: &PriceTable) -> Result<(), RunError> {
    let caps = config.budget.iter();
    for &cap in caps.filter(|cap| cap.metric == Metric::Cost) {
        let mut models = config.sources.iter().map(|source| source.request.model());
        if let Some(model) = models.find(|model| prices.get(model).is_none()) {
            let reason = prices.unpriced_reason(model);
            return Err(RunError::Unpriced {
                cap,
                model: model.to_owned(),
                reason: reason.map_or_else(String::new, |reason| format!(" ({reason})")),
            });
        }
    }
    Ok(())
}

/// Creates the budget of a new run, including what earlier runs submitted today and this month.
///
/// # Errors
/// If a cost limit is configured and a model has no price, or if the database fails.
pub(super) async fn open_budget(
    setup: &Setup,
    store: &Store,
    prices: &PriceTable,
) -> Result<Budget, RunError> {
    let caps = caps(&setup.config, setup.limit);
    require_prices(&setup.config, prices)?;
    let (now, zone) = (setup.clock.now(), setup.clock.zone());
    let mut budget = budget(caps, store, prices, now, zone).await?;
    budget.add_earlier_spend(Period::Run, &setup.reload.spent);
    Ok(budget)
}

/// Returns the caps of a run that may submit at most `limit` recordings.
#[must_use]
pub fn caps(config: &Config, limit: Option<u64>) -> Vec<Cap> {
    let mut caps = config.budget.clone();
    caps.extend(limit.map(|most| Cap {
        metric: Metric::Recordings,
        period: Period::Run,
        limit: most as f64,
    }));
    caps
}

/// Returns a budget with these caps, of which the submissions of today and of this month are spent.
///
/// # Errors
/// If the database fails.
pub async fn budget(
    caps: Vec<Cap>,
    store: &Store,
    prices: &PriceTable,
    now: Timestamp,
    zone: TimeZone,
) -> Result<Budget, StoreError> {
    let mut budget = Budget::new(caps, zone.clone(), now);
    for period in [Period::Day, Period::Month] {
        let Some((from, _)) =
            period_bounds(period, now, &zone).filter(|_| budget.has_cap_for(period))
        else {
            continue;
        };
        let spent = spent_since(from, store, prices).await?;
        budget.add_earlier_spend(period, &spent);
    }
    Ok(budget)
}

/// Returns what was submitted since `from`, without the number of recordings.
///
/// # Errors
/// If the database fails.
pub async fn spent_since(
    from: Timestamp,
    store: &Store,
    prices: &PriceTable,
) -> Result<Amount, StoreError> {
    let mut spent = Amount::default();
    for submitted in store.usage_since(from).await? {
        spent.audio_s += submitted.audio_s;
        spent.cost += submitted.cost(prices).unwrap_or(0.0);
    }
    Ok(spent)
}

/// The spend of a run against its budget. A submission is charged before its claim and refunded if it was not billed,
/// so that uploads in flight cannot exceed a cap together.
///
/// A recording of unknown length is charged for an upper bound. What the service bills replaces it.
pub struct Spend {
    account: Mutex<Account>,
    prices: PriceTable,
}

struct Account {
    budget: Budget,
    /// Charges of the submissions in flight. Empty without a cap.
    in_flight: HashMap<AttemptId, InFlight>,
    /// Seconds and cost of the last recording that the remaining budget did not admit.
    refused: Option<(Option<f64>, Option<f64>)>,
}

/// Charge of a submission in flight.
struct InFlight {
    charge: Charge,
    /// Whether it is an upper bound.
    is_bound: bool,
}

/// Length and charge of a submission that ended, as far as the service named them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Billed<'a> {
    /// Model.
    pub model: &'a str,
    /// Billed audio, in seconds.
    pub audio_s: Option<f64>,
    /// Amount charged, in US dollars.
    pub charged_usd: Option<f64>,
}

impl Spend {
    /// Returns the spend of a run with this budget, by these prices. `open` are the submissions of earlier runs that may
    /// still be billed.
    #[must_use]
    pub fn new(budget: Budget, prices: PriceTable, open: Vec<OpenSubmission>) -> Self {
        let spend = Self {
            account: Mutex::new(Account {
                budget,
                in_flight: HashMap::new(),
                refused: None,
            }),
            prices,
        };
        for submission in open {
            let size_bytes = Some(submission.size_bytes).filter(|size| *size > 0);
            let length = BookedLength::of(submission.duration_s, size_bytes);
            let amount = Amount {
                audio_s: length.seconds().unwrap_or(0.0),
                cost: spend.cost(&submission.model, length).unwrap_or(0.0),
                recordings: 0.0,
            };
            let charge = Charge::earlier(amount, submission.started_at);
            spend.record_claim(submission.attempt, charge, length);
        }
        spend
    }

    /// Returns the prices.
    #[must_use]
    pub const fn prices(&self) -> &PriceTable {
        &self.prices
    }

    /// Whether a budget or a limit may refuse a submission.
    pub fn is_capped(&self) -> bool {
        self.account().budget.is_capped()
    }

    /// Charges a submission to the budget.
    ///
    /// # Errors
    /// The reason if the budget does not allow it.
    pub fn charge(
        &self,
        model: &str,
        length: BookedLength,
        now: Timestamp,
    ) -> Result<Charge, BudgetRefusal> {
        let wanted = (length.seconds(), self.cost(model, length));
        let mut account = self.account();
        let charged = account.budget.spend(now, wanted.0, wanted.1);
        if matches!(charged, Err(BudgetRefusal::WouldExceed { .. })) {
            account.refused = Some(wanted);
        }
        charged
    }

    /// Returns what the run has spent.
    #[must_use]
    pub fn in_run(&self) -> Amount {
        self.account().budget.spent_in_run()
    }

    /// Whether the recording that was refused last fits now.
    #[must_use]
    pub fn has_room(&self, now: Timestamp) -> bool {
        self.account().has_room(now)
    }

    /// Records that a charged submission was claimed, so that [`settle`](Self::settle) finds its charge.
    pub fn record_claim(&self, attempt: AttemptId, charge: Charge, length: BookedLength) {
        let mut account = self.account();
        if account.budget.is_capped() {
            let is_bound = matches!(length, BookedLength::AtMost(_));
            let in_flight = InFlight { charge, is_bound };
            account.in_flight.insert(attempt, in_flight);
        }
    }

    /// Refunds a charge that led to no submission. Returns whether the recording that was refused last fits now.
    #[must_use]
    pub fn refund(&self, charge: &Charge, now: Timestamp) -> bool {
        let mut account = self.account();
        account.budget.refund(charge);
        account.has_room(now)
    }

    /// Refunds a submission that the service did not bill. Returns whether the recording that was refused last fits now.
    #[must_use]
    pub fn refund_attempt(&self, attempt: AttemptId, now: Timestamp) -> bool {
        let mut account = self.account();
        let Some(InFlight { charge, .. }) = account.in_flight.remove(&attempt) else {
            return false;
        };
        account.budget.refund(&charge);
        account.has_room(now)
    }

    /// Replaces the upper bound that a submission was charged by what was billed. Returns whether the recording that was
    /// refused last fits now.
    #[must_use]
    pub fn settle(&self, attempt: AttemptId, billed: &Billed<'_>, now: Timestamp) -> bool {
        let mut account = self.account();
        let Some(InFlight { charge, is_bound }) = account.in_flight.remove(&attempt) else {
            return false;
        };
        let Some(audio_s) = billed.audio_s.filter(|_| is_bound) else {
            return false;
        };
        let prices = &self.prices;
        let cost = prices.billed_cost(billed.model, audio_s, billed.charged_usd);
        account.budget.correct(&charge, audio_s, cost);
        account.has_room(now)
    }

    fn cost(&self, model: &str, length: BookedLength) -> Option<f64> {
        self.prices.cost(model, length.seconds()?)
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Account {
    /// Whether the recording that was refused last fits now.
    fn has_room(&self, now: Timestamp) -> bool {
        self.refused.is_some_and(|(audio_s, cost)| {
            // A copy, because only a submission is charged.
            let mut budget = self.budget.clone();
            budget.spend(now, audio_s, cost).is_ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_230_245_000);

    /// Returns the spend of a run that may submit an hour.
    fn one_hour() -> Spend {
        let cap = Cap {
            metric: Metric::Audio,
            period: Period::Run,
            limit: 3600.0,
        };
        let budget = Budget::new(vec![cap], TimeZone::UTC, NOW);
        Spend::new(budget, PriceTable::default(), Vec::new())
    }

    fn billed(audio_s: f64) -> Billed<'static> {
        Billed {
            model: "m",
            audio_s: Some(audio_s),
            charged_usd: None,
        }
    }

    #[test]
    fn what_was_billed_makes_room_for_the_refused_recording() {
        let spend = one_hour();
        let bound = BookedLength::AtMost(3000.0);
        for attempt in [AttemptId(1), AttemptId(2)] {
            let charge = spend.charge("m", bound, NOW).unwrap();
            spend.record_claim(attempt, charge, bound);
            let next = spend.charge("m", BookedLength::Known(1000.0), NOW);
            assert!(next.is_err());
            assert!(spend.settle(attempt, &billed(100.0), NOW));
            assert!(!spend.settle(attempt, &billed(100.0), NOW), "settled once");
        }
    }

    #[test]
    fn a_known_length_is_not_corrected() {
        let spend = one_hour();
        let length = BookedLength::Known(3000.0);
        let charge = spend.charge("m", length, NOW).unwrap();
        spend.record_claim(AttemptId(1), charge, length);
        assert!(spend.charge("m", length, NOW).is_err());
        assert!(!spend.settle(AttemptId(1), &billed(100.0), NOW));
        assert!(spend.charge("m", length, NOW).is_err());
    }

    #[test]
    fn a_refund_makes_room_only_for_what_fits() {
        let spend = one_hour();
        let length = BookedLength::Known(1800.0);
        let charges = [1, 2].map(|attempt| {
            let charge = spend.charge("m", length, NOW).unwrap();
            spend.record_claim(AttemptId(attempt), charge, length);
            charge
        });
        let long = BookedLength::Known(3600.0);
        assert!(spend.charge("m", long, NOW).is_err());
        assert!(!spend.refund(&charges[0], NOW));
        assert!(spend.refund_attempt(AttemptId(2), NOW));
        assert!(spend.charge("m", long, NOW).is_ok());
    }
}
