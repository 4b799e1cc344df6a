//! Options of a submission, by the family of its model.
//!
//! - [`kind`]: types of values
//! - [`table`]: the options of each family

pub mod kind;
pub mod table;

use crate::domain::Request;
use crate::domain::did_you_mean::suggestion;
use crate::domain::model_name::canonical_model;
use crate::provider::aimlapi::family::Family;
use kind::OptionKind;
use serde_json::Value;
use table::{is_on_by_default, options};

/// Error for an option that the service would reject or silently ignore.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    /// Unknown option.
    #[error(
        "`{name}` is not supported by the service{suggestion} (`allow_unknown_options = true` accepts newer ones)"
    )]
    Unknown {
        /// Name as written.
        name: String,
        /// Text `; did you mean …?`, or empty.
        suggestion: String,
    },
    /// Option of another family.
    #[error("`{name}` is an option of {families} models; `{model}` does not take it{suggestion}")]
    OtherFamily {
        /// Name of the option.
        name: String,
        /// Families that take it.
        families: String,
        /// The model.
        model: String,
        /// Text `; did you mean …?`, or empty.
        suggestion: String,
    },
    /// Invalid value.
    #[error("`{name}` takes {expected}, not {given}")]
    InvalidValue {
        /// Name of the option.
        name: String,
        /// Description of the valid values.
        expected: String,
        /// Value as written, as JSON.
        given: String,
    },
}

/// Checks the name of an option and the type of its value for `model`.
///
/// With `allow_unknown`, accepts names that are not documented for the model.
///
/// # Errors
/// If the service does not accept the option or the value.
pub fn check(
    model: &str,
    name: &str,
    value: &Value,
    allow_unknown: bool,
) -> Result<(), OptionError> {
    let kinds = kinds(Family::of(model), name);
    if kinds.is_empty() {
        return if allow_unknown {
            Ok(())
        } else {
            Err(unknown(model, name))
        };
    }
    if kinds.iter().any(|kind| kind.accepts(value)) {
        return Ok(());
    }
    Err(OptionError::InvalidValue {
        name: name.to_owned(),
        expected: kinds[0].expected(),
        given: value.to_string(),
    })
}

/// Whether the option is documented for `model` and has an effect with it.
#[must_use]
pub fn has_effect(model: &str, name: &str) -> bool {
    !kinds(Family::of(model), name).is_empty() && warning(model, name).is_none()
}

/// Returns the types of an option. A model without documented options may take those of any family.
fn kinds(family: Family, name: &str) -> Vec<OptionKind> {
    let of = |family| {
        let found = options(family).iter().find(|(known, _)| *known == name);
        found.map(|(_, kind)| *kind)
    };
    match family {
        Family::Other => Family::DOCUMENTED.into_iter().filter_map(of).collect(),
        family => of(family).into_iter().collect(),
    }
}

fn unknown(model: &str, name: &str) -> OptionError {
    let others: Vec<_> = Family::DOCUMENTED
        .into_iter()
        .filter(|family| !kinds(*family, name).is_empty())
        .map(Family::name)
        .collect();
    let known = options(Family::of(model)).iter().map(|(known, _)| *known);
    let (name, suggestion) = (name.to_owned(), suggestion(name, known));
    if others.is_empty() {
        return OptionError::Unknown { name, suggestion };
    }
    OptionError::OtherFamily {
        name,
        families: others.join(" and "),
        model: model.to_owned(),
        suggestion,
    }
}

/// Returns a warning for each option that has no effect with the model of the request.
#[must_use]
pub fn warnings(request: &Request) -> Vec<String> {
    let names = request.options().keys();
    names
        .filter_map(|name| warning(request.model(), name))
        .collect()
}

fn warning(model: &str, option: &str) -> Option<String> {
    let name = canonical_model(model);
    match option {
        _ if Family::of(model) != Family::Deepgram => None,
        "detect_topics" => {
            Some("`detect_topics` is retired and has no effect; use `topics`".to_owned())
        }
        "diarize_version" => Some("`diarize_version` is retired and has no effect".to_owned()),
        "keyterm" if !name.starts_with("nova-3") => Some(format!(
            "`keyterm` has no effect with `{model}`; nova-2 takes `keywords`"
        )),
        "keywords" if !name.starts_with("nova-2") => Some(format!(
            "`keywords` has no effect with `{model}`; nova-3 takes `keyterm`"
        )),
        _ => None,
    }
}

/// Returns the options as they are sent, with the names of today. Options that are unset, or false where false is the
/// default, are left out.
pub(crate) fn sent_options(request: &Request) -> impl Iterator<Item = (&str, &Value)> {
    let family = Family::of(request.model());
    let all = request.options();
    all.iter().filter_map(move |(name, value)| {
        // An undocumented option is sent as written: its default is not known.
        let sends_false = is_on_by_default(family, name) || kinds(family, name).is_empty();
        match (name.as_str(), value) {
            (_, Value::Null) => None,
            (_, Value::Bool(false)) if !sends_false => None,
            ("multi_channel", _) if all.contains_key("multichannel") => None,
            ("multi_channel", value) => Some(("multichannel", value)),
            (name, value) => Some((name, value)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOVA: &str = "#g1_nova-2-general";

    fn result_text(model: &str, name: &str, value: &Value) -> String {
        check(model, name, value, false)
            .map_or_else(|error| error.to_string(), |()| "accepted".to_owned())
    }

    fn request(model: &str, options: Value) -> Request {
        Request::from_json(model, &options.to_string()).unwrap()
    }

    #[test]
    fn the_tables_are_sorted_without_duplicates() {
        for family in Family::DOCUMENTED {
            assert!(options(family).is_sorted_by(|a, b| a.0 < b.0), "{family:?}");
        }
    }

    #[test]
    fn each_kind_accepts_only_its_own_values() {
        let aai = "aai/universal";
        let accepted = [
            (NOVA, "diarize", json!(true)),
            (NOVA, "numerals", json!(false)),
            (NOVA, "language", json!("en")),
            (NOVA, "tag", json!(["a"])),
            (NOVA, "tag", json!("a")),
            (NOVA, "keywords", json!(["a", "b:2"])),
            (NOVA, "search", json!(["a", "b"])),
            (NOVA, "extra", json!(["k:v"])),
            (NOVA, "detect_language", json!(true)),
            (NOVA, "detect_language", json!(["en", "de"])),
            (NOVA, "custom_topic", json!("a")),
            (NOVA, "custom_topic", json!(["a", "b"])),
            (NOVA, "utt_split", json!(1)),
            (NOVA, "utt_split", json!(0.8)),
            (NOVA, "custom_intent_mode", json!("strict")),
            (NOVA, "summarize", json!("v2")),
            (NOVA, "summarize", json!(true)),
            (NOVA, "redact", json!(["pci"])),
            (NOVA, "multichannel", json!(true)),
            ("nova-3", "keyterm", json!(["a", "b"])),
            (aai, "speaker_labels", json!(true)),
            (aai, "speakers_expected", json!(2)),
            (aai, "speech_threshold", json!(0.5)),
            (aai, "custom_spelling", json!([{"from": ["a"], "to": "b"}])),
            ("openai/gpt-4o-transcribe", "temperature", json!(0)),
            ("elevenlabs/scribe_v2", "num_speakers", json!(2)),
            ("microsoft/mai-transcribe-1.5", "language", json!("en")),
        ];
        for (model, name, value) in accepted {
            assert_eq!(
                result_text(model, name, &value),
                "accepted",
                "{name} {value}"
            );
        }
        let rejected = [
            (NOVA, "diarize", json!("true")),
            (NOVA, "diarize", json!(1)),
            (NOVA, "language", json!("")),
            (NOVA, "language", json!(true)),
            (NOVA, "language", json!("e\nn")),
            (NOVA, "tag", json!([])),
            (NOVA, "tag", json!([1])),
            (NOVA, "custom_topic", json!(vec!["a"; 101])),
            (NOVA, "keywords", json!(vec!["a"; 201])),
            (NOVA, "utt_split", json!(-1)),
            (NOVA, "utt_split", json!("1")),
            (NOVA, "custom_intent_mode", json!("loose")),
            (NOVA, "search", json!(null)),
            (NOVA, "extra", json!({})),
            (aai, "speakers_expected", json!(1.5)),
            (aai, "speech_threshold", json!(2)),
            (aai, "word_boost", json!("a")),
        ];
        for (model, name, value) in rejected {
            assert_ne!(
                result_text(model, name, &value),
                "accepted",
                "{name} {value}"
            );
        }
    }

    #[test]
    fn an_error_names_valid_values_or_a_suggestion() {
        assert_eq!(
            result_text(NOVA, "diarise", &json!(true)),
            "`diarise` is not supported by the service; did you mean `diarize`? (`allow_unknown_options = true` accepts newer ones)"
        );
        assert_eq!(
            result_text(NOVA, "speaker_labels", &json!(true)),
            "`speaker_labels` is an option of AssemblyAI models; `#g1_nova-2-general` does not take it"
        );
        assert_eq!(
            result_text(NOVA, "diarize", &json!("yes")),
            "`diarize` takes true or false, not \"yes\""
        );
        assert_eq!(
            result_text(NOVA, "custom_topic_mode", &json!("x")),
            "`custom_topic_mode` takes \"strict\" or \"extended\", not \"x\""
        );
    }

    #[test]
    fn undocumented_options_need_permission() {
        let value = json!(["anything"]);
        assert!(check(NOVA, "newer", &value, false).is_err());
        assert!(check(NOVA, "newer", &value, true).is_ok());
        assert!(check(NOVA, "speaker_labels", &json!(true), true).is_ok());
        assert!(check(NOVA, "diarize", &value, true).is_err());
    }

    #[test]
    fn false_is_sent_where_true_is_the_default() {
        let sent = |model: &str, options: Value| {
            let request = request(model, options);
            let sent: Vec<_> = sent_options(&request)
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            sent.join(" ")
        };
        let options = json!({"punctuate": false, "format_text": false, "speaker_labels": false, "language_code": null});
        assert_eq!(
            sent("aai/universal", options),
            "format_text=false punctuate=false"
        );
        assert_eq!(
            sent("elevenlabs/scribe_v2", json!({"tag_audio_events": false})),
            "tag_audio_events=false"
        );
        assert_eq!(
            sent(NOVA, json!({"punctuate": false, "newer": false})),
            "newer=false"
        );
        assert_eq!(
            sent(NOVA, json!({"multi_channel": true})),
            "multichannel=true"
        );
        assert_eq!(
            sent(NOVA, json!({"multi_channel": true, "multichannel": true})),
            "multichannel=true"
        );
    }

    #[test]
    fn retired_options_are_warned_of() {
        let warned = |model: &str, options: Value| warnings(&request(model, options)).join("\n");
        assert_eq!(
            warned(NOVA, json!({"detect_topics": true, "diarize": true})),
            "`detect_topics` is retired and has no effect; use `topics`"
        );
        assert!(warned("nova-3", json!({"keywords": "a"})).contains("nova-3 takes `keyterm`"));
        assert!(warned(NOVA, json!({"keyterm": "a"})).contains("nova-2 takes `keywords`"));
        assert_eq!(warned(NOVA, json!({"keywords": "a"})), "");
    }
}
