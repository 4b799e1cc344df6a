//! Options of each family and the types of their values, as the service documents them (2026).

use super::kind::OptionKind;
use crate::provider::aimlapi::family::Family;
use OptionKind::{
    Any, Bool, BoolOrList, BoolOrText, BoolTextOrList, Count, Fraction, List, OneOf, Seconds, Text,
    TextOrList,
};

/// Name of an option and the type of its values.
pub type OptionType = (&'static str, OptionKind);

/// Maximum number of custom intents, custom topics and key terms.
const MAX_CUSTOM: usize = 100;
/// Maximum number of keywords.
const MAX_KEYWORDS: usize = 200;
const MODES: OptionKind = OneOf(&["strict", "extended"]);

/// Options of Deepgram's models, in alphabetical order.
const DEEPGRAM: [OptionType; 36] = [
    ("custom_intent", TextOrList(MAX_CUSTOM)),
    ("custom_intent_mode", MODES),
    ("custom_topic", TextOrList(MAX_CUSTOM)),
    ("custom_topic_mode", MODES),
    ("detect_entities", Bool),
    ("detect_language", BoolOrList),
    ("detect_topics", Bool),
    ("diarize", Bool),
    ("diarize_version", Text),
    ("dictation", Bool),
    ("encoding", Text),
    ("extra", TextOrList(MAX_CUSTOM)),
    ("filler_words", Bool),
    ("intents", Bool),
    ("keyterm", TextOrList(MAX_CUSTOM)),
    ("keywords", TextOrList(MAX_KEYWORDS)),
    ("language", Text),
    ("measurements", Bool),
    ("mip_opt_out", Bool),
    ("multi_channel", Bool),
    ("multichannel", Bool),
    ("numerals", Bool),
    ("paragraphs", Bool),
    ("profanity_filter", Bool),
    ("punctuate", Bool),
    ("redact", BoolTextOrList),
    ("replace", TextOrList(MAX_KEYWORDS)),
    ("search", TextOrList(MAX_CUSTOM)),
    ("sentiment", Bool),
    ("smart_format", Bool),
    ("summarize", BoolOrText),
    ("tag", TextOrList(MAX_CUSTOM)),
    ("topics", Bool),
    ("utt_split", Seconds),
    ("utterances", Bool),
    ("version", Text),
];

/// Options of AssemblyAI's models, in alphabetical order. Times are in milliseconds.
const ASSEMBLYAI: [OptionType; 38] = [
    ("audio_end_at", Count),
    ("audio_start_from", Count),
    ("auto_chapters", Bool),
    ("auto_highlights", Bool),
    ("boost_param", OneOf(&["low", "default", "high"])),
    ("content_safety", Bool),
    ("content_safety_confidence", Count),
    ("custom_spelling", Any),
    ("custom_topics", Bool),
    ("disfluencies", Bool),
    ("dual_channel", Bool),
    ("entity_detection", Bool),
    ("filter_profanity", Bool),
    ("format_text", Bool),
    ("iab_categories", Bool),
    ("keyterms_prompt", List),
    ("language_code", Text),
    ("language_confidence_threshold", Fraction),
    ("language_detection", Bool),
    ("multichannel", Bool),
    ("prompt", Text),
    ("punctuate", Bool),
    ("redact_pii", Bool),
    ("redact_pii_audio", Bool),
    ("redact_pii_audio_quality", OneOf(&["mp3", "wav"])),
    ("redact_pii_policies", List),
    ("redact_pii_sub", OneOf(&["entity_name", "hash"])),
    ("sentiment_analysis", Bool),
    ("speaker_labels", Bool),
    ("speaker_options", Any),
    ("speakers_expected", Count),
    ("speech_threshold", Fraction),
    ("speech_understanding", Any),
    ("summarization", Bool),
    ("summary_model", Text),
    ("summary_type", Text),
    ("topics", List),
    ("word_boost", List),
];

/// Options of OpenAI's models, in alphabetical order.
const OPENAI: [OptionType; 3] = [
    ("language", Text),
    ("prompt", Text),
    ("temperature", Fraction),
];

/// Options of ElevenLabs' models, in alphabetical order.
const ELEVENLABS: [OptionType; 5] = [
    ("diarize", Bool),
    ("language_code", Text),
    ("num_speakers", Count),
    ("tag_audio_events", Bool),
    (
        "timestamps_granularity",
        OneOf(&["none", "word", "character"]),
    ),
];

/// Returns the options of a family, in alphabetical order. Empty for a family without documentation.
#[must_use]
pub const fn options(family: Family) -> &'static [OptionType] {
    match family {
        Family::Deepgram => &DEEPGRAM,
        Family::AssemblyAi => &ASSEMBLYAI,
        Family::OpenAi => &OPENAI,
        Family::ElevenLabs => &ELEVENLABS,
        Family::Other => &[],
    }
}

/// Whether the service applies the option unless the request says `false`.
#[must_use]
pub fn is_on_by_default(family: Family, name: &str) -> bool {
    match family {
        Family::AssemblyAi => matches!(name, "format_text" | "punctuate"),
        Family::ElevenLabs => name == "tag_audio_events",
        Family::Deepgram | Family::OpenAi | Family::Other => false,
    }
}
