//! Checks that the budget can be applied.

use super::check_result::{CheckResult, CheckStatus};
use crate::app::error::AppError;
use crate::app::session::Session;
use crate::pipeline::budget::{prices, require_prices};
use crate::policy::budget::Metric;

/// Checks that each model has a price if money is capped. A run would refuse to start.
pub(super) async fn check(session: &Session) -> Option<CheckResult> {
    let mut caps = session.config.budget.iter();
    caps.find(|cap| cap.metric == Metric::Cost)?;
    let checked = require_known_prices(session).await;
    Some(match checked {
        Ok(()) => {
            let message = "all models have a price".to_owned();
            CheckResult::new(CheckStatus::Passed, "budget", message)
        }
        Err(error) => CheckResult::from_result("budget", Err(error)),
    })
}

async fn require_known_prices(session: &Session) -> Result<(), Box<dyn std::error::Error>> {
    let known = match session.existing_store().await? {
        None => session.config.prices.clone(),
        Some(store) => {
            let known = prices(&session.config, &store)
                .await
                .map_err(AppError::from)?;
            store.close().await;
            known
        }
    };
    Ok(require_prices(&session.config, &known)?)
}
