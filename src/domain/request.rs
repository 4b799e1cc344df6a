//! Model and options of a submission.

use super::model_name::canonical_model;
use serde_json::{Map, Value};

/// Model and options with which a recording is transcribed.
///
/// The options are stored as JSON with sorted keys, so that equal requests have equal text. The database compares this
/// text to deduplicate recordings that have already been paid for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    model: String,
    options: Map<String, Value>,
}

impl Request {
    /// Creates a request from options by name. The options are not validated; the provider checks them.
    #[must_use]
    pub fn new(
        model: impl Into<String>,
        options: impl IntoIterator<Item = (String, Value)>,
    ) -> Self {
        let mut options: Vec<_> = options.into_iter().collect();
        options.sort_by(|a, b| a.0.cmp(&b.0));
        Self {
            model: model.into(),
            options: options.into_iter().collect(),
        }
    }

    /// Returns the name of the model, in the spelling of the configuration. It is sent like this.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Returns the canonical name of the model, by which requests are compared.
    #[must_use]
    pub fn model_key(&self) -> String {
        canonical_model(&self.model)
    }

    /// Returns the options, sorted by name.
    #[must_use]
    pub const fn options(&self) -> &Map<String, Value> {
        &self.options
    }

    /// Returns the options as JSON text. Equal options produce equal text.
    #[must_use]
    pub fn options_json(&self) -> String {
        Value::Object(self.options.clone()).to_string()
    }

    /// Parses the text produced by [`Request::options_json`].
    ///
    /// # Errors
    /// If the text is not a JSON object.
    pub fn from_json(model: impl Into<String>, options: &str) -> Result<Self, serde_json::Error> {
        Ok(Self::new(
            model,
            serde_json::from_str::<Map<String, Value>>(options)?,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_order_of_options_does_not_matter() {
        let one = Request::new(
            "m",
            [("b".to_owned(), json!(1)), ("a".to_owned(), json!(true))],
        );
        let two = Request::new(
            "m",
            [("a".to_owned(), json!(true)), ("b".to_owned(), json!(1))],
        );
        assert_eq!(one.options_json(), two.options_json());
        assert_eq!(Request::from_json("m", &one.options_json()).unwrap(), two);
    }
}
