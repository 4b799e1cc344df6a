//! Use of each cap of the budget.

use super::error::AppError;
use super::session::Session;
use super::status::load_overview;
use crate::pipeline::budget::{prices, spent_since};
use crate::policy::budget::{Cap, Metric, Period, period_bounds};
use crate::runtime::clock::{Clock, SystemClock};
use crate::store::Store;

/// A cap of the budget and its use.
#[derive(Debug, Clone, PartialEq)]
pub struct CapUse {
    /// The cap.
    pub cap: Cap,
    /// Use in the current period, in seconds of audio or in money. The period of a cap per run starts with the active run.
    pub spent: f64,
    /// Currency of a cap on money.
    pub currency: Option<String>,
}

/// Returns the configured caps with their use. Without a queue, the use is 0.
///
/// # Errors
/// If the database fails.
pub async fn budget_use(session: &Session) -> Result<Vec<CapUse>, AppError> {
    if session.config.budget.is_empty() {
        return Ok(Vec::new());
    }
    let store = session.existing_store().await?;
    let mut used = Vec::new();
    for &cap in &session.config.budget {
        used.push(match &store {
            Some(store) => cap_use(session, store, cap).await?,
            None => CapUse {
                cap,
                spent: 0.0,
                currency: None,
            },
        });
    }
    if let Some(store) = store {
        store.close().await;
    }
    Ok(used)
}

async fn cap_use(session: &Session, store: &Store, cap: Cap) -> Result<CapUse, AppError> {
    let (now, zone) = (session.now(), SystemClock.zone());
    let from = match cap.period {
        Period::Run => {
            let overview = load_overview(session, store, now).await?;
            overview.active_run.map(|run| run.since)
        }
        period => period_bounds(period, now, &zone).map(|(from, _)| from),
    };
    let prices = prices(&session.config, store).await?;
    let spent = match from {
        Some(from) => spent_since(from, store, &prices).await?,
        None => Default::default(),
    };
    let is_cost = cap.metric == Metric::Cost;
    Ok(CapUse {
        cap,
        spent: if is_cost { spent.cost } else { spent.audio_s },
        currency: prices.currency().filter(|_| is_cost).map(str::to_owned),
    })
}
