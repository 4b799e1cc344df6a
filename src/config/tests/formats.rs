//! Settings of the output formats.

use super::{built, errors_of};
use crate::domain::rendering::RenderOptions;

#[test]
fn formats_are_set_by_presets_and_single_keys() {
    let rendering = |text: &str| {
        built(&format!("[output]\n{text}"), &[])
            .unwrap()
            .output
            .rendering
    };
    assert_eq!(rendering(""), RenderOptions::default());
    let podcast = rendering("subtitles = 'podcast'").subtitles;
    assert_eq!((podcast.max_chars, podcast.max_lines), (32, 2));
    let own =
        rendering("subtitles = { preset = 'bbc', max_lines = 1, min_gap = '80ms' }").subtitles;
    assert_eq!((own.max_chars, own.max_lines), (37, 1));
    assert_eq!((own.max_cps, own.min_gap_ms), (17, 80));
    let txt = rendering("txt = { speakers = false, timestamps = true, width = 72 }").txt;
    assert_eq!(
        (txt.speakers, txt.timestamps, txt.width),
        (false, true, Some(72))
    );
    let variables = [
        ("NIGHTSCRIBE__OUTPUT__SUBTITLES__MAX_CHARS", "37"),
        ("NIGHTSCRIBE__OUTPUT__TXT__WIDTH", "60"),
    ];
    let set = built("", &variables).unwrap().output.rendering;
    assert_eq!((set.subtitles.max_chars, set.txt.width), (37, Some(60)));
}

#[test]
fn impossible_settings_of_formats_are_rejected() {
    let text = "[output]\nsubtitles = { max_chars = 3, max_lines = 4, max_cps = 0, min_gap = '2s', gap = 1 }\n\
                txt = { width = 1, speaker = true }\n";
    let errors = errors_of(text);
    for expected in [
        "`output.subtitles.max_chars`: expected a whole number from 16 to 100, found 3",
        "`output.subtitles.max_lines`: expected a whole number from 1 to 2, found 4",
        "`output.subtitles.max_cps`: expected a whole number from 5 to 50, found 0",
        "`output.subtitles.min_gap`: expected a duration of at most \"500ms\", found \"2s\"",
        "`output.subtitles.gap`: no such key",
        "`output.txt.width`: expected a whole number from 20 to 1000, found 1",
        "`output.txt.speaker`: no such key; did you mean `speakers`?",
    ] {
        assert!(errors.contains(expected), "{expected}\n{errors}");
    }
    let unknown = errors_of("[output]\nsubtitles = 'hbo'\n");
    assert!(
        unknown.contains("unknown preset `hbo`; expected netflix, bbc or podcast"),
        "{unknown}"
    );
}
