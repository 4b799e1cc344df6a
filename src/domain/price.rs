//! What the models cost.

use std::collections::BTreeMap;

/// What the service puts before the names of some models; a name without it means the same.
const PREFIX: &str = "#g1_";

/// The price of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Price {
    /// Money for a minute of audio.
    pub per_minute: f64,
    /// Of the money, as `USD`.
    pub currency: String,
}

/// Prices by model, found with or without the service's prefix, in any case of letters.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Prices(BTreeMap<String, Price>);

impl Prices {
    /// Sets the price of a model.
    pub fn set(&mut self, model: &str, price: Price) {
        self.0.insert(plain(model), price);
    }

    /// Takes in other prices, which come before these.
    pub fn extend(&mut self, others: &Self) {
        self.0.extend(others.0.clone());
    }

    /// The price of a model, if one is known.
    #[must_use]
    pub fn of(&self, model: &str) -> Option<&Price> {
        self.0.get(&plain(model))
    }

    /// What so much audio costs with a model, if its price is known.
    #[must_use]
    pub fn cost(&self, model: &str, audio_s: f64) -> Option<f64> {
        Some(self.of(model)?.per_minute * audio_s / 60.0)
    }

    /// The currency, if all prices are in the same.
    #[must_use]
    pub fn currency(&self) -> Option<&str> {
        let mut currencies = self.0.values().map(|price| price.currency.as_str());
        let first = currencies.next()?;
        currencies.all(|other| other == first).then_some(first)
    }
}

fn plain(model: &str) -> String {
    let model = model.to_lowercase();
    model
        .strip_prefix(PREFIX)
        .map(str::to_owned)
        .unwrap_or(model)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_found_by_every_name_of_its_model_and_never_guessed() {
        let mut prices = Prices::default();
        let usd = |per_minute| Price {
            per_minute,
            currency: "USD".to_owned(),
        };
        prices.set("nova-2-general", usd(0.5));
        assert_eq!(prices.of("#g1_nova-2-General"), Some(&usd(0.5)));
        assert_eq!(prices.cost("#g1_nova-2-general", 600.0), Some(5.0));
        assert_eq!(prices.cost("#g1_whisper-tiny", 600.0), None);
        assert_eq!(prices.currency(), Some("USD"));
    }
}
