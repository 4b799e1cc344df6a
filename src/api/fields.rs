//! A request's model and options as the service wants them: form fields beside a file, JSON beside a URL.

use crate::domain::Request;
use serde_json::{Map, Value};

/// The form fields, in order: `true` in lower case, numbers as decimal text, a list as a repeated field; what is
/// false or unset is left out.
pub(super) fn form_fields(request: &Request) -> Vec<(String, String)> {
    let mut fields = vec![("model".to_owned(), request.model().to_owned())];
    for (name, value) in request.options() {
        match value {
            Value::Array(items) => fields.extend(
                items
                    .iter()
                    .filter_map(text)
                    .map(|text| (name.clone(), text)),
            ),
            value => fields.extend(text(value).map(|text| (name.clone(), text))),
        }
    }
    fields
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Bool(false) => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// The JSON body for audio at `url`, with real types.
pub(super) fn json_body(request: &Request, url: &str) -> Value {
    let mut body = Map::new();
    body.insert("model".to_owned(), request.model().into());
    body.insert("url".to_owned(), url.into());
    for (name, value) in request.options() {
        if !matches!(value, Value::Null | Value::Bool(false)) {
            body.insert(name.clone(), value.clone());
        }
    }
    Value::Object(body)
}

/// The form field that carries the file: OpenAI's models refuse `audio`, all others take nothing else.
pub(super) fn file_field(model: &str) -> &'static str {
    if model.contains("gpt-4o") && model.contains("transcribe") {
        "file"
    } else {
        "audio"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request() -> Request {
        let options = json!({
            "diarize": true, "numerals": false, "utt_split": 0.8, "extra": "k:v", "tag": ["a", "b"], "search": null, "n": 1
        });
        let Value::Object(options) = options else {
            unreachable!()
        };
        Request::new("#g1_nova-2-general", options)
    }

    #[test]
    fn a_form_has_text_and_repeats_lists_and_leaves_out_what_is_off() {
        let fields: Vec<_> = form_fields(&request())
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(
            fields,
            [
                "model=#g1_nova-2-general",
                "diarize=true",
                "extra=k:v",
                "n=1",
                "tag=a",
                "tag=b",
                "utt_split=0.8"
            ]
        );
    }

    #[test]
    fn json_keeps_the_types_and_leaves_out_what_is_off() {
        let expected = json!({
            "model": "#g1_nova-2-general", "url": "https://a/b.mp3",
            "diarize": true, "extra": "k:v", "n": 1, "tag": ["a", "b"], "utt_split": 0.8
        });
        assert_eq!(json_body(&request(), "https://a/b.mp3"), expected);
    }

    #[test]
    fn only_openai_s_models_want_another_field_name() {
        assert_eq!(file_field("openai/gpt-4o-transcribe"), "file");
        assert_eq!(file_field("openai/gpt-4o-mini-transcribe"), "file");
        for model in [
            "#g1_whisper-large",
            "aai/universal",
            "microsoft/mai-transcribe-1.5",
            "gpt-4o",
        ] {
            assert_eq!(file_field(model), "audio");
        }
    }
}
