//! Prices of the models.

use super::model_name::canonical_model;
use std::collections::BTreeMap;

/// Price of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Price {
    /// Price for one minute of audio.
    pub per_minute: f64,
    /// Currency code, such as `USD`.
    pub currency: String,
    /// Whether the model has variants that cost less. The price is then the highest one, and a cost is an upper bound.
    pub is_upper_bound: bool,
}

/// Returns the sum of the amounts, and zero for none: the sum of no floats is -0.0 in the standard library.
#[must_use]
pub fn total(amounts: impl IntoIterator<Item = f64>) -> f64 {
    amounts.into_iter().fold(0.0, |sum, amount| sum + amount)
}

/// Returns the sum of the costs, as [`total`] does. Returns `None` if one is unknown.
#[must_use]
pub fn total_cost(costs: impl IntoIterator<Item = Option<f64>>) -> Option<f64> {
    let mut costs = costs.into_iter();
    costs.try_fold(0.0, |sum, cost| Some(sum + cost?))
}

/// Prices by model, in any spelling.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PriceTable {
    prices: BTreeMap<String, Price>,
    /// Models that the service does not charge by time, with the reason.
    unpriced: BTreeMap<String, String>,
}

impl PriceTable {
    /// Sets the price of a model.
    pub fn set(&mut self, model: &str, price: Price) {
        self.prices.insert(canonical_model(model), price);
    }

    /// Records why the service has no price for the audio of a model.
    pub fn set_unpriced(&mut self, model: &str, reason: String) {
        self.unpriced.insert(canonical_model(model), reason);
    }

    /// Returns why the service has no price for the audio of a model, if that is known.
    #[must_use]
    pub fn unpriced_reason(&self, model: &str) -> Option<&str> {
        let reason = self.unpriced.get(&canonical_model(model))?;
        Some(reason.as_str())
    }

    /// Adds other prices. They replace existing prices for the same models.
    pub fn extend(&mut self, others: &Self) {
        self.prices.extend(others.prices.clone());
        self.unpriced.extend(others.unpriced.clone());
    }

    /// Returns the price of a model, if known.
    #[must_use]
    pub fn get(&self, model: &str) -> Option<&Price> {
        self.prices.get(&canonical_model(model))
    }

    /// Returns the cost of `audio_s` seconds of audio, if the price of the model is known.
    #[must_use]
    pub fn cost(&self, model: &str, audio_s: f64) -> Option<f64> {
        Some(self.get(model)?.per_minute * audio_s / 60.0)
    }

    /// Returns the cost of a submission: the amount that the service charged, or the cost of `audio_s` seconds of audio if it
    /// named none or the prices are in another currency.
    #[must_use]
    pub fn billed_cost(&self, model: &str, audio_s: f64, charged_usd: Option<f64>) -> Option<f64> {
        let charged = charged_usd.filter(|_| self.is_usd());
        charged.or_else(|| self.cost(model, audio_s))
    }

    /// Whether costs may be added to the amounts that the service charges, which are in US dollars. It is false if the
    /// prices are in one other currency.
    #[must_use]
    pub fn is_usd(&self) -> bool {
        self.currency().is_none_or(|currency| currency == "USD")
    }

    /// Returns the currency, if all prices use the same one.
    #[must_use]
    pub fn currency(&self) -> Option<&str> {
        let mut currencies = self.prices.values().map(|price| price.currency.as_str());
        let first = currencies.next()?;
        currencies.all(|other| other == first).then_some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_nothing_is_positive_zero() {
        assert!(total([]).is_sign_positive());
        assert!(total_cost([]).is_some_and(f64::is_sign_positive));
        assert_eq!(
            (total([1.0, 2.0]), total_cost([Some(1.5), Some(2.0)])),
            (3.0, Some(3.5))
        );
        assert_eq!(total_cost([Some(1.0), None]), None);
    }

    #[test]
    fn a_price_is_found_by_every_name_of_its_model() {
        let mut prices = PriceTable::default();
        let usd = |per_minute| Price {
            per_minute,
            currency: "USD".to_owned(),
            is_upper_bound: false,
        };
        prices.set("nova-2-general", usd(0.5));
        assert_eq!(prices.get("#g1_nova-2-General"), Some(&usd(0.5)));
        assert_eq!(prices.get("deepgram/nova-2-general"), Some(&usd(0.5)));
        assert_eq!(prices.cost("#g1_nova-2-general", 600.0), Some(5.0));
        assert_eq!(prices.cost("#g1_whisper-tiny", 600.0), None);
        assert_eq!(prices.currency(), Some("USD"));
    }

    #[test]
    fn a_charge_counts_unless_prices_are_in_another_currency() {
        let prices = |currency: &str| {
            let mut prices = PriceTable::default();
            let price = Price {
                per_minute: 0.5,
                currency: currency.to_owned(),
                is_upper_bound: false,
            };
            prices.set("m", price);
            prices
        };
        assert_eq!(prices("USD").billed_cost("m", 60.0, Some(0.2)), Some(0.2));
        assert_eq!(prices("USD").billed_cost("m", 60.0, None), Some(0.5));
        assert_eq!(prices("EUR").billed_cost("m", 60.0, Some(0.2)), Some(0.5));
        let unknown = PriceTable::default();
        assert_eq!(unknown.billed_cost("m", 60.0, Some(0.2)), Some(0.2));
        assert_eq!(unknown.billed_cost("m", 60.0, None), None);
    }
}
