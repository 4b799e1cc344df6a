//! Warnings about a finished transcript: what the user should check although the job is done.

use crate::domain::extras::Extras;
use crate::domain::{Format, Request, Transcript, Warning};
use serde_json::Value;

/// Length in seconds from which a recording without speech, or with little, is worth a warning.
const LONG_S: f64 = 60.0;
/// Fraction of the recording that the last word must reach. Music or silence after a talk is common.
const MIN_REACH: f64 = 0.25;
/// Fraction of the recording that the service must have processed. A measured length may be an estimate.
const MIN_PROCESSED: f64 = 0.5;
/// Characters for each second of audio below which nearly all of the speech is missing. Speech has 5 to 15.
const MIN_DENSITY: f64 = 0.05;

/// A finished transcript and what it was made from.
#[derive(Debug, Clone, Copy)]
pub struct Finished<'a> {
    /// Model and options.
    pub request: &'a Request,
    /// Length of the recording in seconds, as measured before the submission, if known.
    pub measured_s: Option<f64>,
    /// The transcript.
    pub transcript: &'a Transcript,
    /// Parts of the result other than the transcript.
    pub extras: Extras,
    /// Configured output formats.
    pub formats: &'a [Format],
}

/// Returns the warnings about a transcript.
#[must_use]
pub fn result_warnings(finished: &Finished<'_>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut add = |warning, applies: bool| warnings.extend(applies.then_some(warning));
    let transcript = finished.transcript;
    let is_silent = transcript.is_silent();
    let is_long = finished.measured_s.is_some_and(|length| length >= LONG_S);
    add(Warning::UnknownShape, finished.extras.unknown_shape);
    add(
        Warning::LongSilence,
        is_silent && is_long && !finished.extras.unknown_shape,
    );
    if is_silent {
        return warnings;
    }
    let measured_s = finished.measured_s.filter(|_| is_long);
    let is_part = measured_s.is_some_and(|length| covers_small_part(transcript, length));
    add(Warning::SmallPart, is_part);
    let needs_times = finished.formats.iter().any(|format| format.needs_times());
    add(Warning::NoTimes, needs_times && !transcript.has_times());
    for (warning, options, is_missing) in missing_parts(finished) {
        let is_requested = options
            .iter()
            .any(|option| requests(finished.request, option));
        add(warning, is_requested && is_missing);
    }
    warnings
}

fn covers_small_part(transcript: &Transcript, measured_s: f64) -> bool {
    let reach = transcript.last_time_s();
    let stops_early = reach.is_some_and(|reach| reach < measured_s * MIN_REACH);
    let processed = transcript.duration_s;
    let was_cut = processed.is_some_and(|length| length < measured_s * MIN_PROCESSED);
    let density = transcript.text.chars().count() as f64 / measured_s;
    stops_early || was_cut || density < MIN_DENSITY
}

/// Returns each part of a result that an option requests, with the names of the option in all model families, and
/// whether the result lacks it.
fn missing_parts(finished: &Finished<'_>) -> [(Warning, &'static [&'static str], bool); 9] {
    let (transcript, extras) = (finished.transcript, finished.extras);
    [
        (
            Warning::NoSpeakers,
            &["diarize", "speaker_labels"],
            !transcript.has_speakers(),
        ),
        (
            Warning::NoSummary,
            &["summarize", "summarization"],
            !extras.summary,
        ),
        (
            Warning::NoTopics,
            &["topics", "detect_topics", "iab_categories"],
            !extras.topics,
        ),
        (Warning::NoIntents, &["intents"], !extras.intents),
        (
            Warning::NoSentiments,
            &["sentiment", "sentiment_analysis"],
            !extras.sentiments,
        ),
        (
            Warning::NoEntities,
            &["detect_entities", "entity_detection"],
            !extras.entities,
        ),
        (
            Warning::NoUtterances,
            &["utterances"],
            transcript.utterances.is_empty(),
        ),
        (
            Warning::NoParagraphs,
            &["paragraphs"],
            transcript.paragraphs.is_empty(),
        ),
        (
            Warning::NoLanguage,
            &["detect_language", "language_detection"],
            transcript.language.is_none(),
        ),
    ]
}

/// Whether an option is set to anything but off.
fn requests(request: &Request, option: &str) -> bool {
    match request.options().get(option) {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(text)) => !matches!(text.as_str(), "" | "false"),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::transcript::{Speaker, Utterance, Word};
    use proptest::prelude::*;
    use serde_json::json;

    const HOUR: f64 = 3600.0;

    fn word(text: &str, end_s: f64, speaker: Option<&str>) -> Word {
        Word {
            text: text.into(),
            start_s: end_s - 0.5,
            end_s,
            speaker: speaker.map(|label| Speaker(label.into())),
            channel: None,
            confidence: None,
        }
    }

    /// A transcript with normal density whose last word ends at `end_s`.
    fn talk(end_s: f64) -> Transcript {
        Transcript {
            text: "word ".repeat((end_s * 2.0) as usize + 1),
            words: vec![word("word", 1.0, None), word("word", end_s, None)],
            ..Transcript::default()
        }
    }

    fn warnings(
        transcript: &Transcript,
        measured_s: f64,
        options: &[(&str, Value)],
    ) -> Vec<Warning> {
        let options = options
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()));
        result_warnings(&Finished {
            request: &Request::new("m", options),
            measured_s: Some(measured_s),
            transcript,
            extras: Extras::default(),
            formats: &[Format::Txt, Format::Srt],
        })
    }

    #[test]
    fn a_transcript_of_a_small_part_is_reported() {
        for (end_s, measured_s, is_part) in [
            (3.0, 2.0 * HOUR, true),
            (600.0, HOUR, true),
            (1800.0, HOUR, false),
            (HOUR, HOUR, false),
            (3.0, 59.0, false),
            (20.0, 60.0, false),
        ] {
            let found = warnings(&talk(end_s), measured_s, &[]).contains(&Warning::SmallPart);
            assert_eq!(found, is_part, "{end_s} s of {measured_s} s");
        }
        let cut = Transcript {
            duration_s: Some(HOUR),
            ..talk(HOUR)
        };
        assert_eq!(warnings(&cut, 3.0 * HOUR, &[]), [Warning::SmallPart]);
        assert_eq!(warnings(&cut, 1.2 * HOUR, &[]), []);
        let few_words = Transcript {
            text: "Thank you.".to_owned(),
            words: vec![word("Thank", HOUR, None)],
            ..Transcript::default()
        };
        assert_eq!(warnings(&few_words, HOUR, &[]), [Warning::SmallPart]);
    }

    #[test]
    fn silence_is_reported_only_for_a_long_recording() {
        let silence = Transcript::default();
        let diarized = [("diarize", json!(true))];
        assert_eq!(warnings(&silence, 10.0, &diarized), []);
        assert_eq!(warnings(&silence, HOUR, &diarized), [Warning::LongSilence]);
    }

    #[test]
    fn a_missing_part_is_reported_only_if_it_was_requested() {
        let all = missing_parts(&Finished {
            request: &Request::new("m", []),
            measured_s: None,
            transcript: &talk(9.0),
            extras: Extras::default(),
            formats: &[],
        });
        for (warning, options, is_missing) in all {
            assert!(is_missing);
            for option in options {
                for value in [json!(true), json!("v2"), json!(["en"])] {
                    assert_eq!(warnings(&talk(9.0), 9.0, &[(option, value)]), [warning]);
                }
                for value in [json!(false), json!(null), json!("false"), json!([])] {
                    assert_eq!(warnings(&talk(9.0), 9.0, &[(option, value)]), []);
                }
            }
        }
        let with_speakers = Transcript {
            words: vec![word("a", 9.0, Some("0"))],
            ..talk(9.0)
        };
        let diarized = [("diarize", json!(true))];
        assert_eq!(warnings(&with_speakers, 9.0, &diarized), []);
    }

    #[test]
    fn text_without_times_is_reported_if_a_format_needs_them() {
        let text = Transcript {
            text: "hello".to_owned(),
            ..Transcript::default()
        };
        assert_eq!(warnings(&text, 9.0, &[]), [Warning::NoTimes]);
        let finished = Finished {
            request: &Request::new("m", []),
            measured_s: None,
            transcript: &text,
            extras: Extras::default(),
            formats: &[Format::Txt, Format::Json, Format::Md],
        };
        assert_eq!(result_warnings(&finished), []);
        let utterance = Utterance {
            text: "hello".to_owned(),
            start_s: 0.0,
            end_s: 1.0,
            speaker: None,
            channel: None,
        };
        let timed = Transcript {
            utterances: vec![utterance],
            ..text
        };
        assert_eq!(warnings(&timed, 9.0, &[]), []);
    }

    #[test]
    fn an_unknown_shape_is_reported_instead_of_silence() {
        let finished = Finished {
            request: &Request::new("m", []),
            measured_s: Some(HOUR),
            transcript: &Transcript::default(),
            extras: Extras {
                unknown_shape: true,
                ..Extras::default()
            },
            formats: &[],
        };
        assert_eq!(result_warnings(&finished), [Warning::UnknownShape]);
    }

    proptest! {
        #[test]
        fn a_complete_transcript_without_requests_has_no_warning(
            measured_s in 0.0f64..40_000.0, reach in 0.3f64..1.0,
        ) {
            let transcript = talk((measured_s * reach).max(1.0));
            prop_assert_eq!(warnings(&transcript, measured_s, &[]), []);
        }
    }
}
