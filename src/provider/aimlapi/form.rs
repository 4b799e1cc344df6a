//! Encoding of a request's model and options: form fields for a file, JSON for a URL.

use crate::domain::Request;
use crate::provider::aimlapi::options::sent_options;
use serde_json::{Map, Value};
use std::path::Path;

/// Maximum length of a sent file name, in bytes.
const MAX_FILE_NAME_BYTES: usize = 200;

/// Returns the form fields in order.
///
/// `true` is in lower case, a number is decimal text, and a list is a repeated field. An option that is unset, or false
/// where false is the default, is omitted.
pub(crate) fn form_fields(request: &Request) -> Vec<(String, String)> {
    let mut fields = vec![("model".to_owned(), request.model().to_owned())];
    for (name, value) in sent_options(request) {
        match value {
            Value::Array(items) => fields.extend(
                items
                    .iter()
                    .filter_map(text)
                    .map(|text| (name.to_owned(), text)),
            ),
            value => fields.extend(text(value).map(|text| (name.to_owned(), text))),
        }
    }
    fields
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Returns the JSON body for audio at `url`. Options keep their types. The same ones are omitted
/// as in a form.
pub(crate) fn json_body(request: &Request, url: &str) -> Value {
    let mut body = Map::new();
    body.insert("model".to_owned(), request.model().into());
    body.insert("url".to_owned(), url.into());
    for (name, value) in sent_options(request) {
        body.insert(name.to_owned(), value.clone());
    }
    Value::Object(body)
}

/// Returns the form field of the file. OpenAI's models reject `audio`, all others accept only `audio`.
pub(crate) fn file_field(model: &str) -> &'static str {
    if model.contains("gpt-") && model.contains("transcribe") {
        "file"
    } else {
        "audio"
    }
}

/// Returns the file's name for the `Content-Disposition` header, without control characters, quotes and backslashes.
///
/// A long name is shortened before its extension.
pub(crate) fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let safe: String = name
        .chars()
        .map(|char| {
            if char.is_control() || matches!(char, '"' | '\\') {
                '_'
            } else {
                char
            }
        })
        .collect();
    if safe.len() <= MAX_FILE_NAME_BYTES {
        return safe;
    }
    let extension = safe
        .rfind('.')
        .map(|dot| &safe[dot..])
        .filter(|extension| extension.len() <= 16)
        .unwrap_or_default();
    let stem = safe.floor_char_boundary(MAX_FILE_NAME_BYTES - extension.len());
    format!("{}{extension}", &safe[..stem])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request() -> Request {
        let options = json!({
            "diarize": true, "numerals": false, "utt_split": 0.8, "extra": "k:v", "tag": ["a", "b"], "search": null, "multi_channel": true, "n": 1
        });
        let Value::Object(options) = options else {
            unreachable!()
        };
        Request::new("#g1_nova-2-general", options)
    }

    #[test]
    fn form_fields_repeat_lists_and_omit_false_options() {
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
                "multichannel=true",
                "n=1",
                "tag=a",
                "tag=b",
                "utt_split=0.8"
            ]
        );
    }

    #[test]
    fn json_keeps_types_and_omits_false_options() {
        let expected = json!({
            "model": "#g1_nova-2-general", "url": "https://a/b.mp3",
            "diarize": true, "extra": "k:v", "multichannel": true, "n": 1, "tag": ["a", "b"], "utt_split": 0.8
        });
        assert_eq!(json_body(&request(), "https://a/b.mp3"), expected);
    }

    #[test]
    fn only_openai_models_use_another_field() {
        assert_eq!(file_field("openai/gpt-4o-transcribe"), "file");
        assert_eq!(file_field("openai/gpt-4o-mini-transcribe"), "file");
        assert_eq!(file_field("openai/gpt-transcribe"), "file");
        for model in [
            "#g1_whisper-large",
            "aai/universal",
            "microsoft/mai-transcribe-1.5",
            "gpt-4o",
        ] {
            assert_eq!(file_field(model), "audio");
        }
    }

    #[test]
    fn file_names_are_header_safe_and_keep_extensions() {
        assert_eq!(file_name(Path::new("/a/talk.mp3")), "talk.mp3");
        assert_eq!(file_name(Path::new("/a/a\"b\nc\\d.mp3")), "a_b_c_d.mp3");
        let long = file_name(Path::new(&format!("/a/{}.flac", "ö".repeat(150))));
        assert!(long.len() <= MAX_FILE_NAME_BYTES && long.ends_with("ö.flac"));
    }
}
