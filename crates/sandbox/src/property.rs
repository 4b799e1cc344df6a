//! Models and properties from the service's documentation. All others are rejected.

use serde_json::{Map, Value};

/// Validated options of a submission.
pub(crate) type Options = Map<String, Value>;

/// Maximum number of custom intents or topics (Deepgram's limit).
const MAX_CUSTOM: usize = 100;

const NOVA_2: [&str; 10] = [
    "automotive",
    "conversationalai",
    "drivethru",
    "finance",
    "general",
    "medical",
    "meeting",
    "phonecall",
    "video",
    "voicemail",
];
const WHISPER: [&str; 5] = ["tiny", "base", "small", "medium", "large"];
const OTHERS: [&str; 6] = [
    "aai/slam-1",
    "aai/universal",
    "microsoft/mai-transcribe-1.5",
    "openai/gpt-4o-mini-transcribe",
    "openai/gpt-4o-transcribe",
    "openai/gpt-transcribe",
];

/// Model family, which decides the format of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Deepgram,
    AssemblyAi,
    TextOnly,
}

/// Returns the family of a model, or `None` if the service does not have the model.
///
/// The service has the 15 documented models, their newer aliases and the newer families.
pub(crate) fn family(model: &str) -> Option<Family> {
    if OTHERS.contains(&model) {
        let assembly = model.starts_with("aai/");
        return Some(if assembly {
            Family::AssemblyAi
        } else {
            Family::TextOnly
        });
    }
    let name = model.strip_prefix("#g1_").unwrap_or(model);
    let name = name.strip_prefix("deepgram/").unwrap_or(name);
    let known = match (name.strip_prefix("nova-2-"), name.strip_prefix("whisper-")) {
        (Some(kind), _) => NOVA_2.contains(&kind),
        (_, Some(size)) => WHISPER.contains(&size),
        _ => ["nova-2", "nova-3"].contains(&name) || name.starts_with("nova-3-"),
    };
    known.then_some(Family::Deepgram)
}

/// Returns all models of the list of models.
pub(crate) fn models() -> impl Iterator<Item = String> {
    let nova = NOVA_2.iter().map(|kind| format!("#g1_nova-2-{kind}"));
    let whisper = WHISPER.iter().map(|size| format!("#g1_whisper-{size}"));
    nova.chain(whisper).chain(OTHERS.map(str::to_owned))
}

/// Returns the name of the form part with the recording.
pub(crate) fn file_part(model: &str) -> &'static str {
    if model.starts_with("openai/") {
        "file"
    } else {
        "audio"
    }
}

/// Type of a property.
enum PropertyType {
    Flag,
    FlagOrList,
    FlagOrText,
    FlagTextOrList,
    Any,
    Text,
    Number,
    List,
    TextOrList,
    Mode,
}

fn property_type(name: &str) -> Option<PropertyType> {
    Some(match name {
        "detect_language" => PropertyType::FlagOrList,
        "summarize" => PropertyType::FlagOrText,
        "redact" => PropertyType::FlagTextOrList,
        "custom_spelling" => PropertyType::Any,
        "detect_entities" | "detect_topics" | "diarize" | "dictation" | "filler_words"
        | "auto_chapters" | "format_text" | "language_detection" | "mip_opt_out" | "redact_pii"
        | "speaker_labels" | "tag_audio_events" | "intents" | "measurements" | "multi_channel"
        | "multichannel" | "numerals" | "paragraphs" | "profanity_filter" | "punctuate"
        | "sentiment" | "smart_format" | "topics" | "utterances" => PropertyType::Flag,
        "diarize_version" | "encoding" | "language" | "language_code" | "prompt" | "version" => {
            PropertyType::Text
        }
        "custom_intent" | "custom_topic" | "extra" | "keyterm" | "keywords" | "replace"
        | "search" | "tag" | "word_boost" => PropertyType::TextOrList,
        "custom_intent_mode" | "custom_topic_mode" => PropertyType::Mode,
        "redact_pii_policies" => PropertyType::List,
        "audio_end_at" | "audio_start_from" | "num_speakers" | "speakers_expected"
        | "speech_threshold" | "temperature" | "utt_split" => PropertyType::Number,
        _ => return None,
    })
}

/// Validates options from a JSON body. The error names the property.
pub(crate) fn validate(options: Options) -> Result<Options, String> {
    for (name, value) in &options {
        let expected_type =
            property_type(name).ok_or_else(|| format!("property {name} should not exist"))?;
        if let Some(expected) = expected_type.mismatch(value) {
            return Err(format!("{name} must be {expected}"));
        }
    }
    Ok(options)
}

/// Parses and validates options from form fields. In a form, every value is text and a list is a repeated field.
pub(crate) fn from_form(fields: Vec<(String, String)>) -> Result<Options, String> {
    let mut options = Options::new();
    for (name, text) in fields {
        let value = match property_type(&name) {
            Some(
                PropertyType::Flag
                | PropertyType::FlagOrList
                | PropertyType::FlagOrText
                | PropertyType::FlagTextOrList,
            ) => text.parse().map_or(text.into(), Value::Bool),
            Some(PropertyType::Number) => text.parse::<f64>().map_or(text.into(), Value::from),
            Some(PropertyType::List) => Value::Array(vec![text.into()]),
            _ => text.into(),
        };
        match options.get_mut(&name) {
            None => _ = options.insert(name, value),
            Some(old) => append(old, value),
        }
    }
    validate(options)
}

fn append(old: &mut Value, value: Value) {
    let more = match value {
        Value::Array(items) => items,
        one => vec![one],
    };
    match old {
        Value::Array(items) => items.extend(more),
        one => {
            let first = vec![one.take()];
            *one = Value::Array([first, more].concat());
        }
    }
}

impl PropertyType {
    /// Returns a description of the expected value if `value` does not match, otherwise `None`.
    fn mismatch(&self, value: &Value) -> Option<&'static str> {
        let is_list = |max_len: usize| {
            value
                .as_array()
                .is_some_and(|items| items.len() <= max_len && items.iter().all(Value::is_string))
        };
        let (fits, expected) = match self {
            Self::Any => (!value.is_null(), "a value"),
            Self::Flag => (value.is_boolean(), "a boolean value"),
            Self::FlagOrList => (
                value.is_boolean() || is_list(usize::MAX),
                "a boolean value or a list of strings",
            ),
            Self::FlagOrText => (
                value.is_boolean() || value.is_string(),
                "a boolean value or a string",
            ),
            Self::FlagTextOrList => (
                value.is_boolean() || value.is_string() || is_list(usize::MAX),
                "a boolean value, a string or a list of strings",
            ),
            Self::Text => (value.is_string(), "a string"),
            Self::Number => (
                value.as_f64().is_some_and(|number| number >= 0.0),
                "a number that is not negative",
            ),
            Self::List => (is_list(usize::MAX), "a list of strings"),
            Self::TextOrList => (
                value.is_string() || is_list(MAX_CUSTOM),
                "a string or a list of at most 100 strings",
            ),
            Self::Mode => (
                matches!(value.as_str(), Some("strict" | "extended")),
                "one of the following values: strict, extended",
            ),
        };
        (!fits).then_some(expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn json_checked(options: Value) -> Result<Options, String> {
        validate(options.as_object().unwrap().clone())
    }

    fn form(fields: &[(&str, &str)]) -> Result<Value, String> {
        let own = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        from_form(fields.iter().map(own).collect()).map(Value::Object)
    }

    /// Documented body of every model, without the model.
    fn documented() -> Value {
        json!({
            "custom_intent": "text", "custom_topic": "text", "custom_intent_mode": "strict", "custom_topic_mode": "strict",
            "detect_language": true, "detect_entities": true, "detect_topics": true, "diarize": true, "dictation": true,
            "diarize_version": "text", "extra": "text", "filler_words": true, "intents": true, "keywords": "text",
            "language": "text", "measurements": true, "multi_channel": true, "numerals": true, "paragraphs": true,
            "profanity_filter": true, "punctuate": true, "search": "text", "sentiment": true, "smart_format": true,
            "summarize": "text", "tag": ["text"], "topics": true, "utterances": true, "utt_split": 1
        })
    }

    #[test]
    fn the_documented_body_is_accepted() {
        assert_eq!(documented().as_object().unwrap().len(), 29);
        assert_eq!(
            json_checked(documented()).map(Value::Object),
            Ok(documented())
        );
    }

    #[test]
    fn a_wrong_type_names_the_property() {
        for name in documented().as_object().unwrap().keys() {
            let message = json_checked(json!({ name: {} })).unwrap_err();
            assert!(
                message.starts_with(&format!("{name} must be ")),
                "{message}"
            );
        }
    }

    #[test]
    fn forms_and_json_give_the_same_options() {
        let fields = [
            ("diarize", "true"),
            ("tag", "a"),
            ("utt_split", "0.8"),
            ("tag", "b"),
            ("custom_topic", "x"),
            ("custom_topic", "y"),
            ("custom_intent", "z"),
        ];
        let value = json!({"diarize": true, "tag": ["a", "b"], "utt_split": 0.8, "custom_topic": ["x", "y"], "custom_intent": "z"});
        assert_eq!(form(&fields), Ok(value));
    }

    #[test]
    fn invalid_form_fields_are_rejected() {
        let refused = |name, text| form(&[(name, text)]).unwrap_err();
        assert_eq!(refused("diarize", "yes"), "diarize must be a boolean value");
        assert_eq!(
            refused("utt_split", "-1"),
            "utt_split must be a number that is not negative"
        );
        assert_eq!(
            refused("utt_split", "NaN"),
            "utt_split must be a number that is not negative"
        );
        assert_eq!(
            refused("diarise", "true"),
            "property diarise should not exist"
        );
        assert_eq!(
            form(&[("language", "en"), ("language", "de")]).unwrap_err(),
            "language must be a string"
        );
        let many: Vec<_> = (0..101).map(|_| ("custom_topic", "x")).collect();
        assert!(form(&many[1..]).is_ok());
        assert!(form(&many).is_err());
    }

    #[test]
    fn only_the_services_models_are_known() {
        assert_eq!(models().count(), 21);
        for model in models() {
            assert!(family(&model).is_some(), "{model}");
        }
        for (model, expected) in [
            ("nova-2-meeting", Some(Family::Deepgram)),
            ("nova-3-medical", Some(Family::Deepgram)),
            ("#g1_nova-3", Some(Family::Deepgram)),
            ("deepgram/nova-2-general", Some(Family::Deepgram)),
            ("aai/slam-1", Some(Family::AssemblyAi)),
            ("openai/gpt-4o-transcribe", Some(Family::TextOnly)),
            ("#g1_nova-2-generel", None),
            ("whisper-huge", None),
            ("nova-1-general", None),
            ("nova-30", None),
            ("", None),
        ] {
            assert_eq!(family(model), expected, "{model}");
        }
    }
}
