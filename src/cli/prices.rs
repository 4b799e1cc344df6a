//! `nightscribe prices`

use super::args::PricesArgs as Args;
use super::exit::{CommandError, Exit};
use super::json::to_json_line;
use super::terminal::{format_table, new_table};
use crate::app::session::Session;
use crate::config::read_key;
use crate::domain::{Price, PriceTable, Timestamp};
use crate::provider::aimlapi::models::MODELS;
use crate::provider::{Client, ClientSettings};
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::Write;

/// JSON form of a price. Fields may be added, but never removed or renamed.
#[derive(Debug, Serialize)]
struct JsonPrice<'a> {
    model: &'a str,
    per_minute: f64,
    currency: &'a str,
    /// Time the price was fetched from the service. `null` if it is configured.
    fetched_at: Option<Timestamp>,
}

pub(super) async fn prices(session: &Session, args: &Args) -> Result<Exit, CommandError> {
    if args.refresh {
        refresh(session).await?;
    }
    let (fetched, fetched_at) = match session.existing_store().await? {
        None => (PriceTable::default(), None),
        Some(store) => {
            let prices = store.prices().await?;
            store.close().await;
            prices
        }
    };
    let configured = &session.config.prices;
    let own = session
        .config
        .sources
        .iter()
        .map(|source| source.request.model());
    let models: BTreeSet<_> = own.chain(MODELS.iter().map(|model| model.name)).collect();
    let known = models.into_iter().filter_map(|model| {
        let (price, since) = match configured.get(model) {
            Some(price) => (price, None),
            None => (fetched.get(model)?, fetched_at),
        };
        Some((model, price, since))
    });
    let mut out = anstream::stdout().lock();
    if args.json {
        for (model, price, fetched_at) in known {
            let (per_minute, currency) = (price.per_minute, price.currency.as_str());
            let price = JsonPrice {
                model,
                per_minute,
                currency,
                fetched_at,
            };
            writeln!(out, "{}", to_json_line(&price)?)?;
        }
        return Ok(Exit::Done);
    }
    let mut rows = new_table(&["MODEL", "PER MINUTE", "PER HOUR", "FROM"]);
    rows.add_rows(known.map(|(model, price, since)| row(model, price, since)));
    if rows.is_empty() {
        writeln!(
            out,
            "No prices are known. Fetch them with `nightscribe prices --refresh`, or set them under [prices]."
        )?;
    } else {
        write!(out, "{}", format_table(&rows))?;
    }
    Ok(Exit::Done)
}

fn row(model: &str, price: &Price, since: Option<Timestamp>) -> [String; 4] {
    let money = |amount: f64| format!("{} {}", rounded(amount), price.currency);
    [
        model.to_owned(),
        money(price.per_minute),
        money(price.per_minute * 60.0),
        since.map_or_else(
            || "configuration".to_owned(),
            |since| format!("service, {since}"),
        ),
    ]
}

/// Rounds off the error of binary fractions.
fn rounded(amount: f64) -> f64 {
    (amount * 1e9).round() / 1e9
}

async fn refresh(session: &Session) -> Result<(), CommandError> {
    let api = &session.config.api;
    // The price list needs no key. A configured key is sent, as with every request.
    let key = read_key(&api.key, &session.environment).unwrap_or_default();
    let client = Client::new(&ClientSettings {
        base_url: api.base_url.clone(),
        key,
        flow: api.flow,
    })
    .map_err(|error| CommandError::from_error(Exit::Usage, &error))?;
    let failed = |why: String| {
        let message =
            format!("cannot fetch prices from the service: {why}; set them under [prices]");
        CommandError::new(Exit::SomeFailed, message)
    };
    let prices = match client.prices().await {
        Ok(Some(prices)) if !prices.is_empty() => prices,
        Ok(_) => return Err(failed("it has no price list".to_owned())),
        Err(error) => return Err(failed(error.failure.message)),
    };
    let store = session.store().await?;
    store.set_prices(prices, session.now()).await?;
    store.close().await;
    Ok(())
}
