//! Vocabulary: terms that a model should expect, given in the option that its family has for them.

use crate::domain::model_name::canonical_model;
use crate::provider::aimlapi::family::Family;
use serde_json::{Map, Value};

/// Option that takes the vocabulary of a model, and its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum VocabularyOption {
    /// A list with at most this many terms.
    Terms(&'static str, usize),
    /// A text of at most this many characters.
    Prompt(&'static str, usize),
}

/// Error for a vocabulary that a model does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VocabularyError {
    /// The model has no option for a vocabulary.
    #[error("`{model}` takes no vocabulary; nova-2, nova-3, AssemblyAI and OpenAI models do")]
    Unsupported {
        /// The model.
        model: String,
    },
    /// The vocabulary is too long.
    #[error("has {count} {unit}, but `{model}` takes at most {most}")]
    TooLong {
        /// Length of the vocabulary.
        count: usize,
        /// Unit of the length.
        unit: &'static str,
        /// The model.
        model: String,
        /// Maximum length.
        most: usize,
    },
    /// The options already set the option of the vocabulary to a text.
    #[error("the option `{option}` is also set; `{model}` takes the vocabulary there")]
    Conflict {
        /// The option.
        option: &'static str,
        /// The model.
        model: String,
    },
}

/// Adds `terms` to the options of a request for `model`. Terms that the options already list are kept and come first.
///
/// # Errors
/// If the model takes no vocabulary or not as much, or if the options already set a text for it.
pub fn add_vocabulary(
    model: &str,
    terms: &[String],
    options: &mut Map<String, Value>,
) -> Result<(), VocabularyError> {
    let model = model.to_owned();
    let (option, value, count, unit, most) = match option_of(&model) {
        None => return Err(VocabularyError::Unsupported { model }),
        Some(VocabularyOption::Terms(option, most)) => {
            let all = with_terms(options.remove(option), terms);
            let count = all.len();
            (option, Value::Array(all), count, "terms", most)
        }
        Some(VocabularyOption::Prompt(option, most)) => {
            if options.contains_key(option) {
                return Err(VocabularyError::Conflict { option, model });
            }
            let prompt = terms.join(", ");
            let count = prompt.chars().count();
            (option, prompt.into(), count, "characters", most)
        }
    };
    if count > most {
        return Err(VocabularyError::TooLong {
            count,
            unit,
            model,
            most,
        });
    }
    options.insert(option.to_owned(), value);
    Ok(())
}

/// Returns the terms of an option, followed by those of `terms` that it does not list.
fn with_terms(option: Option<Value>, terms: &[String]) -> Vec<Value> {
    let mut all = match option {
        Some(Value::Array(items)) => items,
        Some(one) => vec![one],
        None => Vec::new(),
    };
    for term in terms {
        let term = Value::from(term.as_str());
        if !all.contains(&term) {
            all.push(term);
        }
    }
    all
}

fn option_of(model: &str) -> Option<VocabularyOption> {
    let name = canonical_model(model);
    match Family::of(model) {
        Family::Deepgram if name.starts_with("nova-3") => {
            Some(VocabularyOption::Terms("keyterm", 100))
        }
        Family::Deepgram if name.starts_with("nova-2") => {
            Some(VocabularyOption::Terms("keywords", 200))
        }
        Family::AssemblyAi => Some(VocabularyOption::Terms("word_boost", 1000)),
        // The models read the last 224 tokens of a prompt, a few characters each.
        Family::OpenAi => Some(VocabularyOption::Prompt("prompt", 800)),
        Family::Deepgram | Family::ElevenLabs | Family::Other => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn added(model: &str, terms: &[&str], options: Value) -> Result<Value, String> {
        let Value::Object(mut options) = options else {
            unreachable!()
        };
        let terms: Vec<_> = terms.iter().map(|term| (*term).to_owned()).collect();
        add_vocabulary(model, &terms, &mut options).map_err(|error| error.to_string())?;
        Ok(Value::Object(options))
    }

    #[test]
    fn each_family_takes_its_own_option() {
        for (model, expected) in [
            (
                "#g1_nova-2-general",
                json!({"keywords": ["Ypsilon", "Zeta"]}),
            ),
            (
                "deepgram/nova-3-medical",
                json!({"keyterm": ["Ypsilon", "Zeta"]}),
            ),
            ("aai/universal", json!({"word_boost": ["Ypsilon", "Zeta"]})),
            (
                "openai/gpt-4o-transcribe",
                json!({"prompt": "Ypsilon, Zeta"}),
            ),
        ] {
            assert_eq!(added(model, &["Ypsilon", "Zeta"], json!({})), Ok(expected));
        }
    }

    #[test]
    fn listed_terms_are_kept_and_not_repeated() {
        let both = added("nova-3", &["b", "a"], json!({"keyterm": "a"}));
        assert_eq!(both, Ok(json!({"keyterm": ["a", "b"]})));
    }

    #[test]
    fn limits_and_conflicts_are_errors() {
        let error =
            |model: &str, terms: &[&str], options| added(model, terms, options).unwrap_err();
        let many = vec!["x".repeat(9); 201];
        let many: Vec<_> = many
            .iter()
            .enumerate()
            .map(|(n, x)| format!("{x}{n}"))
            .collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert_eq!(
            error("nova-2-general", &many, json!({})),
            "has 201 terms, but `nova-2-general` takes at most 200"
        );
        assert!(error("gpt-transcribe", &many, json!({})).contains("characters"));
        assert!(
            error("gpt-transcribe", &["a"], json!({"prompt": "b"}))
                .contains("`prompt` is also set")
        );
        assert!(error("#g1_whisper-large", &["a"], json!({})).contains("takes no vocabulary"));
    }
}
