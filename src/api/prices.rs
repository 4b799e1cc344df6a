//! What the service says that its models cost.

use super::answer::Unreadable;
use crate::domain::Price;
use serde_json::Value;

/// Reads the list of models with their prices: each that has a price for time, under its ID and every alias. What has
/// none, or one that is not understood, is left out: a price is never guessed.
///
/// # Errors
/// If it is no JSON object with a list in it.
pub(super) fn read_prices(body: &[u8]) -> Result<Vec<(String, Price)>, Unreadable> {
    let value: Value = serde_json::from_slice(body).map_err(Unreadable::from)?;
    let Some(models) = value.get("data").and_then(Value::as_array) else {
        return Err(Unreadable::default());
    };
    Ok(models.iter().filter_map(priced).flatten().collect())
}

fn priced(model: &Value) -> Option<Vec<(String, Price)>> {
    let pricing = model.get("pricing")?;
    let currency = pricing.get("currency").and_then(Value::as_str);
    let units = pricing.get("units")?.as_array()?;
    let mut per_minute = units.iter().filter_map(per_minute);
    let price = Price {
        per_minute: per_minute.next()?,
        currency: currency.unwrap_or("USD").to_uppercase(),
    };
    // Two prices for time: which of them counts is not known.
    if per_minute.any(|other| other != price.per_minute) {
        return None;
    }
    let aliases = model.get("aliases").and_then(Value::as_array);
    let names = aliases.into_iter().flatten().chain(model.get("id"));
    let named = names
        .filter_map(Value::as_str)
        .map(|name| (name.to_owned(), price.clone()));
    Some(named.collect())
}

/// The price of a minute, of a unit like `{"measure": "second", "price": 0.0001, "per": 1}`.
fn per_minute(unit: &Value) -> Option<f64> {
    let in_a_minute = match unit.get("measure")?.as_str()?.to_lowercase().as_str() {
        "second" | "seconds" => 60.0,
        "minute" | "minutes" => 1.0,
        "hour" | "hours" => 1.0 / 60.0,
        _ => return None,
    };
    let number = |key: &str| {
        let value = unit.get(key)?;
        let text = || value.as_str()?.parse().ok();
        value.as_f64().or_else(text)
    };
    let (price, per) = (number("price")?, number("per").unwrap_or(1.0));
    let price = price / per * in_a_minute;
    (price.is_finite() && price >= 0.0).then_some(price)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prices(body: &str) -> Vec<(String, f64, String)> {
        let prices = read_prices(body.as_bytes()).unwrap().into_iter();
        prices
            .map(|(name, price)| (name, price.per_minute, price.currency))
            .collect()
    }

    #[test]
    fn a_price_is_that_of_a_minute_under_every_name_of_its_model() {
        let body = r##"{"data": [
            {"id": "#g1_a", "aliases": ["a", "dg/a"], "pricing": {"kind": "units", "currency": "usd",
             "units": [{"name": "audio", "measure": "second", "price": 0.5, "per": 1}]}},
            {"id": "b", "pricing": {"units": [{"measure": "minutes", "price": "0.25"}, {"measure": "token", "price": 3}]}},
            {"id": "c", "pricing": {"units": [{"measure": "hour", "price": 120, "per": 2}]}}
        ]}"##;
        let usd = |name: &str, price| (name.to_owned(), price, "USD".to_owned());
        assert_eq!(
            prices(body),
            [
                usd("a", 30.0),
                usd("dg/a", 30.0),
                usd("#g1_a", 30.0),
                usd("b", 0.25),
                usd("c", 1.0)
            ]
        );
    }

    #[test]
    fn what_is_not_understood_has_no_price() {
        let body = r#"{"data": [
            {"id": "a"}, {"id": "b", "pricing": null}, {"id": "c", "pricing": {"units": [{"measure": "token", "price": 1}]}},
            {"id": "d", "pricing": {"units": [{"measure": "second", "price": 1}, {"measure": "second", "price": 2}]}},
            {"id": "e", "pricing": {"units": [{"measure": "second", "price": -1}]}},
            {"id": "f", "pricing": {"units": [{"measure": "second", "price": 1, "per": 0}]}}, 7
        ]}"#;
        assert_eq!(prices(body), []);
        assert!(read_prices(b"{}").is_err());
        assert!(read_prices(b"<html>").is_err());
    }
}
