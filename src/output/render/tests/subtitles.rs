//! Cues of subtitles, and their lines.

use super::{by_character, rendered, rendered_with, spoken, words};
use crate::domain::Transcript;
use crate::domain::format::Format;
use crate::domain::rendering::{RenderOptions, SubtitleOptions, SubtitlePreset};
use crate::output::render::{cue, timing};

/// Returns the cues with the labels of the speakers in their text.
fn cues(transcript: &Transcript) -> Vec<cue::Cue> {
    let options = SubtitleOptions::default();
    cue::cues(transcript, cue::LabelPlacement::Inline, None, &options)
}

/// Returns the cues with the labels of the speakers apart from their text.
fn separate_cues(transcript: &Transcript) -> Vec<cue::Cue> {
    let options = SubtitleOptions::default();
    cue::cues(transcript, cue::LabelPlacement::Separate, None, &options)
}

/// Returns words spoken one after the other, 0.05 s for each letter.
fn spoken_letters(text: &str, from: f64, channel: u32) -> Vec<(&str, f64, f64, u32)> {
    let mut start_s = from;
    text.split(' ')
        .map(|word| {
            let end_s = start_s + 0.05 * word.len() as f64;
            let spoken = (word, start_s, end_s, channel);
            start_s = end_s + 0.02;
            spoken
        })
        .collect()
}

#[test]
fn a_short_reply_on_another_channel_overlaps_the_speech() {
    let told = "What we did last year was to move the whole archive to the house.";
    let mut call = spoken_letters(told, 0.0, 0);
    let end_s = call[call.len() - 1].2;
    call.push(("Mhm.", 1.0, 1.3, 1));
    let cues = cues(&spoken(&call));
    let shown: Vec<_> = cues.iter().map(|cue| cue.lines.join(" ")).collect();
    let expected = [format!("Channel 1: {told}"), "Channel 2: Mhm.".to_owned()];
    assert_eq!(shown, expected);
    assert!(cues[0].span.1 >= timing::millis(end_s));
    assert_eq!(cues[1].span.0, 1000);
}

#[test]
fn a_label_follows_each_change_of_the_shown_speaker() {
    let mut call = spoken_letters("Hello. How are you?", 0.0, 0);
    call.push(("Mhm.", 0.5, 0.8, 1));
    call.extend(spoken_letters("I wanted to ask.", 4.0, 0));
    let cues = cues(&spoken(&call));
    let labelled = |cue: &cue::Cue| cue.lines[0].starts_with("Channel ");
    assert_eq!(cues.len(), 3);
    assert!(cues.iter().all(labelled), "{cues:?}");
}

#[test]
fn no_line_or_cue_ends_with_a_weak_word() {
    let text = "I would like to talk about the way in which a small archive of tapes can be read by the people who \
                need it most. We kept the recordings of the old workers in a room behind the kitchen for thirty \
                years and nobody in the town listened to them.";
    let spoken = spoken(&spoken_letters(text, 0.0, 0));
    let cues = separate_cues(&spoken);
    let weak = ["the", "a", "of", "in", "by", "for", "and", "about", "to"];
    let ends_weak = |line: &String| weak.iter().any(|word| line.ends_with(&format!(" {word}")));
    let lines: Vec<_> = cues.iter().flat_map(|cue| &cue.lines).collect();
    assert!(!lines.iter().any(|line| ends_weak(line)), "{lines:#?}");
    let ends: Vec<_> = cues.iter().filter_map(|cue| cue.lines.last()).collect();
    let sentences = ends.iter().filter(|line| line.ends_with('.'));
    assert_eq!(sentences.count(), 2, "{ends:#?}");
}

#[test]
fn no_word_stands_alone_after_a_full_cue() {
    let text = "There was nothing in the box under the stairs of the school except some very old magnetic tapes.";
    let spoken = spoken(&spoken_letters(text, 0.0, 0));
    let cues = separate_cues(&spoken);
    let words = |cue: &cue::Cue| cue.lines.join(" ").split(' ').count();
    assert!(cues.iter().all(|cue| words(cue) > 3), "{cues:#?}");
}

#[test]
fn numbers_are_not_divided() {
    let cues = cue::cues(
        &by_character(&"血糖从300降到100还有mga3的油".repeat(8)),
        cue::LabelPlacement::Inline,
        Some(&crate::domain::Language::parse("zh").unwrap()),
        &SubtitleOptions::default(),
    );
    let lines: Vec<_> = cues.iter().flat_map(|cue| &cue.lines).collect();
    let count = |part: &str| {
        lines
            .iter()
            .map(|line| line.matches(part).count())
            .sum::<usize>()
    };
    assert_eq!(
        (count("300"), count("100"), count("mga3")),
        (8, 8, 8),
        "{lines:#?}"
    );
}

#[test]
fn subtitle_text_contains_no_arrow() {
    for arrow in ["-->", "--->", "---->", "-->>", "--->-->"] {
        let transcript = Transcript {
            text: format!("a {arrow} b{arrow}c"),
            ..Transcript::default()
        };
        for format in [Format::Srt, Format::Vtt] {
            let file = rendered(format, &transcript);
            assert_eq!(file.matches("-->").count(), 1, "{file}");
        }
    }
}

#[test]
fn a_speaker_name_and_its_tag_form_no_arrow() {
    let transcript = Transcript {
        words: words("Hello.", 0.0, "a--", None),
        ..Transcript::default()
    };
    for format in [Format::Srt, Format::Vtt] {
        let file = rendered(format, &transcript);
        assert_eq!(file.matches("-->").count(), 1, "{file}");
    }
    let vtt = rendered(Format::Vtt, &transcript);
    assert!(vtt.contains("<v Speaker a-- >Hello."), "{vtt}");
}

#[test]
fn text_without_width_is_bounded() {
    let vowel = "\u{0e31}";
    let many = Transcript {
        words: vec![words(vowel, 0.0, "", None).remove(0); 20_000],
        ..Transcript::default()
    };
    let shown = cues(&many);
    assert!(
        shown
            .iter()
            .all(|cue| cue.lines.concat().chars().count() <= 84)
    );
    let endless = Transcript {
        text: "\u{200b}".repeat(200_000),
        ..Transcript::default()
    };
    let shown = cues(&endless);
    let bytes: usize = shown
        .iter()
        .flat_map(|cue| &cue.lines)
        .map(String::len)
        .sum();
    assert_eq!(bytes, endless.text.len());
}

#[test]
fn subtitles_keep_the_limits_of_their_settings() {
    let text = "What we did last year was to move the whole archive to the house, and nobody in the town knew of it, \
                because the tapes were heavy and the road was long.";
    let spoken = spoken(&spoken_letters(text, 0.0, 0));
    let shown = |subtitles| {
        let options = RenderOptions {
            subtitles,
            ..RenderOptions::default()
        };
        rendered_with(Format::Srt, &spoken, &options)
    };
    let single = SubtitleOptions {
        max_chars: 32,
        max_lines: 1,
        ..SubtitleOptions::default()
    };
    for (options, columns, lines) in [
        (SubtitlePreset::Podcast.options(), 32, 2),
        (SubtitlePreset::Bbc.options(), 37, 2),
        (single, 32, 1),
    ] {
        let srt = shown(options);
        let cues = srt.trim_end().split("\n\n");
        for cue in cues.map(|cue| cue.lines().skip(2).collect::<Vec<_>>()) {
            assert!(cue.len() <= lines, "{cue:?}");
            assert!(cue.iter().all(|line| line.len() <= columns), "{cue:?}");
        }
    }
    let cues = cue::cues(
        &spoken,
        cue::LabelPlacement::Inline,
        None,
        &SubtitlePreset::Netflix.options(),
    );
    let has_gap = |pair: &[cue::Cue]| pair[1].span.0 >= pair[0].span.1 + 83;
    assert!(cues.windows(2).all(has_gap), "{cues:#?}");
}
