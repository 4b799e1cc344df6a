//! The service's price list.

use crate::domain::Price;
use crate::provider::aimlapi::envelope::InvalidResponse;
use serde_json::Value;

/// Reads the price list, with an entry for each ID and alias of a model.
///
/// Models without an unambiguous price per time are omitted, because a price is never guessed.
///
/// # Errors
/// Returns an error if the body is not a JSON object with a `data` list.
pub(crate) fn read_prices(body: &[u8]) -> Result<Vec<(String, Price)>, InvalidResponse> {
    let value: Value = serde_json::from_slice(body).map_err(InvalidResponse::from)?;
    let Some(models) = value.get("data").and_then(Value::as_array) else {
        return Err(InvalidResponse::default());
    };
    Ok(models.iter().filter_map(price_entries).flatten().collect())
}

fn price_entries(model: &Value) -> Option<Vec<(String, Price)>> {
    let pricing = model.get("pricing")?;
    let currency = pricing.get("currency").and_then(Value::as_str);
    let units = pricing.get("units")?.as_array()?;
    let mut per_minute = units.iter().filter_map(per_minute);
    let price = Price {
        per_minute: per_minute.next()?,
        currency: currency.unwrap_or("USD").to_uppercase(),
    };
    // With two different prices per time, it is unknown which one is charged.
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

/// Returns the price of a minute from a unit like `{"measure": "second", "price": 0.0001, "per": 1}`.
fn per_minute(unit: &Value) -> Option<f64> {
    let units_per_minute = match unit.get("measure")?.as_str()?.to_lowercase().as_str() {
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
    let price = price / per * units_per_minute;
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
    fn prices_per_minute_have_every_model_name() {
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
    fn ambiguous_or_unknown_prices_are_omitted() {
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
