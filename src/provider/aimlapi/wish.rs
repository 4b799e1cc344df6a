//! Requests by their purpose: language and speakers, as options of a model.

use crate::domain::model_name::canonical_model;
use crate::domain::{Language, Request};
use crate::provider::aimlapi::family::Family;
use crate::provider::aimlapi::models;
use serde_json::Value;

/// Requested transcription, independent of the options of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Name of the model, in any spelling.
    pub model: String,
    /// Language of the speech. `None` lets the model detect it, if it can.
    pub language: Option<String>,
    /// Whether the speakers are told apart.
    pub diarize: bool,
}

/// Error for a wish that the model cannot fulfil.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WishError {
    /// No model has this name.
    #[error("unknown model `{model}`{suggestion} (`nightscribe models` lists the models)")]
    UnknownModel {
        /// Requested model.
        model: String,
        /// `; did you mean …?`, or nothing.
        suggestion: String,
    },
    /// No language has this name or code.
    #[error(
        "unknown language `{0}`: expected a code such as `en`, `nl` or `pt-BR`, an English name, or `auto`"
    )]
    UnknownLanguage(String),
    /// The model is made for one language. It would answer with almost no words, and be paid for.
    #[error(
        "`{model}` transcribes only English; for `{language}` use `#g1_nova-2-general` or a whisper model"
    )]
    OnlyEnglish {
        /// The model.
        model: String,
        /// Requested language.
        language: String,
    },
    /// The model does not tell speakers apart.
    #[error(
        "`{0}` does not tell speakers apart; models of Deepgram, AssemblyAI and ElevenLabs do, such as `#g1_nova-2-general`"
    )]
    NoSpeakers(String),
}

/// Returns the request that fulfils a wish.
///
/// # Errors
/// If the model or the language is unknown, or the model cannot fulfil the wish.
pub fn request_for(wish: &Wish) -> Result<Request, WishError> {
    let Some(model) = models::find(&wish.model) else {
        return Err(WishError::UnknownModel {
            suggestion: models::similar_model(&wish.model),
            model: wish.model.clone(),
        });
    };
    // All spellings are one model, which is sent in the documented one.
    let model = model.name;
    let options = [
        language_option(model, wish.language.as_deref())?,
        speaker_option(model, wish.diarize)?,
        // Without it, these models return neither punctuation nor paragraphs.
        canonical_model(model)
            .starts_with("nova-")
            .then_some(("smart_format", Value::Bool(true))),
    ];
    let options = options.into_iter().flatten();
    let options = options.map(|(name, value)| (name.to_owned(), value));
    Ok(Request::new(model, options))
}

/// Name and value of an option.
type Setting = (&'static str, Value);

/// Returns the option that sets the language, or asks the model to detect it.
fn language_option(model: &str, requested: Option<&str>) -> Result<Option<Setting>, WishError> {
    let (family, is_english_only) = (Family::of(model), is_english_only(model));
    let Some(language) = requested_language(requested)? else {
        return Ok(match family {
            _ if is_english_only => None,
            Family::Deepgram => Some(("detect_language", Value::Bool(true))),
            Family::AssemblyAi => Some(("language_detection", Value::Bool(true))),
            // These detect the language without an option.
            Family::OpenAi | Family::ElevenLabs | Family::Other => None,
        });
    };
    let is_english = language == "en" || language.starts_with("en-");
    if is_english_only && !is_english {
        return Err(WishError::OnlyEnglish {
            model: model.to_owned(),
            language,
        });
    }
    let name = match family {
        Family::AssemblyAi | Family::ElevenLabs => "language_code",
        Family::Deepgram | Family::OpenAi | Family::Other => "language",
    };
    Ok(Some((name, language.into())))
}

/// Returns the option that tells speakers apart, if that is wished.
fn speaker_option(model: &str, diarize: bool) -> Result<Option<Setting>, WishError> {
    if !diarize {
        return Ok(None);
    }
    let name = match Family::of(model) {
        Family::Deepgram | Family::ElevenLabs => "diarize",
        Family::AssemblyAi => "speaker_labels",
        Family::OpenAi | Family::Other => return Err(WishError::NoSpeakers(model.to_owned())),
    };
    Ok(Some((name, Value::Bool(true))))
}

/// Returns the tag of the requested language. `None` for `auto` and for no language.
fn requested_language(requested: Option<&str>) -> Result<Option<String>, WishError> {
    let text = requested.map(str::trim);
    let Some(text) = text.filter(|text| !text.eq_ignore_ascii_case("auto")) else {
        return Ok(None);
    };
    if text.eq_ignore_ascii_case("multi") {
        return Ok(Some("multi".to_owned()));
    }
    let language = Language::parse(text).filter(Language::is_known);
    match language {
        Some(language) => Ok(Some(language.to_string())),
        None => Err(WishError::UnknownLanguage(text.to_owned())),
    }
}

/// Whether a model transcribes only English, as far as its name says.
fn is_english_only(model: &str) -> bool {
    let name = canonical_model(model);
    let is_special = |family: &str| {
        name.strip_prefix(family)
            .is_some_and(|purpose| purpose != "general")
    };
    is_special("nova-2-") || is_special("nova-3-") || name == "slam-1"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::aimlapi::options;
    use serde_json::json;

    fn options(model: &str, language: Option<&str>, diarize: bool) -> Result<Value, String> {
        let request = request_for(&Wish {
            model: model.to_owned(),
            language: language.map(str::to_owned),
            diarize,
        });
        let options = request.map(|request| Value::Object(request.options().clone()));
        options.map_err(|error| error.to_string())
    }

    #[test]
    fn every_family_gets_its_own_options() {
        for (model, language, diarize, expected) in [
            (
                "#g1_nova-2-general",
                None,
                false,
                json!({"detect_language": true, "smart_format": true}),
            ),
            (
                "nova-2",
                Some("Dutch"),
                true,
                json!({"diarize": true, "language": "nl", "smart_format": true}),
            ),
            (
                "nova-3-general",
                Some("multi"),
                false,
                json!({"language": "multi", "smart_format": true}),
            ),
            (
                "#g1_nova-2-meeting",
                Some("auto"),
                false,
                json!({"smart_format": true}),
            ),
            (
                "#g1_nova-2-meeting",
                Some("en_gb"),
                false,
                json!({"language": "en-GB", "smart_format": true}),
            ),
            (
                "whisper-large",
                Some("yue"),
                false,
                json!({"language": "yue"}),
            ),
            (
                "aai/universal",
                None,
                true,
                json!({"language_detection": true, "speaker_labels": true}),
            ),
            (
                "elevenlabs/scribe_v2",
                Some("deu"),
                true,
                json!({"diarize": true, "language_code": "de"}),
            ),
            ("openai/gpt-transcribe", None, false, json!({})),
            (
                "microsoft/mai-transcribe-1.5",
                Some("fr"),
                false,
                json!({"language": "fr"}),
            ),
        ] {
            assert_eq!(options(model, language, diarize), Ok(expected), "{model}");
        }
    }

    #[test]
    fn every_request_passes_the_check_of_a_configuration() {
        for model in models::MODELS {
            for language in [None, Some("en")] {
                let wish = Wish {
                    model: model.name.to_owned(),
                    language: language.map(str::to_owned),
                    diarize: !matches!(Family::of(model.name), Family::OpenAi | Family::Other),
                };
                let request = request_for(&wish).unwrap();
                for (name, value) in request.options() {
                    options::check(model.name, name, value, false).unwrap();
                }
            }
        }
    }

    #[test]
    fn what_a_model_cannot_do_is_refused() {
        let refused = |model, language, diarize| options(model, language, diarize).unwrap_err();
        let nova = "#g1_nova-2-general";
        for language in ["xx", "klingon", "", "und", "e"] {
            assert!(
                refused(nova, Some(language), false)
                    .starts_with(&format!("unknown language `{language}`")),
                "{language}"
            );
        }
        assert_eq!(
            refused("nova-2-generel", None, false),
            "unknown model `nova-2-generel`; did you mean `#g1_nova-2-general`? (`nightscribe models` lists the models)"
        );
        assert_eq!(
            refused("nova-2-finance", Some("nl"), false),
            "`#g1_nova-2-finance` transcribes only English; for `nl` use `#g1_nova-2-general` or a whisper model"
        );
        assert!(
            refused("openai/gpt-transcribe", None, true)
                .starts_with("`openai/gpt-transcribe` does not tell speakers apart")
        );
    }
}
