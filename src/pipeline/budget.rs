//! Budget of a run, including the spend of earlier runs in the same day and month, and what this run charges to it.

use crate::config::Config;
use crate::domain::PriceTable;
use crate::domain::Timestamp;
use crate::pipeline::run::{RunError, Setup};
use crate::policy::budget::{Amount, Budget, BudgetRefusal, Cap, Metric, Period, period_bounds};
use crate::store::{Store, StoreError};
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

/// Creates the budget of a new run, including what earlier runs submitted today and this month.
///
/// # Errors
/// If a cost limit is configured and a model has no price, or if the database fails.
pub(super) async fn open_budget(
    setup: &Setup,
    store: &Store,
    prices: &PriceTable,
) -> Result<Budget, RunError> {
    let mut caps = setup.config.budget.clone();
    caps.extend(setup.limit.map(|most| Cap {
        measure: Metric::Recordings,
        period: Period::Run,
        limit: most as f64,
    }));
    for &cap in caps.iter().filter(|cap| cap.measure == Metric::Cost) {
        let models = setup
            .config
            .sources
            .iter()
            .map(|source| source.request.model());
        if let Some(model) = models.into_iter().find(|model| prices.get(model).is_none()) {
            let reason = prices.unpriced_reason(model);
            return Err(RunError::Unpriced {
                cap,
                model: model.to_owned(),
                reason: reason.map_or_else(String::new, |reason| format!(" ({reason})")),
            });
        }
    }
    let (now, zone) = (setup.clock.now(), setup.clock.zone());
    let mut account = Budget::new(caps, zone.clone(), now);
    account.add_earlier_spend(Period::Run, &setup.reload.spent);
    for period in [Period::Day, Period::Month] {
        let Some((from, _)) =
            period_bounds(period, now, &zone).filter(|_| account.has_cap_for(period))
        else {
            continue;
        };
        for submitted in store.usage_since(from).await? {
            let amount = Amount {
                audio_s: submitted.audio_s,
                cost: submitted.cost(prices).unwrap_or(0.0),
                recordings: 0.0,
            };
            account.add_earlier_spend(period, &amount);
        }
    }
    Ok(account)
}

/// The spend of a run against its budget. A submission is charged before its claim and refunded if it was not billed,
/// so that uploads in flight cannot exceed a cap together.
pub struct Spend {
    budget: Mutex<Budget>,
    prices: PriceTable,
}

impl Spend {
    /// Returns the spend of a run with this budget, by these prices.
    #[must_use]
    pub const fn new(budget: Budget, prices: PriceTable) -> Self {
        Self {
            budget: Mutex::new(budget),
            prices,
        }
    }

    /// Returns the prices.
    #[must_use]
    pub const fn prices(&self) -> &PriceTable {
        &self.prices
    }

    /// Charges a submission to the budget.
    ///
    /// # Errors
    /// The reason if the budget does not allow it.
    pub fn charge(
        &self,
        model: &str,
        duration_s: Option<f64>,
        now: Timestamp,
    ) -> Result<Amount, BudgetRefusal> {
        let cost = self.cost(model, duration_s);
        self.budget().spend(now, duration_s, cost)
    }

    /// Returns what the run has spent.
    #[must_use]
    pub fn in_run(&self) -> Amount {
        self.budget().spent_in_run()
    }

    /// Whether a budget or a limit may refuse a submission.
    pub fn is_capped(&self) -> bool {
        self.budget().is_capped()
    }

    /// Returns the amount that a submission is charged.
    #[must_use]
    pub fn amount(&self, model: &str, duration_s: Option<f64>) -> Amount {
        Amount {
            audio_s: duration_s.unwrap_or(0.0),
            cost: self.cost(model, duration_s).unwrap_or(0.0),
            recordings: 1.0,
        }
    }

    /// Refunds the amount of a submission that was not billed.
    pub fn refund(&self, amount: &Amount) {
        self.budget().refund(amount);
    }

    fn cost(&self, model: &str, duration_s: Option<f64>) -> Option<f64> {
        self.prices.cost(model, duration_s?)
    }

    fn budget(&self) -> MutexGuard<'_, Budget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
