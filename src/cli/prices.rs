//! `nightscribe prices`

use super::args::PricesArgs;
use super::exit::{CommandError, Exit};
use super::json::to_json_line;
use super::terminal::{format_table, new_table};
use crate::app::prices::{KnownPrices, ModelPrice, UnpricedModel, known_prices, refresh_prices};
use crate::app::session::Session;
use crate::domain::local_time::format_date_time;
use crate::runtime::clock::{Clock, SystemClock};
use jiff::tz::TimeZone;
use std::io::Write;

pub(super) async fn prices(session: &Session, args: &PricesArgs) -> Result<Exit, CommandError> {
    if args.refresh {
        refresh_prices(session).await?;
    }
    let KnownPrices { prices, unpriced } = known_prices(session).await?;
    let mut out = anstream::stdout().lock();
    if args.json {
        for price in &prices {
            writeln!(out, "{}", to_json_line(price)?)?;
        }
        for model in &unpriced {
            writeln!(out, "{}", to_json_line(model)?)?;
        }
    } else if prices.is_empty() {
        writeln!(
            out,
            "No prices are known. Fetch them with `nightscribe prices --refresh`, or set them under [prices]."
        )?;
    } else {
        let mut rows = new_table(&["MODEL", "PER MINUTE", "PER HOUR", "FROM"]);
        let zone = SystemClock.zone();
        rows.add_rows(prices.iter().map(|price| row(price, &zone)));
        write!(out, "{}", format_table(&rows))?;
    }
    if !args.json {
        for UnpricedModel { model, unpriced } in unpriced {
            writeln!(out, "{model}: {unpriced}; set its price under [prices].")?;
        }
    }
    Ok(Exit::Done)
}

fn row(price: &ModelPrice, zone: &TimeZone) -> [String; 4] {
    let bound = if price.is_upper_bound { "at most " } else { "" };
    let money = |amount: f64| format!("{bound}{} {}", rounded(amount), price.currency);
    [
        price.model.clone(),
        money(price.per_minute),
        money(price.per_minute * 60.0),
        price.fetched_at.map_or_else(
            || "configuration".to_owned(),
            |time| format!("service, {}", format_date_time(time, zone)),
        ),
    ]
}

/// Rounds off the error of binary fractions.
fn rounded(amount: f64) -> f64 {
    (amount * 1e9).round() / 1e9
}
