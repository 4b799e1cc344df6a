//! Billing: audio billed by the service, its cost, and what deduplication saved.

use super::error::AppError;
use super::reconcile::{Difference, reconcile};
use super::session::Session;
use crate::domain::{PriceTable, Timestamp};
use crate::pipeline::budget::prices;
use crate::policy::day::date_of;
use crate::provider::models::shown_name;
use crate::runtime::clock::{Clock, SystemClock};
use crate::store::sqlite::billing::{BillingEntry, BillingState};
use jiff::tz::TimeZone;
use serde::Serialize;
use std::collections::BTreeMap;

/// Billing report. This is the JSON form: fields may be added, but never removed or renamed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BillingReport {
    /// Start of the reported period.
    pub since: Timestamp,
    /// Currency of the costs. `None` if prices have several or are unknown.
    pub currency: Option<String>,
    /// Totals by name, sorted by name.
    pub lines: Vec<ReportLine>,
    /// Totals of all lines.
    pub in_all: ReportLine,
    /// Number of transcripts with warnings.
    pub warned: u64,
    /// Differences from the service's list of charges. `None` if it was not requested.
    pub differences: Option<Vec<Difference>>,
}

/// Totals of one source, model or day.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReportLine {
    /// Source, model or day.
    pub name: String,
    /// Number of billed transcripts.
    pub billed: u64,
    /// Seconds of audio of the billed transcripts.
    pub billed_s: f64,
    /// Cost of the billed transcripts. `None` if a price is unknown.
    pub cost: Option<f64>,
    /// Number of pending transcriptions.
    pub pending: u64,
    /// Number of submissions of unknown duration that are not billed yet. The budget is charged for an upper bound.
    pub booked_by_size: u64,
    /// Seconds that these submissions last at most, by their size.
    pub booked_by_size_s: f64,
    /// Number of transcripts reused from duplicates.
    pub saved: u64,
    /// Seconds of audio of the reused transcripts.
    pub saved_s: f64,
    /// Cost that the reused transcripts would have had. `None` if a price is unknown.
    pub saved_cost: Option<f64>,
    /// Number of submissions that may have been billed without yielding a transcript.
    pub perhaps_paid: u64,
    /// Seconds of audio of these submissions.
    pub perhaps_paid_s: f64,
}

/// Grouping of the report's lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupBy {
    /// By source.
    Source,
    /// By model.
    Model,
    /// By day of submission, in local time.
    Day,
}

/// Returns the billing since `since`. `None` while no queue exists.
///
/// With `is_reconciled`, it is compared with the service's list of charges.
///
/// # Errors
/// If the database fails, or the list is requested and cannot be read.
pub async fn billing_report(
    session: &Session,
    since: Timestamp,
    group_by: GroupBy,
    is_reconciled: bool,
) -> Result<Option<BillingReport>, AppError> {
    let Some(store) = session.existing_store().await? else {
        return Ok(None);
    };
    let entries = store.billing_entries(since).await?;
    let prices = prices(&session.config, &store).await?;
    let warned = store.warned_between(since, Timestamp::MAX).await?;
    store.close().await;
    let zone = SystemClock.zone();
    let name = |entry: &BillingEntry| match group_by {
        GroupBy::Source => entry.source.clone(),
        GroupBy::Model => shown_name(&entry.model),
        GroupBy::Day => day(entry.at, &zone),
    };
    let is_charged = entries.iter().any(|entry| entry.charged_usd.is_some());
    let currency = prices.currency().or(is_charged.then_some("USD"));
    let in_all = summed(&entries, |_| "in all".to_owned(), &prices).pop();
    let differences = match is_reconciled {
        true => Some(reconcile(session, &entries, since).await?),
        false => None,
    };
    Ok(Some(BillingReport {
        since,
        currency: currency.map(str::to_owned),
        lines: summed(&entries, name, &prices),
        in_all: in_all.unwrap_or_default(),
        warned,
        differences,
    }))
}

/// Returns the day of a time, in local time.
pub(super) fn day(time: Timestamp, zone: &TimeZone) -> String {
    date_of(time, zone).map_or_else(|| time.to_string(), |date| date.to_string())
}

/// Adds up the entries by name. Returns the lines sorted by name.
fn summed(
    entries: &[BillingEntry],
    name: impl Fn(&BillingEntry) -> String,
    prices: &PriceTable,
) -> Vec<ReportLine> {
    let mut sums: BTreeMap<String, ReportLine> = BTreeMap::new();
    for entry in entries {
        let line = sums
            .entry(name(entry))
            .or_insert_with_key(|name| ReportLine {
                name: name.clone(),
                cost: Some(0.0),
                saved_cost: Some(0.0),
                ..ReportLine::default()
            });
        let cost = prices.billed_cost(&entry.model, entry.audio_s, entry.charged_usd);
        let add = |sum: &mut Option<f64>| *sum = sum.zip(cost).map(|(sum, cost)| sum + cost);
        let may_be_billed = matches!(entry.state, BillingState::Pending | BillingState::Uncertain);
        if entry.is_bound && may_be_billed {
            line.booked_by_size += 1;
            line.booked_by_size_s += entry.audio_s;
        }
        match entry.state {
            BillingState::Billed => {
                line.billed += 1;
                line.billed_s += entry.audio_s;
                add(&mut line.cost);
            }
            BillingState::Pending => line.pending += 1,
            BillingState::Shared => {
                line.saved += 1;
                line.saved_s += entry.audio_s;
                add(&mut line.saved_cost);
            }
            BillingState::Uncertain => {
                line.perhaps_paid += 1;
                line.perhaps_paid_s += entry.audio_s;
            }
            BillingState::NotBilled => {}
        }
    }
    sums.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Price;

    fn entry(source: &str, charge: BillingState, audio_s: f64) -> BillingEntry {
        BillingEntry {
            source: source.to_owned(),
            model: "m".to_owned(),
            relative: "a.mp3".into(),
            client_request_id: None,
            generation_id: None,
            at: Timestamp::from_millis(0),
            state: charge,
            audio_s,
            is_bound: false,
            charged_usd: None,
        }
    }

    #[test]
    fn charges_are_added_up_by_kind() {
        let entries = [
            entry("b", BillingState::Billed, 60.0),
            entry("a", BillingState::Billed, 120.0),
            entry("a", BillingState::Shared, 60.0),
            entry("a", BillingState::Uncertain, 30.0),
            entry("a", BillingState::NotBilled, 1000.0),
            entry("a", BillingState::Pending, 10.0),
        ];
        let mut prices = PriceTable::default();
        let per_minute = 0.5;
        let currency = "USD".to_owned();
        prices.set(
            "m",
            Price {
                per_minute,
                currency,
                is_upper_bound: false,
            },
        );
        let lines = summed(&entries, |entry| entry.source.clone(), &prices);
        let [a, b] = lines.as_slice() else {
            panic!("{lines:?}");
        };
        assert_eq!((a.billed, a.billed_s, a.cost), (1, 120.0, Some(1.0)));
        assert_eq!(
            (a.saved, a.saved_cost, a.perhaps_paid, a.pending),
            (1, Some(0.5), 1, 1)
        );
        assert_eq!((b.name.as_str(), b.billed, b.cost), ("b", 1, Some(0.5)));
        let unpriced = summed(&entries, |_| String::new(), &PriceTable::default());
        assert_eq!(unpriced[0].cost, None);
        let charged = BillingEntry {
            charged_usd: Some(0.125),
            ..entry("a", BillingState::Billed, 120.0)
        };
        for prices in [prices, PriceTable::default()] {
            let lines = summed(std::slice::from_ref(&charged), |_| String::new(), &prices);
            assert_eq!(
                lines[0].cost,
                Some(0.125),
                "what the service charged counts"
            );
        }
    }
}
