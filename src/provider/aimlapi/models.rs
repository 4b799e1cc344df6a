//! Models documented by the service, and the purpose of each.

use crate::domain::did_you_mean::suggestion;

/// A speech-to-text model of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Model {
    /// Name in the configuration and in the API.
    pub name: &'static str,
    /// Purpose of the model.
    pub about: &'static str,
}

/// The fifteen models in the documentation of the service (May 2025): nova-2 from Deepgram and whisper from OpenAI.
pub const MODELS: [Model; 15] = [
    model(
        "#g1_nova-2-general",
        "everyday audio; a good default, and the only nova-2 for languages other than English",
    ),
    model(
        "#g1_nova-2-meeting",
        "conference rooms: several speakers, one microphone",
    ),
    model("#g1_nova-2-phonecall", "phone calls with low bandwidth"),
    model("#g1_nova-2-voicemail", "low bandwidth, a single speaker"),
    model(
        "#g1_nova-2-finance",
        "several speakers with varying audio quality, as in earnings calls; finance vocabulary",
    ),
    model(
        "#g1_nova-2-conversationalai",
        "people talking to machines: voice assistants, kiosks, phone menus",
    ),
    model("#g1_nova-2-video", "audio tracks of videos"),
    model("#g1_nova-2-medical", "medical vocabulary"),
    model("#g1_nova-2-drivethru", "drive-through counters"),
    model("#g1_nova-2-automotive", "automotive vocabulary"),
    model(
        "#g1_whisper-tiny",
        "about a hundred languages; the smallest and least accurate",
    ),
    model("#g1_whisper-base", "about a hundred languages; small"),
    model(
        "#g1_whisper-small",
        "about a hundred languages; a compromise between size and accuracy",
    ),
    model(
        "#g1_whisper-medium",
        "about a hundred languages; more accurate and slower",
    ),
    model(
        "#g1_whisper-large",
        "about a hundred languages; the most accurate and slowest",
    ),
];

const fn model(name: &'static str, about: &'static str) -> Model {
    Model { name, about }
}

/// Error for a name that is not in [`MODELS`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown model `{name}`{suggestion} (`nightscribe models` lists the known models; `allow_unknown_model = true` accepts newer ones)"
)]
pub struct UnknownModel {
    name: String,
    suggestion: String,
}

/// Checks the name of a model.
///
/// # Errors
/// If the name is unknown. The error suggests a similar name.
pub fn check(name: &str) -> Result<(), UnknownModel> {
    if MODELS.iter().any(|model| model.name == name) {
        return Ok(());
    }
    // Users often omit the prefix of the service.
    let prefixed = format!(
        "#g1_{}",
        name.trim_start_matches('#').trim_start_matches("g1_")
    );
    let suggestion = suggestion(&prefixed, MODELS.iter().map(|model| model.name));
    Err(UnknownModel {
        name: name.to_owned(),
        suggestion,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_model_is_known_once() {
        let mut names: Vec<_> = MODELS.iter().map(|model| model.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 15);
        assert!(names.iter().all(|name| check(name).is_ok()));
    }

    #[test]
    fn a_typo_gets_a_suggestion() {
        for typo in [
            "#g1_nova-2-generel",
            "nova-2-general",
            "#nova-2-general",
            "G1_Nova-2-General",
        ] {
            let error = check(typo).unwrap_err().to_string();
            assert!(
                error.contains("did you mean `#g1_nova-2-general`?"),
                "{error}"
            );
        }
        assert!(
            !check("qqq")
                .unwrap_err()
                .to_string()
                .contains("did you mean")
        );
    }
}
