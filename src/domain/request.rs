//! The model and options a recording is transcribed with.

use serde_json::{Map, Value};

/// What is asked of the service for one recording, beside its audio.
///
/// Options are kept as JSON with their keys sorted, so that equal requests have equal text: that text is how the
/// database knows that a recording was paid for already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    model: String,
    options: Map<String, Value>,
}

impl Request {
    /// A request with `options` by name. Whether they are valid is the business of [`super::options`].
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

    /// The model's name.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The options by name, sorted.
    #[must_use]
    pub const fn options(&self) -> &Map<String, Value> {
        &self.options
    }

    /// The options as JSON text, the same for equal options.
    #[must_use]
    pub fn options_json(&self) -> String {
        Value::Object(self.options.clone()).to_string()
    }

    /// Reads back what [`Request::options_json`] gave.
    ///
    /// # Errors
    /// If the text is no JSON object.
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
    fn the_order_in_which_options_are_written_makes_no_difference() {
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
