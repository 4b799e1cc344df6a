//! Models documented by the service, and the purpose of each.

use crate::domain::did_you_mean::suggestion;
use crate::domain::model_name::{canonical_model, is_same_model};
use crate::provider::aimlapi::family::Family;

/// A speech-to-text model of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Model {
    /// Name in the configuration and in the API.
    pub name: &'static str,
    /// Purpose of the model.
    pub about: &'static str,
}

/// The models in the documentation of the service: the fifteen of May 2025, nova-2 from Deepgram and whisper from OpenAI,
/// and those added until November 2026.
pub const MODELS: [Model; 24] = [
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
    model("nova-3-general", "everyday audio in several languages"),
    model("nova-3-medical", "medical vocabulary"),
    model(
        "aai/universal",
        "several languages; speakers, chapters and summaries",
    ),
    model("aai/slam-1", "English; takes a description of the content"),
    model(
        "elevenlabs/scribe_v2",
        "about a hundred languages; speakers and audio events",
    ),
    model(
        "openai/gpt-transcribe",
        "text without times, so without subtitles; at most 1400 s",
    ),
    model(
        "openai/gpt-4o-transcribe",
        "as openai/gpt-transcribe, which replaces it; ends on 2027-02-26",
    ),
    model(
        "openai/gpt-4o-mini-transcribe",
        "as openai/gpt-transcribe, which replaces it; ends on 2027-02-26",
    ),
    model(
        "microsoft/mai-transcribe-1.5",
        "text without times, so without subtitles",
    ),
];

const fn model(name: &'static str, about: &'static str) -> Model {
    Model { name, about }
}

/// Returns the model of this name, in any spelling.
#[must_use]
pub fn find(name: &str) -> Option<&'static Model> {
    MODELS.iter().find(|model| is_same_model(model.name, name))
}

/// Returns the name under which reports and lists show a model: the documented one, or the canonical one of another model.
#[must_use]
pub fn shown_name(model: &str) -> String {
    find(model).map_or_else(|| canonical_model(model), |found| found.name.to_owned())
}

/// Longest audio that OpenAI's models take, in seconds.
const OPENAI_MAX_DURATION_S: f64 = 1400.0;

/// Returns why `model` does not take a recording of this duration, if it does not.
#[must_use]
pub fn length_refusal(model: &str, duration_s: f64) -> Option<String> {
    let is_limited = Family::of(model) == Family::OpenAi;
    (is_limited && duration_s > OPENAI_MAX_DURATION_S).then(|| {
        format!(
            "the recording has {duration_s:.0} s, but `{model}` takes at most {OPENAI_MAX_DURATION_S} s; models of Deepgram, AssemblyAI and ElevenLabs take longer ones, such as `#g1_nova-2-general`"
        )
    })
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
    if find(name).is_some() {
        return Ok(());
    }
    Err(UnknownModel {
        name: name.to_owned(),
        suggestion: similar_model(name),
    })
}

/// Returns `; did you mean …?` with the known model whose name is similar to an unknown one, or nothing.
#[must_use]
pub fn similar_model(name: &str) -> String {
    // Users often omit the prefix of the service.
    let prefixed = format!(
        "#g1_{}",
        name.trim_start_matches('#').trim_start_matches("g1_")
    );
    suggestion(&prefixed, MODELS.iter().map(|model| model.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_model_is_known_once() {
        let mut names: Vec<_> = MODELS.iter().map(|model| model.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), MODELS.len());
        assert!(names.iter().all(|name| check(name).is_ok()));
    }

    #[test]
    fn every_spelling_of_a_model_is_known() {
        for name in [
            "nova-2-general",
            "deepgram/nova-2-general",
            "#g1_Nova-2-General",
            "nova-2",
        ] {
            assert_eq!(check(name), Ok(()), "{name}");
            assert_eq!(shown_name(name), "#g1_nova-2-general");
        }
        assert_eq!(shown_name("deepgram/nova-9"), "nova-9");
    }

    #[test]
    fn only_openai_models_limit_the_length() {
        for model in [
            "openai/gpt-4o-transcribe",
            "gpt-4o-mini-transcribe",
            "gpt-transcribe",
        ] {
            assert_eq!(length_refusal(model, 1400.0), None);
            let refusal = length_refusal(model, 1400.5).unwrap();
            assert!(
                refusal.contains(model) && refusal.contains("`#g1_nova-2-general`"),
                "{refusal}"
            );
        }
        assert_eq!(length_refusal("#g1_whisper-large", 36_000.0), None);
    }

    #[test]
    fn a_typo_gets_a_suggestion() {
        for typo in ["#g1_nova-2-generel", "#nova-2-general", "G1_Nova-2-General"] {
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
