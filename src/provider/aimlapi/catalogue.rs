//! The service's catalogue of models.

use crate::domain::model_name::is_same_model;
use crate::domain::one_line;
use crate::provider::aimlapi::envelope::InvalidResponse;
use crate::provider::aimlapi::prices::{is_speech_to_text, names};
use serde_json::Value;

/// A speech-to-text model of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogueModel {
    /// ID of the model.
    pub id: String,
    /// ID and aliases.
    pub names: Vec<String>,
}

impl CatalogueModel {
    /// Whether this entry is `model`, in any spelling.
    #[must_use]
    pub fn is(&self, model: &str) -> bool {
        self.names.iter().any(|name| is_same_model(name, model))
    }
}

/// Reads the speech-to-text models of the catalogue.
///
/// # Errors
/// Returns an error if the body is not a JSON object with a `data` list.
pub fn read_catalogue(body: &[u8]) -> Result<Vec<CatalogueModel>, InvalidResponse> {
    let value: Value = serde_json::from_slice(body).map_err(InvalidResponse::from)?;
    let Some(models) = value.get("data").and_then(Value::as_array) else {
        return Err(InvalidResponse::default());
    };
    let entry = |model: &Value| {
        Some(CatalogueModel {
            id: one_line(model.get("id")?.as_str()?),
            names: names(model).map(|name| one_line(&name)).collect(),
        })
    };
    Ok(models
        .iter()
        .filter(|model| is_speech_to_text(model))
        .filter_map(entry)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speech_to_text_models_are_found_by_every_name() {
        let body = br##"{"data": [
            {"id": "deepgram/nova-3-general", "aliases": ["#g1_nova-3"], "type": "internal/speech-to-text/submit"},
            {"id": "openai/gpt-4o", "type": "chat-completion"}, {"aliases": ["x"]}, 7
        ]}"##;
        let models = read_catalogue(body).unwrap();
        assert_eq!(models.len(), 1);
        assert!(models[0].is("nova-3") && models[0].is("#g1_nova-3-general"));
        assert!(!models[0].is("nova-3-medical"));
        assert!(read_catalogue(b"[]").is_err());
    }
}
