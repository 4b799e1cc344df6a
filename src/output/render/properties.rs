//! Properties of all rendered files, for any transcript.

use super::tests::{rendered, words};
use super::{cue, plain};
use crate::domain::rendering::SubtitleOptions;
use crate::domain::transcript::{Speaker, Word};
use crate::domain::{Format, Transcript};
use proptest::prelude::*;
use unicode_width::UnicodeWidthStr;

fn any_transcript() -> impl Strategy<Value = Transcript> {
    let word = (
        ".{0,50}",
        0.0..100.0_f64,
        0.0..3.0_f64,
        0..3_u32,
        proptest::option::of(0..2_u32),
    );
    (
        ".{0,300}",
        proptest::collection::vec(word, 0..60),
        proptest::option::of(0.0..100.0_f64),
    )
        .prop_map(|(text, words, duration_s)| {
            let mut words: Vec<_> = words
                .into_iter()
                .map(|(text, start_s, length, name, channel)| Word {
                    text: text.into(),
                    start_s,
                    end_s: start_s + length,
                    speaker: (name > 0).then(|| Speaker(name.to_string().into())),
                    channel,
                    confidence: None,
                })
                .collect();
            words.sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
            Transcript {
                text,
                words,
                duration_s,
                ..Transcript::default()
            }
        })
}

proptest! {
    #[test]
    fn rendering_is_deterministic(transcript in any_transcript()) {
        for format in Format::ALL {
            prop_assert_eq!(rendered(format, &transcript), rendered(format, &transcript));
        }
    }

    #[test]
    fn cues_are_in_order_and_fit(transcript in any_transcript()) {
        for labels in [cue::LabelPlacement::Inline, cue::LabelPlacement::Separate] {
            let cues = cue::cues(&transcript, labels, None, &SubtitleOptions::default());
            prop_assert!(cues.windows(2).all(|pair| pair[0].span.0 <= pair[1].span.0));
            for channel in [None, Some(0), Some(1)] {
                let of_channel = cues.iter().filter(|cue| channel_of(cue.label.as_deref()) == channel);
                let spans: Vec<_> = of_channel.map(|cue| cue.span).collect();
                prop_assert!(spans.windows(2).all(|pair| pair[0].1 <= pair[1].0));
            }
            for cue in cues {
                prop_assert!(cue.span.0 < cue.span.1);
                prop_assert!((1..=2).contains(&cue.lines.len()));
                prop_assert!(cue.lines.iter().all(|line| line.width() <= 42 && !line.is_empty()), "{:?}", cue.lines);
            }
        }
    }

    #[test]
    fn each_word_is_shown_once_in_order(transcript in any_transcript()) {
        let cues = cue::cues(&transcript, cue::LabelPlacement::Separate, None, &SubtitleOptions::default());
        for channel in [None, Some(0), Some(1)] {
            let shown = cues.iter().filter(|cue| channel_of(cue.label.as_deref()) == channel);
            let shown: String = shown.flat_map(|cue| &cue.lines).map(|line| line.replace(' ', "")).collect();
            let words = transcript.words.iter().filter(|word| word.channel == channel);
            let spoken: String = words.map(|word| plain::printable_line(&word.text).replace(' ', "")).collect();
            if transcript.words.iter().any(|word| !plain::printable_line(&word.text).is_empty()) {
                prop_assert_eq!(shown, spoken);
            }
        }
    }

    #[test]
    fn words_are_separated_by_single_spaces(text in "[a-z]{1,12}( [a-z]{1,12}){0,80}") {
        let transcript = Transcript { words: words(&text, 0.0, "", None), text: text.clone(), ..Transcript::default() };
        let shown: Vec<_> = cue::cues(&transcript, cue::LabelPlacement::Inline, None, &SubtitleOptions::default()).into_iter().flat_map(|cue| cue.lines).collect();
        prop_assert_eq!(shown.join(" "), text);
    }

    #[test]
    fn files_have_no_control_characters_and_srt_one_block_per_cue(transcript in any_transcript()) {
        for format in [Format::Txt, Format::Srt, Format::Vtt] {
            let file = rendered(format, &transcript);
            prop_assert!(!file.chars().any(|char| char.is_control() && char != '\n'));
            let changes_direction = |char| matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            prop_assert!(!file.contains(changes_direction));
        }
        let srt = rendered(Format::Srt, &transcript);
        let cues = cue::cues(&transcript, cue::LabelPlacement::Inline, None, &SubtitleOptions::default()).len();
        // Without a word to show, the file holds one cue that says so.
        let cues = cues.max(1);
        prop_assert_eq!(srt.split_terminator("\n\n").count(), cues);
        prop_assert_eq!(srt.matches("-->").count(), cues);
    }
}

fn channel_of(label: Option<&str>) -> Option<u32> {
    let number = label?.strip_prefix("Channel ")?.get(..1)?;
    Some(number.parse::<u32>().unwrap() - 1)
}
