//! The service's price list, from its catalogue of models.

use crate::domain::Price;
use crate::provider::aimlapi::envelope::InvalidResponse;
use serde_json::Value;

/// Prices of the speech-to-text models, with an entry for each ID and alias.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PriceList {
    /// Models with a price per time of audio.
    pub prices: Vec<(String, Price)>,
    /// Models without one, with the reason.
    pub unpriced: Vec<(String, String)>,
}

/// Reads the price list.
///
/// # Errors
/// Returns an error if the body is not a JSON object with a `data` list.
pub(crate) fn read_prices(body: &[u8]) -> Result<PriceList, InvalidResponse> {
    let value: Value = serde_json::from_slice(body).map_err(InvalidResponse::from)?;
    let Some(models) = value.get("data").and_then(Value::as_array) else {
        return Err(InvalidResponse::default());
    };
    let mut list = PriceList::default();
    for model in models.iter().filter(|model| is_speech_to_text(model)) {
        let Some(pricing) = model.get("pricing").filter(|pricing| pricing.is_object()) else {
            continue;
        };
        match price(pricing) {
            Ok(price) => {
                let priced = names(model).map(|name| (name, price.clone()));
                list.prices.extend(priced);
            }
            Err(reason) => {
                let unpriced = names(model).map(|name| (name, reason.to_owned()));
                list.unpriced.extend(unpriced);
            }
        }
    }
    Ok(list)
}

/// Whether the entry is a speech-to-text model. The catalogue also lists chat and image models.
pub(crate) fn is_speech_to_text(model: &Value) -> bool {
    let kind = model.get("type").and_then(Value::as_str);
    kind.is_none_or(|kind| kind.contains("speech-to-text") || kind == "stt")
}

/// Returns the ID and the aliases of a model.
pub(crate) fn names(model: &Value) -> impl Iterator<Item = String> {
    let aliases = model.get("aliases").and_then(Value::as_array);
    let names = aliases.into_iter().flatten().chain(model.get("id"));
    names.filter_map(Value::as_str).map(str::to_owned)
}

/// Returns the price of a minute of audio, or why there is none.
fn price(pricing: &Value) -> Result<Price, &'static str> {
    let currency = pricing.get("currency").and_then(Value::as_str);
    let currency = currency.unwrap_or("USD").to_uppercase();
    let list = |key: &str| pricing.get(key).and_then(Value::as_array);
    let rows = list("variants").or_else(|| list("units"));
    let rows: Vec<_> = rows.into_iter().flatten().filter(is_input).collect();
    let per_minute: Vec<_> = rows.iter().filter_map(|row| per_minute(row)).collect();
    let Some(dearest) = per_minute.iter().copied().reduce(f64::max) else {
        let by_token = rows.iter().any(|row| unit(row).starts_with("token"));
        return Err(if by_token {
            "charged per token, not per time of audio"
        } else {
            "no price per time of audio"
        });
    };
    // Which variant applies depends on the request. The dearest one never underestimates a cost.
    Ok(Price {
        per_minute: dearest,
        currency,
        is_upper_bound: per_minute.iter().any(|price| *price < dearest),
    })
}

/// Whether a row prices the input. Rows for generated output and cached input do not apply to audio.
fn is_input(row: &&Value) -> bool {
    let direction = ["measure", "origin", "direction"]
        .iter()
        .find_map(|key| row.get(*key)?.as_str());
    !direction.is_some_and(|direction| {
        ["generated", "output", "cached"].contains(&direction.to_lowercase().as_str())
    })
}

/// Returns the unit of a row in lower case. Variants call it `unit`, fixed prices `name`.
fn unit(row: &Value) -> String {
    let units = ["unit", "name", "measure"]
        .iter()
        .filter_map(|key| row.get(*key)?.as_str())
        .map(str::to_lowercase);
    let known = |unit: &String| units_per_minute(unit).is_some() || unit.starts_with("token");
    units.clone().find(known).unwrap_or_default()
}

fn units_per_minute(unit: &str) -> Option<f64> {
    match unit {
        "second" | "seconds" => Some(60.0),
        "minute" | "minutes" => Some(1.0),
        "hour" | "hours" => Some(1.0 / 60.0),
        _ => None,
    }
}

/// Returns the price of a minute from a row like `{"name": "second", "price": 0.0001, "per": 1}`.
fn per_minute(row: &Value) -> Option<f64> {
    let number = |key: &str| {
        let value = row.get(key)?;
        let text = || value.as_str()?.trim().parse().ok();
        value.as_f64().or_else(text)
    };
    let (price, per) = (number("price")?, number("per").unwrap_or(1.0));
    let price = price / per * units_per_minute(&unit(row))?;
    (price.is_finite() && price >= 0.0).then_some(price)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(models: &str) -> PriceList {
        read_prices(format!(r#"{{"data": [{models}]}}"#).as_bytes()).unwrap()
    }

    /// Returns the prices as `name=price`, with `≤` for an upper bound.
    fn shown(list: &PriceList) -> String {
        let shown = list.prices.iter().map(|(name, price)| {
            let bound = if price.is_upper_bound { "≤" } else { "" };
            format!("{name}={bound}{} {}", price.per_minute, price.currency)
        });
        shown.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn fixed_prices_have_every_name_of_their_model() {
        let list = read(
            r##"{"id": "#g1_a", "aliases": ["a", "dg/a"], "type": "internal/speech-to-text/submit",
                 "pricing": {"kind": "fixed", "currency": "usd", "units": [
                 {"name": "second", "measure": "provided", "price": 0.5, "per": 1}]}},
                {"id": "b", "pricing": {"kind": "fixed", "units": [{"name": "minute", "origin": "provided", "price": "0.25"}]}},
                {"id": "c", "pricing": {"units": [{"name": "hour", "price": 120, "per": 2}]}},
                {"id": "d", "pricing": {"units": [{"name": "audio", "measure": "second", "price": 1}]}}"##,
        );
        assert_eq!(
            shown(&list),
            "a=30 USD, dg/a=30 USD, #g1_a=30 USD, b=0.25 USD, c=1 USD, d=60 USD"
        );
    }

    #[test]
    fn only_rows_for_the_input_count() {
        let list = read(
            r#"{"id": "a", "pricing": {"kind": "fixed", "units": [
                {"name": "second", "measure": "generated", "price": 9},
                {"name": "second", "origin": "cached", "price": 8},
                {"name": "minute", "origin": "provided", "price": 1}]}}"#,
        );
        assert_eq!(shown(&list), "a=1 USD");
    }

    #[test]
    fn the_dearest_variant_is_an_upper_bound() {
        let list = read(
            r#"{"id": "a", "pricing": {"kind": "variants", "dimensions": ["diarize"], "variants": [
                {"when": {"diarize": false}, "price": 1, "unit": "minute", "per": 1},
                {"when": {"diarize": true}, "price": 3, "unit": "minute", "per": 1}]}},
               {"id": "b", "pricing": {"kind": "variants", "variants": [{"price": 2, "unit": "minute"}]}}"#,
        );
        assert_eq!(shown(&list), "a=≤3 USD, b=2 USD");
    }

    #[test]
    fn a_price_per_token_is_no_price_of_audio() {
        let list = read(
            r#"{"id": "a", "aliases": ["x"], "pricing": {"kind": "fixed", "units": [{"name": "token", "measure": "provided", "price": 1, "per": 1000000}]}},
               {"id": "b", "pricing": {"kind": "variable"}},
               {"id": "c"}, {"id": "d", "pricing": null},
               {"id": "e", "type": "chat-completion", "pricing": {"units": [{"name": "minute", "price": 1}]}},
               {"id": "f", "pricing": {"units": [{"name": "second", "price": -1}]}},
               {"id": "g", "pricing": {"units": [{"name": "second", "price": 1, "per": 0}]}}"#,
        );
        assert_eq!(list.prices, []);
        let unpriced: Vec<_> = list
            .unpriced
            .iter()
            .map(|(name, why)| format!("{name}: {why}"))
            .collect();
        let token = "charged per token, not per time of audio";
        assert_eq!(
            unpriced[..2],
            [format!("x: {token}"), format!("a: {token}")]
        );
        assert_eq!(unpriced[2], "b: no price per time of audio");
        assert!(read_prices(b"[]").is_err());
        assert!(read_prices(b"<html>").is_err());
    }
}
