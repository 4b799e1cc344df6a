//! The models that the service documents, and what each is for.

use super::nearest::suggestion;

/// A model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Model {
    /// Its name in the configuration and at the service.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
}

/// The fifteen models of the service's own documents (May 2025): Deepgram's nova-2 and OpenAI's whisper.
pub const MODELS: [Model; 15] = [
    model(
        "#g1_nova-2-general",
        "everyday audio; the one to begin with, and the only nova-2 for languages but English",
    ),
    model(
        "#g1_nova-2-meeting",
        "conference rooms: several speakers, one microphone",
    ),
    model("#g1_nova-2-phonecall", "phone calls of low bandwidth"),
    model("#g1_nova-2-voicemail", "low bandwidth, a single speaker"),
    model(
        "#g1_nova-2-finance",
        "several speakers of varying quality, as in earnings calls; vocabulary of finance",
    ),
    model(
        "#g1_nova-2-conversationalai",
        "people talking to machines: voice assistants, kiosks, phone menus",
    ),
    model("#g1_nova-2-video", "the sound of videos"),
    model("#g1_nova-2-medical", "vocabulary of medicine"),
    model("#g1_nova-2-drivethru", "drive-through counters"),
    model("#g1_nova-2-automotive", "vocabulary of cars"),
    model(
        "#g1_whisper-tiny",
        "about a hundred languages; the smallest and least exact",
    ),
    model("#g1_whisper-base", "about a hundred languages; small"),
    model(
        "#g1_whisper-small",
        "about a hundred languages; between small and exact",
    ),
    model(
        "#g1_whisper-medium",
        "about a hundred languages; more exact and slower",
    ),
    model(
        "#g1_whisper-large",
        "about a hundred languages; the most exact and slowest",
    ),
];

const fn model(name: &'static str, about: &'static str) -> Model {
    Model { name, about }
}

/// The name is none of [`MODELS`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{name}` is no model that this version knows{suggestion} (`nightscribe models` lists them; `allow_unknown_model = true` lets a newer one through)"
)]
pub struct UnknownModel {
    name: String,
    suggestion: String,
}

/// Checks a model's name.
///
/// # Errors
/// If it is unknown; with the nearest name.
pub fn check(name: &str) -> Result<(), UnknownModel> {
    if MODELS.iter().any(|model| model.name == name) {
        return Ok(());
    }
    // People write the name without the service's prefix.
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
    fn a_slip_gets_the_nearest_name() {
        for slip in [
            "#g1_nova-2-generel",
            "nova-2-general",
            "#nova-2-general",
            "G1_Nova-2-General",
        ] {
            let error = check(slip).unwrap_err().to_string();
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
