//! Reading of `output.subtitles` and `output.txt`.

use super::section::Section;
use super::values::{boolean, count, duration, parsed};
use crate::domain::rendering::{RenderOptions, SubtitleOptions, SubtitlePreset, TxtOptions};
use serde_json::Value;
use std::time::Duration;

/// Limits of `max_chars`. Labels and long words need some width, and no guide allows more.
const CHARS: std::ops::RangeInclusive<usize> = 16..=100;
/// Limits of `max_cps`.
const CPS: std::ops::RangeInclusive<usize> = 5..=50;
/// Limits of `width`.
const WIDTH: std::ops::RangeInclusive<usize> = 20..=1000;
/// Upper limit of `min_gap`. A longer gap would leave no time for short cues.
const MAX_GAP: Duration = Duration::from_millis(500);

/// Reads the settings of the formats from `[output]`.
pub(super) fn read_render_options(output: &mut Section<'_>) -> RenderOptions {
    RenderOptions {
        subtitles: subtitles(output),
        txt: txt(output),
    }
}

/// Reads a preset by its name, or a table that may start from one.
fn subtitles(output: &mut Section<'_>) -> SubtitleOptions {
    if !output.has_table("subtitles") {
        let preset = output.get("subtitles", parsed::<SubtitlePreset, _>);
        return preset.map_or_else(SubtitleOptions::default, SubtitlePreset::options);
    }
    let mut section = output.subsection("subtitles", "output.subtitles");
    let preset = section.get("preset", parsed::<SubtitlePreset, _>);
    let from = preset.map_or_else(SubtitleOptions::default, SubtitlePreset::options);
    let max_cps = section.get("max_cps", count(CPS));
    let options = SubtitleOptions {
        max_chars: section
            .get("max_chars", count(CHARS))
            .unwrap_or(from.max_chars),
        max_lines: section
            .get("max_lines", count(1..=2))
            .unwrap_or(from.max_lines),
        max_cps: max_cps.map_or(from.max_cps, |number| number as u64),
        min_gap_ms: section.get("min_gap", gap).unwrap_or(from.min_gap_ms),
    };
    section.finish();
    options
}

fn gap(value: &Value) -> Result<u64, String> {
    match duration(value)? {
        gap if gap <= MAX_GAP => Ok(gap.as_millis() as u64),
        _ => Err(format!(
            "expected a duration of at most \"500ms\", found {value}"
        )),
    }
}

fn txt(output: &mut Section<'_>) -> TxtOptions {
    let default = TxtOptions::default();
    let mut section = output.subsection("txt", "output.txt");
    let options = TxtOptions {
        speakers: section.get("speakers", boolean).unwrap_or(default.speakers),
        timestamps: section
            .get("timestamps", boolean)
            .unwrap_or(default.timestamps),
        width: section.get("width", count(WIDTH)),
    };
    section.finish();
    options
}
