//! Names of models. The service knows a model by up to three spellings: `nova-2-general`, `deepgram/nova-2-general` and
//! `#g1_nova-2-general`.

/// Prefix of the names in the first documentation of the service.
const PREFIX: &str = "#g1_";

/// Returns the canonical name of a model: lower case, without the prefix of the service and without the vendor.
///
/// Models are compared by this name. The generated column `jobs.model_key` has the same value.
#[must_use]
pub fn canonical_model(name: &str) -> String {
    let name = name
        .trim_matches(' ')
        .to_ascii_lowercase()
        .replace(PREFIX, "");
    match name.as_str() {
        // Deepgram documents the name of a family as its general model.
        "nova-2" | "deepgram/nova-2" => "nova-2-general".to_owned(),
        "nova-3" | "deepgram/nova-3" => "nova-3-general".to_owned(),
        name => name
            .split_once('/')
            .map_or(name, |(_vendor, name)| name)
            .to_owned(),
    }
}

/// Whether both names are spellings of one model.
#[must_use]
pub fn is_same_model(one: &str, other: &str) -> bool {
    canonical_model(one) == canonical_model(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_spellings_have_one_canonical_name() {
        for name in [
            "nova-2-general",
            "deepgram/nova-2-general",
            "#g1_nova-2-general",
            "Deepgram/Nova-2-General",
            "#G1_nova-2-general",
            " nova-2 ",
        ] {
            assert_eq!(canonical_model(name), "nova-2-general", "{name}");
        }
        assert!(is_same_model("aai/universal", "universal"));
    }

    #[test]
    fn different_models_have_different_names() {
        for (one, other) in [
            ("nova-2-general", "nova-3-general"),
            ("nova-2-general", "nova-2-meeting"),
            ("#g1_whisper-large", "#g1_whisper-large-v3"),
            ("gpt-4o-transcribe", "gpt-4o-mini-transcribe"),
        ] {
            assert!(!is_same_model(one, other), "{one} {other}");
        }
    }
}
