//! `nightscribe report`

mod reconcile;

use super::args::{GroupBy, ReportArgs, Since};
use super::exit::{CommandError, Exit};
use super::json::to_json_line;
use crate::app::session::Session;
use super::terminal::{format_hours, format_money, format_table, new_table};
use crate::domain::{PriceTable, Timestamp};
use crate::pipeline::budget::prices;
use crate::policy::day::{date_of, start_of_day};
use crate::runtime::clock::{Clock, SystemClock};
use crate::store::sqlite::billing::{BillingEntry, BillingState};
use jiff::tz::TimeZone;
use reconcile::{Difference, reconcile};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;

/// JSON form of the report. Fields may be added, but never removed or renamed.
#[derive(Debug, Serialize)]
struct JsonReport {
    since: Timestamp,
    currency: Option<String>,
    lines: Vec<ReportLine>,
    in_all: ReportLine,
    /// `null` without `--reconcile`.
    differences: Option<Vec<Difference>>,
}

/// Totals of one source, model or day.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
struct ReportLine {
    name: String,
    /// Number of billed transcripts.
    billed: u64,
    billed_s: f64,
    /// `null` if a price is unknown.
    cost: Option<f64>,
    /// Number of pending transcriptions.
    pending: u64,
    /// Number of transcripts reused from duplicates.
    saved: u64,
    saved_s: f64,
    saved_cost: Option<f64>,
    /// Number of submissions that may have been billed without yielding a transcript.
    perhaps_paid: u64,
    perhaps_paid_s: f64,
}

pub(super) async fn report(session: &Session, args: &ReportArgs) -> Result<Exit, CommandError> {
    let zone = SystemClock.zone();
    let since = start_time(args.since, session.now(), &zone)?;
    let Some(store) = session.existing_store().await? else {
        return Ok(Exit::Done);
    };
    let entries = store.billing_entries(since).await?;
    let prices = prices(&session.config, &store).await?;
    store.close().await;
    let name = |entry: &BillingEntry| match args.by {
        GroupBy::Source => entry.source.clone(),
        GroupBy::Model => entry.model.clone(),
        GroupBy::Day => day(entry.at, &zone),
    };
    let mut report = JsonReport {
        since,
        currency: prices.currency().map(str::to_owned),
        lines: summed(&entries, name, &prices),
        in_all: summed(&entries, |_| "in all".to_owned(), &prices)
            .pop()
            .unwrap_or_default(),
        differences: None,
    };
    if args.reconcile {
        report.differences = Some(reconcile(session, &entries, since).await?);
    }
    let mut out = anstream::stdout().lock();
    if args.json {
        writeln!(out, "{}", to_json_line(&report)?)?;
    } else if args.csv {
        write!(out, "{}", csv(&report))?;
    } else {
        write!(out, "{}", text(&report))?;
    }
    Ok(Exit::Done)
}

fn start_time(
    since: Option<Since>,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<Timestamp, CommandError> {
    Ok(match since {
        None => Timestamp::from_millis(0),
        Some(Since::Ago(span)) => now.before(span),
        Some(Since::Time(time)) => Timestamp::from_millis(time.as_millisecond()),
        Some(Since::Day(day)) => {
            let out_of_range =
                || CommandError::new(Exit::Usage, "--since: the day is out of range");
            start_of_day(day, zone).ok_or_else(out_of_range)?
        }
    })
}

fn day(time: Timestamp, zone: &TimeZone) -> String {
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
        let cost = prices.cost(&entry.model, entry.audio_s);
        let add = |sum: &mut Option<f64>| *sum = sum.zip(cost).map(|(sum, cost)| sum + cost);
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

fn text(report: &JsonReport) -> String {
    let currency = report.currency.as_deref();
    let mut rows = new_table(&[
        "",
        "BILLED",
        "AUDIO",
        "COST",
        "PENDING",
        "SAVED",
        "POSSIBLY PAID TWICE",
    ]);
    let total = ReportLine {
        name: "total".to_owned(),
        ..report.in_all.clone()
    };
    rows.add_rows(report.lines.iter().chain([&total]).map(|line| {
        [
            line.name.clone(),
            line.billed.to_string(),
            format_hours(line.billed_s),
            format_money(line.cost, currency),
            line.pending.to_string(),
            count_with_hours(line.saved, line.saved_s),
            count_with_hours(line.perhaps_paid, line.perhaps_paid_s),
        ]
    }));
    let mut text = format_table(&rows);
    match &report.differences {
        None => {}
        Some(none) if none.is_empty() => {
            text.push_str("\nNo differences from the service's list of requests.\n");
        }
        Some(differences) => {
            text.push('\n');
            for difference in differences {
                text.push_str(&format!("{difference}\n"));
            }
        }
    }
    text
}

fn count_with_hours(number: u64, audio_s: f64) -> String {
    match number {
        0 => "0".to_owned(),
        number => format!("{number} ({})", format_hours(audio_s)),
    }
}

fn csv(report: &JsonReport) -> String {
    let mut csv =
        "name,billed,billed_s,cost,currency,pending,saved,saved_s,perhaps_paid,perhaps_paid_s\n"
            .to_owned();
    for line in &report.lines {
        let fields = [
            quoted(&line.name),
            line.billed.to_string(),
            line.billed_s.to_string(),
            line.cost.map_or_else(String::new, |cost| cost.to_string()),
            report.currency.clone().unwrap_or_default(),
            line.pending.to_string(),
            line.saved.to_string(),
            line.saved_s.to_string(),
            line.perhaps_paid.to_string(),
            line.perhaps_paid_s.to_string(),
        ];
        csv.push_str(&format!("{}\n", fields.join(",")));
    }
    csv
}

/// Quotes a CSV field if necessary (RFC 4180).
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
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
            at: Timestamp::from_millis(0),
            state: charge,
            audio_s,
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
    }

    #[test]
    fn a_field_with_a_comma_is_quoted() {
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted("a b"), "a b");
    }
}
