//! Families of models. Models of one family take the same options.

use crate::domain::model_name::canonical_model;

/// Family of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Deepgram's nova models, and whisper as hosted by Deepgram.
    Deepgram,
    /// AssemblyAI.
    AssemblyAi,
    /// OpenAI's transcription models.
    OpenAi,
    /// ElevenLabs.
    ElevenLabs,
    /// A model whose options are not documented.
    Other,
}

impl Family {
    /// Every family with documented options.
    pub const DOCUMENTED: [Self; 4] = [
        Self::Deepgram,
        Self::AssemblyAi,
        Self::OpenAi,
        Self::ElevenLabs,
    ];

    /// Returns the family of `model`, in any spelling.
    #[must_use]
    pub fn of(model: &str) -> Self {
        let name = canonical_model(model);
        let starts_with = |prefix: &str| name.starts_with(prefix);
        if starts_with("nova-") || starts_with("whisper-") {
            Self::Deepgram
        } else if starts_with("universal") || starts_with("slam-") {
            Self::AssemblyAi
        } else if starts_with("gpt-") && name.contains("transcribe") {
            Self::OpenAi
        } else if starts_with("scribe_") {
            Self::ElevenLabs
        } else {
            Self::Other
        }
    }

    /// Returns the name of the family in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deepgram => "Deepgram",
            Self::AssemblyAi => "AssemblyAI",
            Self::OpenAi => "OpenAI",
            Self::ElevenLabs => "ElevenLabs",
            Self::Other => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_has_the_family_of_its_model() {
        for (model, family) in [
            ("#g1_nova-2-general", Family::Deepgram),
            ("deepgram/nova-3", Family::Deepgram),
            ("#g1_whisper-large", Family::Deepgram),
            ("aai/slam-1", Family::AssemblyAi),
            ("universal", Family::AssemblyAi),
            ("openai/gpt-4o-mini-transcribe", Family::OpenAi),
            ("gpt-transcribe", Family::OpenAi),
            ("elevenlabs/scribe_v2", Family::ElevenLabs),
            ("microsoft/mai-transcribe-1.5", Family::Other),
            ("openai/gpt-4o", Family::Other),
        ] {
            assert_eq!(Family::of(model), family, "{model}");
        }
    }
}
